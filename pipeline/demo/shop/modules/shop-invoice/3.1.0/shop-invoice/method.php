<?php
/** The payment method as the checkout shows it. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

function shop_invoice_offer( array $methods ): array {
	$terms              = new Shop_Invoice_Terms();
	$methods['invoice'] = array(
		'title'   => 'Sur facture',
		'details' => static fn( float $total ): string => $terms->sentence( $total ),
	);
	return $methods;
}
