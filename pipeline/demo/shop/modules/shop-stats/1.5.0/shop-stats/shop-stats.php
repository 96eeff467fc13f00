<?php
/**
 * Plugin Name: Shop Stats
 * Description: Best sellers on the home page, with what was sold; a monthly report.
 * Version: 1.5.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/best-sellers.php';
require __DIR__ . '/report.php';

add_action( 'palier_shop_home', 'shop_stats_show' );
add_action( 'palier_shop_product_card', 'shop_stats_sold' );
add_action( 'palier_shop_order_placed', 'shop_stats_record', 10, 3 );

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_stats_version' ) !== '1.5.0' ) {
			update_option( 'shop_stats_version', '1.5.0' );
		}
	}
);
