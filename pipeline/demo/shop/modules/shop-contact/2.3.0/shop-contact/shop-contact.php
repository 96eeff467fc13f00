<?php
/**
 * Plugin Name: Shop Contact
 * Description: Answers to the shop's contact mails go to the customer; a thank-you by name.
 * Version: 2.3.0
 * Requires PHP: 8.1
 * Author: Palier
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/old-licenses/gpl-2.0.html
 */

declare( strict_types=1 );

defined( 'ABSPATH' ) || exit;

require __DIR__ . '/contact.php';

add_filter( 'palier_shop_contact_headers', 'shop_contact_reply_to' );
add_action( 'palier_shop_contact_sent', 'shop_contact_thanks' );

add_action(
	'plugins_loaded',
	static function (): void {
		if ( get_option( 'shop_contact_version' ) !== '2.3.0' ) {
			update_option( 'shop_contact_version', '2.3.0' );
		}
	}
);
