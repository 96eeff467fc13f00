<?php
/**
 * Plugin Name: Shop Filters
 * Description: Narrows a search down to a family.
 * Version: 1.2.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/filters.php';

add_action( 'palier_shop_before_results', 'shop_filters_show' );

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_filters_version' ) !== '1.2.0' ) {
			update_option( 'shop_filters_version', '1.2.0' );
		}
	}
);
