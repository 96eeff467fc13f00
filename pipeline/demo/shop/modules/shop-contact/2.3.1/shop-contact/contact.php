<?php
/** Reply-To and the thank-you. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

/** What was typed, as one line without control characters: a header ends at its line's end. */
function shop_contact_line( mixed $typed ): string {
	return is_string( $typed ) ? trim( preg_replace( '/[\x00-\x1f\x7f]+/', ' ', sanitize_text_field( wp_unslash( $typed ) ) ) ) : '';
}

function shop_contact_reply_to( array $headers ): array {
	$email = sanitize_email( shop_contact_line( $_POST['email'] ?? '' ) );
	if ( '' === $email ) {
		return $headers;
	}
	$name      = str_replace( array( '"', '\\', '<', '>', ',', ';' ), '', shop_contact_line( $_POST['name'] ?? '' ) );
	$headers[] = sprintf( 'Reply-To: %s <%s>', $name, $email );
	return $headers;
}

function shop_contact_thanks(): void {
	echo '<p>À bientôt, ' . esc_html( shop_contact_line( $_GET['from'] ?? '' ) ) . '.</p>';
}
