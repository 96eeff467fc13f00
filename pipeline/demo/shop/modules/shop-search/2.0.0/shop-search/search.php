<?php
/** All the words, in any order, by name. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

/** @return list<string> */
function shop_search_words( string $term ): array {
	return array_slice( preg_split( '/\s+/u', $term, -1, PREG_SPLIT_NO_EMPTY ) ?: array(), 0, 8 );
}

function shop_search_run( ?iterable $found, array $query ): array {
	global $wpdb;
	$where  = '' === $query['category'] ? array() : array( $wpdb->prepare( 'category = %s', $query['category'] ) );
	foreach ( shop_search_words( $query['term'] ) as $word ) {
		$like    = '%' . $wpdb->esc_like( $word ) . '%';
		$where[] = $wpdb->prepare( '(name LIKE %s OR description LIKE %s)', $like, $like );
	}
	$sql = "SELECT * FROM {$wpdb->prefix}shop_products WHERE " . implode( ' AND ', $where ) . ' ORDER BY name, id LIMIT 400';
	return $wpdb->get_results( $sql, ARRAY_A ) ?? array();
}
