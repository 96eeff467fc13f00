<?php
/**
 * Who is visiting: the cart cookie, the token of forms bound to it, the session and the log (both throw-away).
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

const COOKIE        = 'shop_cart';
const COOKIE_DAYS   = 14;
const SESSION_HOURS = 4;

/** The visitor's token; a new visitor gets one. Call before any output. */
function visitor_token(): string {
	$token = $_COOKIE[ COOKIE ] ?? '';
	return is_string( $token ) && preg_match( '/^[0-9a-f]{32}$/', $token ) ? $token : renew_visitor_token();
}

/** A finished order ends its cart: the next one begins under a new token. */
function renew_visitor_token(): string {
	$token = bin2hex( random_bytes( 16 ) );
	setcookie(
		COOKIE,
		$token,
		array(
			'expires'  => time() + COOKIE_DAYS * DAY_IN_SECONDS,
			'path'     => '/',
			'secure'   => is_ssl(),
			'httponly' => true,
			'samesite' => 'Lax',
		)
	);
	$_COOKIE[ COOKIE ] = $token;
	return $token;
}

/** What a form must send back: only this shop can compute it, and only for this visitor. */
function form_token(): string {
	return substr( wp_hash( 'palier-shop form ' . visitor_token() ), 0, 24 );
}

function form_token_field(): string {
	return '<input type="hidden" name="form_token" value="' . esc_attr( form_token() ) . '">';
}

function form_token_is_valid(): bool {
	return hash_equals( form_token(), posted( 'form_token' ) );
}

/** A posted field as one line of plain text. */
function posted( string $name ): string {
	$value = $_POST[ $name ] ?? '';
	return is_string( $value ) ? sanitize_text_field( wp_unslash( $value ) ) : '';
}

/** A posted field as plain text with its line breaks. */
function posted_text( string $name ): string {
	$value = $_POST[ $name ] ?? '';
	return is_string( $value ) ? sanitize_textarea_field( wp_unslash( $value ) ) : '';
}

/** A field of the address bar as one line of plain text. */
function asked( string $name ): string {
	$value = $_GET[ $name ] ?? '';
	return is_string( $value ) ? sanitize_text_field( wp_unslash( $value ) ) : '';
}

/** Remembers where the visitor is, the way session plugins do: one write a page. */
function remember_visit( string $page ): void {
	$data = serialize( array( 'page' => $page, 'at' => time(), 'agent' => substr( $_SERVER['HTTP_USER_AGENT'] ?? '', 0, 120 ) ) );
	run(
		'INSERT INTO ' . table( 'sessions' ) . ' (token, data, expires) VALUES (%s, %s, %s)
			ON DUPLICATE KEY UPDATE data = VALUES(data), expires = VALUES(expires)',
		visitor_token(),
		$data,
		gmdate( 'Y-m-d H:i:s', time() + SESSION_HOURS * HOUR_IN_SECONDS )
	);
	if ( 1 === random_int( 1, 200 ) ) {
		run( 'DELETE FROM ' . table( 'sessions' ) . ' WHERE expires < %s LIMIT 500', now() );
	}
}

function log_line( string $level, string $message ): void {
	insert( 'log', array( 'at' => now(), 'level' => $level, 'message' => $message ) );
}
