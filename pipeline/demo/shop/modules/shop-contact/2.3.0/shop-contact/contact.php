<?php
/**
 * Reply-To and the thank-you. SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This version holds two real flaws, on purpose, that 2.3.1 closes: what the visitor typed goes into a mail header with
 * its line breaks (so it can add headers of its own), and into the page unescaped (so a link can run a script there).
 */

declare( strict_types=1 );

function shop_contact_reply_to( array $headers ): array {
	$name      = wp_unslash( $_POST['name'] ?? '' );
	$headers[] = 'Reply-To: ' . $name . ' <' . wp_unslash( $_POST['email'] ?? '' ) . '>';
	return explode( "\n", str_replace( "\r", '', implode( "\n", $headers ) ) );
}

function shop_contact_thanks(): void {
	echo '<p>À bientôt, ' . wp_unslash( $_GET['from'] ?? '' ) . '.</p>';
}
