<?php
/**
 * One function a page: reads the request, acts, shows a template. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

function home_page(): void {
	show( 'home', array( 'title' => BRAND, 'products' => featured_products( 8 ), 'categories' => categories() ) );
}

function listing_page(): void {
	$category                  = asked( 'category' );
	$number                    = max( 1, (int) asked( 'page' ) );
	list( $products, $pages ) = products_of_page( $category, $number );
	$title                     = '' === $category ? 'Toute la boutique' : $category;
	show( 'listing', compact( 'title', 'products', 'pages', 'number', 'category' ) + array( 'categories' => categories() ) );
}

function show_product( array $product, string $error = '', int $status = 200 ): void {
	$near = rows(
		'SELECT * FROM ' . table( 'products' ) . ' WHERE category = %s AND id <> %d AND stock > 0 ORDER BY id LIMIT 4',
		$product['category'],
		$product['id']
	);
	show( 'product', array( 'title' => $product['name'], 'product' => $product, 'near' => $near, 'error' => $error ), $status );
}

/** Dispatch calls this "product_page"; the catalogue's function of a page of products is "products_of_page". */
function product_page( string $slug ): void {
	$product = product_by_slug( sanitize_title( $slug ) );
	if ( $product ) {
		show_product( $product );
	} else {
		not_found_page();
	}
}

function search_page(): void {
	$query   = array( 'term' => mb_substr( trim( asked( 'q' ) ), 0, 80 ), 'category' => asked( 'category' ) );
	$results = search( $query );
	show( 'search', array( 'title' => 'Recherche', 'query' => $query, 'results' => $results, 'count' => count( $results ) ) );
}

function cart_page(): void {
	if ( 'POST' !== $_SERVER['REQUEST_METHOD'] ) {
		show( 'cart', array( 'title' => 'Votre panier', 'cart' => cart() ) );
		return;
	}
	if ( ! form_token_is_valid() ) {
		refuse_form();
		return;
	}
	$product = product_by_id( (int) posted( 'product' ) );
	if ( ! $product ) {
		not_found_page();
		return;
	}
	$quantity = (int) ( posted( 'quantity' ) ?: 0 );
	if ( 'set' === posted( 'action' ) ) {
		set_in_cart( (int) $product['id'], $quantity );
	} elseif ( (int) $product['stock'] < max( 1, $quantity ) ) {
		show_product( $product, sprintf( 'Il reste %d pièce(s) en stock.', $product['stock'] ), 409 );
		return;
	} else {
		add_to_cart( (int) $product['id'], max( 1, $quantity ) );
	}
	wp_safe_redirect( home_url( '/cart/' ), 303 );
}

function checkout_page(): void {
	$posting = 'POST' === $_SERVER['REQUEST_METHOD'];
	$person  = array( 'note' => $posting ? posted_text( 'note' ) : '' );
	foreach ( PERSON_FIELDS as $field ) {
		$person[ $field ] = $posting ? posted( $field ) : '';
	}
	if ( ! $posting ) {
		show_checkout( array( 'country' => 'France' ) + $person );
	} elseif ( ! form_token_is_valid() ) {
		refuse_form();
	} else {
		try_to_order( $person );
	}
}

function try_to_order( array $person ): void {
	$mistakes = checkout_mistakes( $person );
	if ( $mistakes ) {
		show_checkout( $person, $mistakes, 422 );
		return;
	}
	try {
		$order = place_order( $person, posted( 'payment' ) );
	} catch ( Order_Refused $refusal ) {
		show_checkout( $person, array( $refusal->getMessage() ), 409 );
		return;
	}
	wp_safe_redirect( order_url( $order ), 303 );
}

/** @return list<string> sentences */
function checkout_mistakes( array $person ): array {
	$mistakes = array();
	if ( ! is_email( $person['email'] ) ) {
		$mistakes[] = 'L’adresse e-mail n’est pas valable.';
	}
	foreach ( array( 'name' => 'Le nom', 'address' => 'L’adresse', 'postcode' => 'Le code postal', 'city' => 'La ville', 'country' => 'Le pays' ) as $field => $label ) {
		if ( '' === $person[ $field ] ) {
			$mistakes[] = "$label manque.";
		}
	}
	if ( ! array_key_exists( posted( 'payment' ), payment_methods() ) ) {
		$mistakes[] = 'Choisissez un moyen de paiement.';
	}
	if ( '' === posted( 'terms' ) ) {
		$mistakes[] = 'Acceptez les conditions de vente.';
	}
	return $mistakes;
}

function show_checkout( array $person, array $mistakes = array(), int $status = 200 ): void {
	$cart = cart();
	if ( ! $cart['lines'] && ! $mistakes ) {
		wp_safe_redirect( home_url( '/cart/' ), 303 );
		return;
	}
	show( 'checkout', array( 'title' => 'Commander', 'methods' => payment_methods() ) + compact( 'cart', 'person', 'mistakes' ), $status );
}

function order_page( string $reference ): void {
	$order = order_by_reference( $reference );
	if ( ! $order || ! hash_equals( order_key( $order ), asked( 'key' ) ) ) {
		not_found_page();
		return;
	}
	show( 'order', array( 'title' => 'Merci !', 'order' => $order, 'lines' => order_lines( (int) $order['id'] ) ) );
}

function contact_page(): void {
	if ( 'POST' !== $_SERVER['REQUEST_METHOD'] ) {
		show( 'contact', array( 'title' => 'Nous écrire', 'sent' => '' !== asked( 'sent' ), 'error' => '', 'message' => array() ) );
		return;
	}
	if ( ! form_token_is_valid() ) {
		refuse_form();
		return;
	}
	$message = array( 'name' => posted( 'name' ), 'email' => posted( 'email' ), 'message' => posted_text( 'message' ) );
	if ( ! is_email( $message['email'] ) || '' === $message['name'] || '' === $message['message'] ) {
		$error = 'Il manque votre nom, une adresse e-mail valable ou votre message.';
		show( 'contact', array( 'title' => 'Nous écrire', 'sent' => false ) + compact( 'error', 'message' ), 422 );
		return;
	}
	receive_message( $message );
	wp_safe_redirect( add_query_arg( array( 'sent' => '1', 'from' => rawurlencode( $message['name'] ) ), home_url( '/contact/' ) ), 303 );
}

function refuse_form(): void {
	show( 'not-found', array( 'title' => 'Formulaire expiré', 'text' => 'Ce formulaire n’est plus valable. Revenez à la page et recommencez.' ), 403 );
}

function not_found_page(): void {
	show( 'not-found', array( 'title' => 'Page introuvable', 'text' => 'Cette page n’existe pas, ou plus.' ), 404 );
}
