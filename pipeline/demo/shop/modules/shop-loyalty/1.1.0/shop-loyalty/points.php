<?php
/** How points are earned. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

function shop_loyalty_points( float $amount ): int {
	return (int) floor( $amount * (int) ( get_option( 'shop_loyalty_settings' )['points_per_euro'] ?? 1 ) );
}

/** Called inside the order's transaction: the points stand or fall with the order. */
function shop_loyalty_earn( int $order_id, array $order ): void {
	global $wpdb;
	$points = shop_loyalty_points( (float) $order['total'] );
	$earned = array(
		'customer_id' => $order['customer_id'],
		'order_id'    => $order_id,
		'points'      => $points,
		'created_at'  => $order['created_at'],
	);
	$stored = $wpdb->insert( $wpdb->prefix . 'shop_loyalty', $earned );
	$noted  = $wpdb->update( $wpdb->prefix . 'shop_orders', array( 'loyalty_points' => $points ), array( 'id' => $order_id ) );
	if ( false === $stored || false === $noted ) {
		throw new RuntimeException( 'The loyalty points could not be stored: ' . $wpdb->last_error );
	}
}
