<?php
/**
 * The customer's account: WordPress's own users, registering, logging in and out. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

const SHORTEST_PASSWORD = 10;

function account_page(): void {
	if ( 'POST' !== $_SERVER['REQUEST_METHOD'] ) {
		show_account();
		return;
	}
	if ( ! form_token_is_valid() ) {
		refuse_form();
		return;
	}
	$error = array( 'login' => __NAMESPACE__ . '\\log_in', 'register' => __NAMESPACE__ . '\\register', 'logout' => __NAMESPACE__ . '\\log_out' )[ posted( 'action' ) ] ?? null;
	$error = $error ? $error() : 'Cette action n’existe pas.';
	if ( '' !== $error ) {
		show_account( $error, 422 );
		return;
	}
	wp_safe_redirect( home_url( '/account/' ), 303 );
}

function show_account( string $error = '', int $status = 200 ): void {
	$customer = wp_get_current_user();
	show( 'account', array( 'title' => 'Votre compte' ) + compact( 'customer', 'error' ), $status );
}

/** A password is not a line of text: nothing of it may be taken away. */
function posted_password(): string {
	$value = $_POST['password'] ?? '';
	return is_string( $value ) ? wp_unslash( $value ) : '';
}

/** @return string why not, or nothing */
function log_in(): string {
	$login = array( 'user_login' => posted( 'email' ), 'user_password' => posted_password(), 'remember' => false );
	return is_wp_error( wp_signon( $login, is_ssl() ) ) ? 'Adresse ou mot de passe inconnu.' : '';
}

function log_out(): string {
	wp_logout();
	return '';
}

/** @return string why not, or nothing */
function register(): string {
	$email    = posted( 'email' );
	$password = posted_password();
	if ( ! is_email( $email ) || email_exists( $email ) || mb_strlen( $password ) < SHORTEST_PASSWORD ) {
		return 'Il faut une adresse e-mail qui n’a pas encore de compte et un mot de passe d’au moins ' . SHORTEST_PASSWORD . ' signes.';
	}
	$customer = wp_insert_user( array( 'user_login' => $email, 'user_email' => $email, 'user_pass' => $password, 'role' => 'subscriber' ) );
	return is_wp_error( $customer ) ? 'Le compte n’a pas pu être ouvert.' : log_in();
}
