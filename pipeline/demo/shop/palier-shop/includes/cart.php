<?php
/**
 * The cart: rows found by the visitor's token. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

const MOST_OF_ONE = 99;

/** @return array{lines: list<array<string, string>>, count: int, total: float} */
function cart(): array {
	$lines = rows(
		'SELECT l.product_id, l.quantity, p.* FROM ' . table( 'cart_lines' ) . ' l
			JOIN ' . table( 'carts' ) . ' c ON c.id = l.cart_id
			JOIN ' . table( 'products' ) . ' p ON p.id = l.product_id
			WHERE c.token = %s ORDER BY l.product_id',
		visitor_token()
	);
	return with_totals( $lines );
}

/** @param list<array<string, string>> $lines */
function with_totals( array $lines ): array {
	$total = 0.0;
	$count = 0;
	foreach ( $lines as $line ) {
		$total += (float) $line['price'] * (int) $line['quantity'];
		$count += (int) $line['quantity'];
	}
	return array( 'lines' => $lines, 'count' => $count, 'total' => round( $total, 2 ) );
}

/** The id of the visitor's cart, made when there is none. */
function cart_id(): int {
	run(
		'INSERT INTO ' . table( 'carts' ) . ' (token, created_at, updated_at) VALUES (%s, %s, %s)
			ON DUPLICATE KEY UPDATE updated_at = VALUES(updated_at)',
		visitor_token(),
		now(),
		now()
	);
	return (int) row( 'SELECT id FROM ' . table( 'carts' ) . ' WHERE token = %s', visitor_token() )['id'];
}

function add_to_cart( int $product_id, int $quantity ): void {
	run(
		'INSERT INTO ' . table( 'cart_lines' ) . ' (cart_id, product_id, quantity) VALUES (%d, %d, %d)
			ON DUPLICATE KEY UPDATE quantity = LEAST(%d, quantity + VALUES(quantity))',
		cart_id(),
		$product_id,
		max( 1, min( MOST_OF_ONE, $quantity ) ),
		MOST_OF_ONE
	);
}

/** Sets how many of a product are in the cart; 0 takes it out. */
function set_in_cart( int $product_id, int $quantity ): void {
	if ( $quantity < 1 ) {
		run( 'DELETE FROM ' . table( 'cart_lines' ) . ' WHERE cart_id = %d AND product_id = %d', cart_id(), $product_id );
		return;
	}
	$sql = 'UPDATE ' . table( 'cart_lines' ) . ' SET quantity = %d WHERE cart_id = %d AND product_id = %d';
	run( $sql, min( MOST_OF_ONE, $quantity ), cart_id(), $product_id );
}
