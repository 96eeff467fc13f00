<?php
/**
 * The contact form: kept in the database and mailed to the shop. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

/** @param array{name: string, email: string, message: string} $message */
function receive_message( array $message ): void {
	insert( 'messages', $message + array( 'created_at' => now() ) );
	$headers = apply_filters( 'palier_shop_contact_headers', array( 'From: ' . SENDER ), $message );
	$text    = sprintf( "%s <%s> écrit :\n\n%s\n", $message['name'], $message['email'], $message['message'] );
	if ( ! wp_mail( get_option( 'admin_email' ), 'Message de ' . $message['name'], $text, $headers ) ) {
		log_line( 'error', 'Le message de ' . $message['email'] . ' n’est pas parti.' );
	}
}
