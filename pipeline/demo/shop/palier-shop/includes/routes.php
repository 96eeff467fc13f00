<?php
/**
 * Addresses and the pages behind them. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

/** @return array<string, string> pattern of the address => its query */
function routes(): array {
	return array(
		'^shop/?$'            => 'index.php?palier_page=listing',
		'^product/([^/]+)/?$' => 'index.php?palier_page=product&palier_item=$matches[1]',
		'^search/?$'          => 'index.php?palier_page=search',
		'^cart/?$'            => 'index.php?palier_page=cart',
		'^checkout/?$'        => 'index.php?palier_page=checkout',
		'^order/([^/]+)/?$'   => 'index.php?palier_page=order&palier_item=$matches[1]',
		'^contact/?$'         => 'index.php?palier_page=contact',
		'^account/?$'         => 'index.php?palier_page=account',
	);
}

function add_routes(): void {
	foreach ( routes() as $pattern => $query ) {
		add_rewrite_rule( $pattern, $query, 'top' );
	}
	$known = get_option( 'rewrite_rules' );
	if ( get_option( 'permalink_structure' ) && ( ! is_array( $known ) || array_diff_key( routes(), $known ) ) ) {
		flush_rewrite_rules( false );
	}
}

/** @param list<string> $names */
function query_vars( array $names ): array {
	return array( ...$names, 'palier_page', 'palier_item' );
}

/**
 * WordPress takes posted fields for its own query: a form with a field "name" would ask for the post of that name.
 *
 * @param array<string, mixed> $vars
 */
function only_our_query_vars( array $vars ): array {
	if ( is_admin() ) {
		return $vars;
	}
	if ( isset( $vars['palier_page'] ) ) {
		return array_intersect_key( $vars, array( 'palier_page' => 1, 'palier_item' => 1 ) );
	}
	$path = trim( (string) wp_parse_url( $_SERVER['REQUEST_URI'] ?? '', PHP_URL_PATH ), '/' );
	$home = trim( (string) wp_parse_url( home_url( '/' ), PHP_URL_PATH ), '/' );
	return $path === $home && ! isset( $vars['feed'] ) ? array( 'palier_page' => 'home' ) : $vars;
}

/** The shop's pages need none of WordPress's posts. */
function skip_main_query( mixed $posts, \WP_Query $query ): mixed {
	return $query->is_main_query() && $query->get( 'palier_page' ) ? array() : $posts;
}

function never_404_by_itself( mixed $handled ): mixed {
	return get_query_var( 'palier_page' ) ? true : $handled;
}

/** The shop prints its own page: the theme's styles, fonts and scripts would only disturb it. */
function quieten_theme(): void {
	if ( ! get_query_var( 'palier_page' ) && ! is_404() ) {
		return;
	}
	remove_action( 'template_redirect', 'redirect_canonical' );
	remove_action( 'wp_head', 'print_emoji_detection_script', 7 );
	remove_action( 'wp_head', 'wp_generator' );
	remove_action( 'wp_head', 'wp_print_font_faces', 50 );
	remove_action( 'wp_head', 'rest_output_link_wp_head' );
	remove_action( 'wp_head', 'wp_oembed_add_discovery_links' );
	remove_action( 'wp_head', 'feed_links', 2 );
	remove_action( 'wp_head', 'rsd_link' );
	remove_action( 'wp_enqueue_scripts', 'wp_enqueue_global_styles' );
	remove_action( 'wp_footer', 'wp_enqueue_global_styles', 1 );
	remove_action( 'wp_footer', 'the_block_template_skip_link' );
	add_filter( 'wp_speculation_rules_configuration', '__return_null' );
	add_filter( 'show_admin_bar', '__return_false' );
	add_action( 'wp_enqueue_scripts', __NAMESPACE__ . '\\only_our_styles', 1000 );
}

function only_our_styles(): void {
	foreach ( wp_styles()->queue as $handle ) {
		if ( ! str_starts_with( $handle, 'shop-' ) ) {
			wp_dequeue_style( $handle );
		}
	}
	wp_enqueue_style( 'palier-shop', plugins_url( 'assets/shop.css', __DIR__ ), array(), VERSION );
}

/** Answers the request when it is for one of the shop's pages. */
function dispatch(): void {
	$page = (string) get_query_var( 'palier_page' );
	if ( '' === $page && ! is_404() ) {
		return;
	}
	nocache_headers();
	$answer = __NAMESPACE__ . '\\' . ( array( 'order' => 'order_page' )[ $page ] ?? "{$page}_page" );
	try {
		if ( '' === $page || ! function_exists( $answer ) ) {
			not_found_page();
		} else {
			visitor_token();
			$answer( (string) get_query_var( 'palier_item' ) );
			remember_visit( $page );
		}
	} catch ( Database_Error $error ) {
		error_log( 'palier-shop: ' . $error->getMessage() );
		show( 'not-found', array( 'title' => 'Un instant…', 'text' => 'La boutique ne répond pas comme il faut. Réessayez dans un instant.' ), 500 );
	}
	exit;
}
