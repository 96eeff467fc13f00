<?php
/**
 * From a cart to an order: all or nothing, once. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

const PERSON_FIELDS = array( 'email', 'name', 'phone', 'address', 'postcode', 'city', 'country' );

/** @return array<string, array{title: string, details: callable(float): string}> */
function payment_methods(): array {
	return apply_filters( 'palier_shop_payment_methods', array() );
}

/**
 * Turns the visitor's cart into an order and tells the modules and the customer.
 *
 * @param array<string, string> $person the PERSON_FIELDS and "note"
 * @throws Order_Refused when the cart is empty or the stock does not suffice; nothing is stored then.
 */
function place_order( array $person, string $payment ): array {
	list( $order, $lines ) = in_transaction( fn() => store_cart_as_order( visitor_token(), $person, $payment ) );
	renew_visitor_token();
	log_line( 'info', sprintf( 'Commande %s de %s <%s>', $order['reference'], $order['name'], $order['email'] ) );
	do_action( 'palier_shop_order_placed', (int) $order['id'], $order, $lines );
	send_confirmation( $order, $lines );
	return $order;
}

/** Inside a transaction. The lock on the cart makes a second press of the button wait, then find the cart empty. */
function store_cart_as_order( string $token, array $person, string $payment ): array {
	$cart = row( 'SELECT id FROM ' . table( 'carts' ) . ' WHERE token = %s FOR UPDATE', $token );
	$sql  = 'SELECT l.product_id, p.sku, p.name, p.price, l.quantity FROM ' . table( 'cart_lines' ) . ' l
		JOIN ' . table( 'products' ) . ' p ON p.id = l.product_id WHERE l.cart_id = %d ORDER BY l.product_id';
	$lines = $cart ? rows( $sql, $cart['id'] ) : array();
	if ( ! $lines ) {
		throw new Order_Refused( 'Votre panier est vide : la commande a peut-être déjà été passée.' );
	}
	foreach ( $lines as $line ) {
		take_stock( $line );
	}
	$order = array( 'total' => with_totals( $lines )['total'], 'status' => 'pending', 'payment' => $payment, 'cart_token' => $token );
	$order = store_order( $order + $person, $lines );
	run( 'DELETE FROM ' . table( 'cart_lines' ) . ' WHERE cart_id = %d', $cart['id'] );
	run( 'DELETE FROM ' . table( 'carts' ) . ' WHERE id = %d', $cart['id'] );
	do_action( 'palier_shop_order_stored', (int) $order['id'], $order, $lines );
	return array( $order, $lines );
}

function take_stock( array $line ): void {
	$taken = run(
		'UPDATE ' . table( 'products' ) . ' SET stock = stock - %d, updated_at = %s WHERE id = %d AND stock >= %d',
		$line['quantity'],
		now(),
		$line['product_id'],
		$line['quantity']
	);
	if ( 1 !== $taken ) {
		throw new Order_Refused( sprintf( 'Il ne reste pas assez de « %s » en stock.', $line['name'] ) );
	}
}

/** Stores an order and its lines under a new reference made of its id; takes no stock. */
function store_order( array $order, array $lines ): array {
	$order['customer_id'] = $order['customer_id'] ?? customer_id( $order );
	$order['created_at']  = now();
	$order['reference']   = substr( bin2hex( random_bytes( 10 ) ), 0, 20 );
	$order['id']          = insert( 'orders', $order );
	$order['reference']   = sprintf( 'MP-%06d', $order['id'] );
	run( 'UPDATE ' . table( 'orders' ) . ' SET reference = %s WHERE id = %d', $order['reference'], $order['id'] );
	foreach ( $lines as $line ) {
		insert( 'order_lines', array( 'order_id' => $order['id'] ) + $line );
	}
	return $order;
}

/** One customer for each e-mail address; the last order's name and address are kept. */
function customer_id( array $person ): int {
	$values = array_intersect_key( $person, array_flip( PERSON_FIELDS ) ) + array( 'created_at' => now() );
	$known  = row( 'SELECT id FROM ' . table( 'customers' ) . ' WHERE email = %s FOR UPDATE', $person['email'] );
	if ( ! $known ) {
		return insert( 'customers', $values );
	}
	run(
		'UPDATE ' . table( 'customers' ) . ' SET name = %s, phone = %s, address = %s, postcode = %s, city = %s, country = %s WHERE id = %d',
		$person['name'],
		$person['phone'],
		$person['address'],
		$person['postcode'],
		$person['city'],
		$person['country'],
		$known['id']
	);
	return (int) $known['id'];
}

/** What the address of the confirmation page must carry: references can be guessed, this cannot. */
function order_key( array $order ): string {
	return substr( wp_hash( 'palier-shop order ' . $order['id'] . ' ' . $order['reference'] ), 0, 20 );
}

function order_url( array $order ): string {
	return add_query_arg( 'key', order_key( $order ), home_url( '/order/' . $order['reference'] . '/' ) );
}

function order_by_reference( string $reference ): ?array {
	return row( 'SELECT * FROM ' . table( 'orders' ) . ' WHERE reference = %s', $reference );
}

/** @return list<array<string, string>> */
function order_lines( int $order_id ): array {
	return rows( 'SELECT * FROM ' . table( 'order_lines' ) . ' WHERE order_id = %d ORDER BY id', $order_id );
}

/** A mail that cannot be sent does not take an order back: it is logged. */
function send_confirmation( array $order, array $lines ): void {
	$text = sprintf( "Bonjour %s,\n\nMerci pour votre commande %s.\n\n", $order['name'], $order['reference'] );
	foreach ( $lines as $line ) {
		$text .= sprintf( "  %d × %s : %s\n", $line['quantity'], $line['name'], money( (float) $line['price'] * (int) $line['quantity'] ) );
	}
	$text .= sprintf( "\nTotal : %s\nVotre commande : %s\n\n%s\n", money( (float) $order['total'] ), order_url( $order ), BRAND );
	$sent  = wp_mail( $order['email'], sprintf( 'Votre commande %s', $order['reference'] ), $text, array( 'From: ' . SENDER ) );
	if ( ! $sent ) {
		log_line( 'error', 'La confirmation de la commande ' . $order['reference'] . ' n’est pas partie.' );
	}
}
