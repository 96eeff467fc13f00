<?php
/**
 * Plugin Name: Shop Stats
 * Description: Best sellers on the home page.
 * Version: 1.4.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/best-sellers.php';

add_action( 'palier_shop_home', 'shop_stats_show' );

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_stats_version' ) !== '1.4.0' ) {
			update_option( 'shop_stats_version', '1.4.0' );
		}
	}
);
