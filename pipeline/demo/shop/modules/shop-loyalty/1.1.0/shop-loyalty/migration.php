<?php
/** From 1.0.0 to 1.1.0. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

const SHOP_LOYALTY_VERSION  = '1.1.0';
const SHOP_LOYALTY_SENTENCE = 'Cette pièce participe à notre programme de fidélité.';

/** Migrates once. Every step copes with having been done already: a migration may have died half-way. */
function shop_loyalty_migrate(): void {
	global $wpdb;
	if ( get_option( 'shop_loyalty_version' ) === SHOP_LOYALTY_VERSION ) {
		return;
	}
	$lock = $wpdb->dbname . '.shop_loyalty';
	if ( '1' !== $wpdb->get_var( $wpdb->prepare( 'SELECT GET_LOCK(%s, 30)', $lock ) ) ) {
		return;
	}
	try {
		shop_loyalty_migrate_schema();
		shop_loyalty_migrate_orders();
		shop_loyalty_migrate_products();
		update_option( 'shop_loyalty_settings', array( 'points_per_euro' => 1, 'euros_per_point' => 0.02 ) );
		update_option( 'shop_loyalty_version', SHOP_LOYALTY_VERSION );
	} finally {
		$wpdb->query( $wpdb->prepare( 'DO RELEASE_LOCK(%s)', $lock ) );
	}
}

function shop_loyalty_run( string $sql ): void {
	global $wpdb;
	if ( false === $wpdb->query( $sql ) ) {
		throw new RuntimeException( 'The loyalty migration stopped: ' . $wpdb->last_error );
	}
}

function shop_loyalty_migrate_schema(): void {
	global $wpdb;
	$orders = $wpdb->prefix . 'shop_orders';
	shop_loyalty_run(
		"CREATE TABLE IF NOT EXISTS {$wpdb->prefix}shop_loyalty (
			id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
			customer_id BIGINT UNSIGNED NOT NULL,
			order_id BIGINT UNSIGNED NOT NULL,
			points INT NOT NULL,
			created_at DATETIME NOT NULL,
			UNIQUE KEY order_id (order_id),
			KEY customer_id (customer_id)
		) ENGINE=InnoDB {$wpdb->get_charset_collate()}"
	);
	if ( ! $wpdb->get_results( "SHOW COLUMNS FROM $orders LIKE 'loyalty_points'" ) ) {
		shop_loyalty_run( "ALTER TABLE $orders ADD COLUMN loyalty_points INT NOT NULL DEFAULT 0" );
	}
	if ( ! $wpdb->get_results( "SHOW INDEX FROM $orders WHERE Key_name = 'loyalty_points'" ) ) {
		shop_loyalty_run( "ALTER TABLE $orders ADD INDEX loyalty_points (loyalty_points)" );
	}
}

/** Customers have their points for what they bought before, too. */
function shop_loyalty_migrate_orders(): void {
	global $wpdb;
	shop_loyalty_run( "UPDATE {$wpdb->prefix}shop_orders SET loyalty_points = FLOOR(total) WHERE loyalty_points = 0" );
	shop_loyalty_run(
		"INSERT IGNORE INTO {$wpdb->prefix}shop_loyalty (customer_id, order_id, points, created_at)
			SELECT customer_id, id, loyalty_points, created_at FROM {$wpdb->prefix}shop_orders"
	);
}

/** Says so on the pieces of one family, and writes their names without their doubled spaces. */
function shop_loyalty_migrate_products(): void {
	global $wpdb;
	$products = $wpdb->prefix . 'shop_products';
	shop_loyalty_run(
		$wpdb->prepare(
			"UPDATE $products SET description = CONCAT(description, %s), name = REPLACE(name, '  ', ' '), updated_at = UTC_TIMESTAMP()
				WHERE category IN ('Bols', 'Vases') AND description NOT LIKE %s",
			"\n\n" . SHOP_LOYALTY_SENTENCE,
			'%' . $wpdb->esc_like( SHOP_LOYALTY_SENTENCE )
		)
	);
}
