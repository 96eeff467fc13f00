<?php
/** All the words, in any order, by relevance. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

/** @return list<string> */
function shop_search_words( string $term ): array {
	return array_slice( preg_split( '/\s+/u', $term, -1, PREG_SPLIT_NO_EMPTY ) ?: array(), 0, 8 );
}

function shop_search_run( ?iterable $found, array $query ): Shop_Search_Ranking {
	global $wpdb;
	$where  = '' === $query['category'] ? array() : array( $wpdb->prepare( 'category = %s', $query['category'] ) );
	foreach ( shop_search_words( $query['term'] ) as $word ) {
		$like    = '%' . $wpdb->esc_like( $word ) . '%';
		$where[] = $wpdb->prepare( '(name LIKE %s OR description LIKE %s)', $like, $like );
	}
	$sql = "SELECT * FROM {$wpdb->prefix}shop_products WHERE " . implode( ' AND ', $where ) . ' ORDER BY name, id LIMIT 400';
	$found = $wpdb->get_results( $sql, ARRAY_A ) ?? array();
	return new Shop_Search_Ranking( $found, shop_search_words( $query['term'] ), get_option( 'shop_search_settings' ) );
}

/** Marks the words in a name that is already escaped; a word with a character that HTML escapes is left unmarked. */
function shop_search_mark( string $html, array $product, array $query ): string {
	$words = array_filter( shop_search_words( $query['term'] ), static fn( string $word ): bool => (bool) preg_match( '/^[\p{L}\p{N}-]{2,}$/u', $word ) );
	if ( ! $words || str_contains( $html, '&' ) ) {
		return $html;
	}
	$pattern = implode( '|', array_map( static fn( string $word ): string => preg_quote( $word, '/' ), $words ) );
	return preg_replace( "/($pattern)/iu", '<mark>$1</mark>', $html ) ?? $html;
}
