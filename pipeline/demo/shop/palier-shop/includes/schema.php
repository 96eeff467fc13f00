<?php
/**
 * The shop's tables. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

/** The full name of one of the shop's tables, e.g. table( 'orders' ) is wp_shop_orders. */
function table( string $name ): string {
	global $wpdb;
	return $wpdb->prefix . 'shop_' . $name;
}

/** @return array<string, string> table => its columns and keys */
function tables(): array {
	$person = "name VARCHAR(190) NOT NULL DEFAULT '', phone VARCHAR(40) NOT NULL DEFAULT '',
		address VARCHAR(255) NOT NULL DEFAULT '', postcode VARCHAR(20) NOT NULL DEFAULT '',
		city VARCHAR(120) NOT NULL DEFAULT '', country VARCHAR(60) NOT NULL DEFAULT ''";
	$key    = 'id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY';
	return array(
		'products'    => "$key, sku VARCHAR(40) NOT NULL, slug VARCHAR(160) NOT NULL, name VARCHAR(190) NOT NULL,
			description TEXT NOT NULL, price DECIMAL(10,2) NOT NULL, stock INT NOT NULL DEFAULT 0,
			image VARCHAR(190) NOT NULL DEFAULT '', category VARCHAR(60) NOT NULL DEFAULT '', updated_at DATETIME NOT NULL,
			UNIQUE KEY sku (sku), UNIQUE KEY slug (slug), KEY category (category)",
		'customers'   => "$key, email VARCHAR(190) NOT NULL, $person, created_at DATETIME NOT NULL, UNIQUE KEY email (email)",
		'carts'       => "$key, token VARCHAR(64) NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
			UNIQUE KEY token (token)",
		'cart_lines'  => "$key, cart_id BIGINT UNSIGNED NOT NULL, product_id BIGINT UNSIGNED NOT NULL, quantity INT NOT NULL,
			UNIQUE KEY cart_product (cart_id, product_id)",
		'orders'      => "$key, reference VARCHAR(20) NOT NULL, customer_id BIGINT UNSIGNED NOT NULL, email VARCHAR(190) NOT NULL,
			$person, total DECIMAL(10,2) NOT NULL, status VARCHAR(20) NOT NULL, payment VARCHAR(40) NOT NULL, note TEXT NOT NULL,
			cart_token VARCHAR(64) NOT NULL, created_at DATETIME NOT NULL,
			UNIQUE KEY reference (reference), KEY cart_token (cart_token), KEY email (email), KEY customer_id (customer_id)",
		'order_lines' => "$key, order_id BIGINT UNSIGNED NOT NULL, product_id BIGINT UNSIGNED NOT NULL, sku VARCHAR(40) NOT NULL,
			name VARCHAR(190) NOT NULL, quantity INT NOT NULL, price DECIMAL(10,2) NOT NULL,
			KEY order_id (order_id), KEY product_id (product_id)",
		'messages'    => "$key, name VARCHAR(190) NOT NULL, email VARCHAR(190) NOT NULL, message TEXT NOT NULL, created_at DATETIME NOT NULL",
		'sessions'    => 'token VARCHAR(64) NOT NULL PRIMARY KEY, data TEXT NOT NULL, expires DATETIME NOT NULL, KEY expires (expires)',
		'log'         => "$key, at DATETIME NOT NULL, level VARCHAR(10) NOT NULL, message TEXT NOT NULL",
	);
}

/** Creates what is missing, once a version. Harmless when two requests do it at the same time. */
function migrate(): void {
	global $wpdb;
	if ( get_option( 'palier_shop_version' ) === VERSION ) {
		return;
	}
	$collate = $wpdb->get_charset_collate();
	foreach ( tables() as $name => $columns ) {
		$wpdb->query( 'CREATE TABLE IF NOT EXISTS ' . table( $name ) . " ($columns) ENGINE=InnoDB $collate" );
	}
	update_option( 'palier_shop_version', VERSION );
}
