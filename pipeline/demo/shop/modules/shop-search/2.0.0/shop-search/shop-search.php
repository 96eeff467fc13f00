<?php
/**
 * Plugin Name: Shop Search
 * Description: Finds products by all the words of a search, in any order.
 * Version: 2.0.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/search.php';

add_filter( 'palier_shop_search_run', 'shop_search_run', 10, 2 );

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_search_version' ) !== '2.0.0' ) {
			update_option( 'shop_search_version', '2.0.0' );
		}
	}
);
