<?php
/**
 * Plugin Name: Shop Filters
 * Description: Narrows a search down to a family, with the number of pieces found in each.
 * Version: 1.3.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/filters.php';

add_action( 'plugins_loaded', 'shop_filters_migrate' );
add_action( 'palier_shop_before_results', 'shop_filters_show', 10, 2 );

function shop_filters_migrate(): void {
	if ( get_option( 'shop_filters_version' ) !== '1.3.0' ) {
		update_option( 'shop_filters_settings', array( 'counts' => true, 'most' => 8 ) );
		update_option( 'shop_filters_version', '1.3.0' );
	}
}
