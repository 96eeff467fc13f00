<?php
/**
 * Showing: every value is escaped where it is printed. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

/**
 * Prints a page: the header, templates/$template.php with $values as its variables, the footer.
 *
 * The page is built before anything is sent, so that the cart cookie and the status can still be set, and so that a
 * module that dies half-way leaves an honest 500 instead of half a page.
 */
function show( string $template, array $values, int $status = 200 ): void {
	status_header( $status );
	header( 'Content-Type: text/html; charset=utf-8' );
	ob_start();
	print_template( 'header', $values + array( 'in_cart' => cart()['count'] ) );
	print_template( $template, $values );
	print_template( 'footer', $values );
	ob_end_flush();
}

function print_template( string $palier_template, array $palier_values ): void {
	extract( $palier_values, EXTR_SKIP );
	require dirname( __DIR__ ) . "/templates/$palier_template.php";
}

function money( float $amount ): string {
	return number_format( $amount, 2, ',', "\u{202F}" ) . "\u{00A0}€";
}

function stock_text( int $stock ): string {
	return $stock > 0 ? "$stock en stock" : 'Épuisé';
}

/** The element that shows the stock; data-stock is for machines. */
function stock_badge( array $product ): string {
	$stock = (int) $product['stock'];
	$class = 0 === $stock ? 'stock none' : ( $stock < 10 ? 'stock low' : 'stock' );
	return sprintf( '<span class="%s" data-testid="product-stock" data-stock="%d">%s</span>', $class, $stock, esc_html( stock_text( $stock ) ) );
}

function price_tag( array $product ): string {
	return sprintf( '<span class="price" data-testid="product-price" data-price="%s">%s</span>', esc_attr( $product['price'] ), esc_html( money( (float) $product['price'] ) ) );
}

function product_card( array $product, string $testid = 'product-card', ?string $name = null ): void {
	print_template( 'card', array( 'product' => $product, 'testid' => $testid, 'name_html' => $name ?? esc_html( $product['name'] ) ) );
}

function text_field( string $name, string $label, string $value, string $type = 'text', string $complete = '', bool $required = true ): string {
	return sprintf(
		'<label class="field field-%1$s"><span>%2$s</span><input type="%3$s" name="%1$s" value="%4$s" autocomplete="%5$s"%6$s></label>',
		esc_attr( $name ),
		esc_html( $label ),
		esc_attr( $type ),
		esc_attr( $value ),
		esc_attr( $complete ),
		$required ? ' required' : ''
	);
}
