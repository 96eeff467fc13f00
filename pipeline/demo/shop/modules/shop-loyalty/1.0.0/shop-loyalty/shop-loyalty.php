<?php
/**
 * Plugin Name: Shop Loyalty
 * Description: A loyalty programme: one point for each euro.
 * Version: 1.0.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

add_action(
	'palier_shop_product_details',
	static function (): void {
		echo '<p class="hint">Programme de fidélité : bientôt, chaque euro comptera.</p>';
	}
);

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_loyalty_version' ) !== '1.0.0' ) {
			update_option( 'shop_loyalty_version', '1.0.0' );
		}
	}
);
