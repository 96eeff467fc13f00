<?php
/**
 * Plugin Name: Palier Shop
 * Description: The demo shop of Palier: products with stock, search, cart, guest checkout, order mail, contact form.
 * Version: 1.0.0
 * Requires at least: 6.4
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 *
 * What modules may attach to:
 *
 *   filter palier_shop_payment_methods ( array $methods )               id => [ title, details( float $total ): string ]
 *   filter palier_shop_search_run      ( ?iterable $found, array $query ) the rows found, or null: the shop searches itself
 *   filter palier_shop_result_name     ( string $html, array $product, array $query )
 *   filter palier_shop_contact_headers ( array $headers, array $message )
 *   action palier_shop_home            ()                                further sections of the home page
 *   action palier_shop_product_card    ( array $product )
 *   action palier_shop_product_details ( array $product )
 *   action palier_shop_before_results  ( array $query, iterable $results )
 *   action palier_shop_checkout_form   ( array $cart )
 *   action palier_shop_confirmation    ( array $order )
 *   action palier_shop_contact_form    ()
 *   action palier_shop_contact_sent    ()
 *   action palier_shop_order_stored    ( int $order_id, array $order, array $lines )  inside the order's transaction
 *   action palier_shop_order_placed    ( int $order_id, array $order, array $lines )  after it
 */

declare( strict_types=1 );

namespace PalierShop;

defined( 'ABSPATH' ) || exit;

const VERSION = '1.0.0';
const BRAND   = 'Maison Palier';
const SENDER  = 'Maison Palier <bonjour@maison-palier.example>';

foreach ( array( 'schema', 'database', 'visitor', 'catalogue', 'cart', 'orders', 'messages', 'account', 'view', 'pages', 'routes' ) as $part ) {
	require __DIR__ . "/includes/$part.php";
}

add_action( 'plugins_loaded', __NAMESPACE__ . '\\migrate', 5 );
add_action( 'init', __NAMESPACE__ . '\\add_routes' );
add_filter( 'query_vars', __NAMESPACE__ . '\\query_vars' );
add_filter( 'request', __NAMESPACE__ . '\\only_our_query_vars' );
add_filter( 'posts_pre_query', __NAMESPACE__ . '\\skip_main_query', 10, 2 );
add_filter( 'pre_handle_404', __NAMESPACE__ . '\\never_404_by_itself' );
add_action( 'wp', __NAMESPACE__ . '\\quieten_theme' );
add_action( 'template_redirect', __NAMESPACE__ . '\\dispatch', 1 );
