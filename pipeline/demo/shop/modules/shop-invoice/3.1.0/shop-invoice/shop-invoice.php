<?php
/**
 * Plugin Name: Shop Invoice
 * Description: Payment by bank transfer on receipt of the invoice.
 * Version: 3.1.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/terms.php';
require __DIR__ . '/method.php';

add_filter( 'palier_shop_payment_methods', 'shop_invoice_offer' );

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_invoice_version' ) !== '3.1.0' ) {
			update_option( 'shop_invoice_version', '3.1.0' );
		}
	}
);
