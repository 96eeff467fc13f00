<?php
/** What sells best, from the last lines of orders. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

const SHOP_STATS_LINES = 400;

/** @return list<array<string, string>> products with the number sold */
function shop_stats_best_sellers( int $count ): array {
	global $wpdb;
	$sql = "SELECT p.*, SUM(l.quantity) AS sold
		FROM (SELECT product_id, quantity FROM {$wpdb->prefix}shop_order_lines ORDER BY id DESC LIMIT %d) l
		JOIN {$wpdb->prefix}shop_products p ON p.id = l.product_id
		GROUP BY p.id ORDER BY sold DESC, p.id LIMIT %d";
	return $wpdb->get_results( $wpdb->prepare( $sql, SHOP_STATS_LINES, $count ), ARRAY_A ) ?? array();
}

function shop_stats_show(): void {
	$products = shop_stats_best_sellers( 4 );
	if ( ! $products ) {
		return;
	}
	echo '<section><h2>Les plus aimés</h2><div class="grid">';
	foreach ( $products as $product ) {
		PalierShop\product_card( $product, 'best-seller' );
	}
	echo '</div></section>';
}

/** Only the cards of the best sellers know what was sold. */
function shop_stats_sold( array $product ): void {
	if ( isset( $product['sold'] ) ) {
		printf( '<p class="hint">%d vendus ces derniers temps</p>', (int) $product['sold'] );
	}
}
