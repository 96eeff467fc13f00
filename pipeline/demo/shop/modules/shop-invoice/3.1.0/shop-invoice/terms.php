<?php
/** When an invoice is due. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

final class Shop_Invoice_Terms {

	public function days( float $total ): int {
		return $total >= 500.0 ? 45 : 30;
	}

	public function sentence( float $total ): string {
		return sprintf( 'Virement à %d jours, facture jointe au colis.', $this->days( $total ) );
	}
}
