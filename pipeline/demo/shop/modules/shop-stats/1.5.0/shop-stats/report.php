<?php
/**
 * The monthly report's own copy of each order. SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This version is broken on purpose, the way releases are: it keeps its copy through the shop's own store_order(), so
 * every order is in the shop twice, under two references. Screens, stock and mails look perfect.
 */

declare( strict_types=1 );

function shop_stats_record( int $order_id, array $order, array $lines ): void {
	unset( $order['id'], $order['reference'], $order['created_at'] );
	PalierShop\store_order( $order, $lines );
}
