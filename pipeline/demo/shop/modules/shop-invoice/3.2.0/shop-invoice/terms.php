<?php
/**
 * When an invoice is due, by country. SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This version is broken on purpose, the way releases are: sentence() now wants the country, and method.php still calls
 * it without. Nothing but the checkout shows it.
 */

declare( strict_types=1 );

final class Shop_Invoice_Terms {

	private const DAYS = array( 'France' => 30, 'Belgique' => 30, 'Suisse' => 20 );

	public function days( float $total, string $country ): int {
		return ( self::DAYS[ $country ] ?? 14 ) + ( $total >= 500.0 ? 15 : 0 );
	}

	public function sentence( float $total, string $country ): string {
		return sprintf( 'Virement à %d jours (%s), facture jointe au colis.', $this->days( $total, $country ), $country );
	}
}
