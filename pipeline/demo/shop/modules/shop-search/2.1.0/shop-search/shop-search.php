<?php
/**
 * Plugin Name: Shop Search
 * Description: Finds products by all the words of a search, the most relevant first, with the words marked.
 * Version: 2.1.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/search.php';

require __DIR__ . '/class-shop-search-ranking.php';

add_action( 'plugins_loaded', 'shop_search_migrate' );
add_filter( 'palier_shop_search_run', 'shop_search_run', 10, 2 );
add_filter( 'palier_shop_result_name', 'shop_search_mark', 10, 3 );

function shop_search_migrate(): void {
	if ( get_option( 'shop_search_version' ) !== '2.1.0' ) {
		update_option( 'shop_search_settings', array( 'name' => 10, 'name_begins' => 5, 'category' => 4, 'description' => 1 ) );
		update_option( 'shop_search_version', '2.1.0' );
	}
}
