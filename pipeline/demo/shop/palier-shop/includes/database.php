<?php
/**
 * Statements that may not fail silently, and transactions. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

/** A statement failed; its transaction is rolled back. */
final class Database_Error extends \RuntimeException {}

/** The cart cannot become an order; the message is for the customer. */
final class Order_Refused extends \RuntimeException {}

const DEADLOCK     = 1213;
const LOCK_TIMEOUT = 1205;

/** Runs one statement with its values and answers the number of rows that it changed. */
function run( string $sql, mixed ...$values ): int {
	global $wpdb;
	$changed = $wpdb->query( $values ? $wpdb->prepare( $sql, ...$values ) : $sql );
	if ( false === $changed ) {
		$number = $wpdb->dbh instanceof \mysqli ? $wpdb->dbh->errno : 0;
		throw new Database_Error( 'The database refused a statement: ' . $wpdb->last_error, $number );
	}
	return (int) $changed;
}

/** @return list<array<string, string>> */
function rows( string $sql, mixed ...$values ): array {
	global $wpdb;
	return $wpdb->get_results( $values ? $wpdb->prepare( $sql, ...$values ) : $sql, ARRAY_A ) ?? array();
}

/** @return array<string, string>|null */
function row( string $sql, mixed ...$values ): ?array {
	return rows( $sql, ...$values )[0] ?? null;
}

/** Inserts one row and answers its id. */
function insert( string $table, array $values ): int {
	global $wpdb;
	$names = implode( ', ', array_keys( $values ) );
	$marks = implode( ', ', array_fill( 0, count( $values ), '%s' ) );
	run( 'INSERT INTO ' . table( $table ) . " ($names) VALUES ($marks)", ...array_values( $values ) );
	return (int) $wpdb->insert_id;
}

/**
 * Runs $work in one transaction: all of it or nothing; after a deadlock once more, three times at most.
 *
 * Reconnecting is switched off meanwhile: WordPress would open a new connection in the middle and carry on there
 * without the transaction, leaving half an order.
 */
function in_transaction( callable $work ): mixed {
	global $wpdb;
	$reconnect               = $wpdb->reconnect_retries;
	$wpdb->reconnect_retries = 0;
	try {
		for ( $attempt = 1; ; $attempt++ ) {
			try {
				run( 'START TRANSACTION' );
				$result = $work();
				run( 'COMMIT' );
				return $result;
			} catch ( \Throwable $error ) {
				$wpdb->query( 'ROLLBACK' );
				$again = $error instanceof Database_Error && in_array( $error->getCode(), array( DEADLOCK, LOCK_TIMEOUT ), true );
				if ( ! $again || $attempt >= 3 ) {
					throw $error;
				}
				usleep( 20000 * $attempt );
			}
		}
	} finally {
		$wpdb->reconnect_retries = $reconnect;
	}
}

function now(): string {
	return gmdate( 'Y-m-d H:i:s' );
}
