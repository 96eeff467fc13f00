<?php
/**
 * Plugin Name: Shop Loyalty
 * Description: A loyalty programme: one point for each euro.
 * Version: 1.1.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/points.php';
require __DIR__ . '/migration.php';

add_action( 'plugins_loaded', 'shop_loyalty_migrate' );
add_action( 'palier_shop_order_stored', 'shop_loyalty_earn', 10, 2 );

add_action(
	'palier_shop_product_details',
	static function ( array $product ): void {
		printf( '<p class="hint">Cette pièce rapporte <b>%d points</b> de fidélité.</p>', shop_loyalty_points( (float) $product['price'] ) );
	}
);

add_action(
	'palier_shop_checkout_form',
	static function ( array $cart ): void {
		printf( '<p class="hint">Vous gagnez <b>%d points</b> avec cette commande.</p>', shop_loyalty_points( (float) $cart['total'] ) );
	}
);

add_action(
	'palier_shop_confirmation',
	static function ( array $order ): void {
		printf( '<p class="hint">%d points de fidélité sont sur votre compte.</p>', (int) ( $order['loyalty_points'] ?? 0 ) );
	}
);
