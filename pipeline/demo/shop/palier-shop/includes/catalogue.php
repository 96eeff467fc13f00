<?php
/**
 * Products and how they are found. SPDX-License-Identifier: GPL-2.0-or-later
 */

declare( strict_types=1 );

namespace PalierShop;

const PAGE_SIZE    = 24;
const RESULT_LIMIT = 400;

/** @return array<string, string>|null */
function product_by_slug( string $slug ): ?array {
	return row( 'SELECT * FROM ' . table( 'products' ) . ' WHERE slug = %s', $slug );
}

/** @return array<string, string>|null */
function product_by_id( int $id ): ?array {
	return row( 'SELECT * FROM ' . table( 'products' ) . ' WHERE id = %d', $id );
}

/** @return list<array<string, string>> category and the picture of its first product, by name */
function categories(): array {
	$products = table( 'products' );
	return rows(
		"SELECT p.category, p.image FROM $products p
			JOIN (SELECT MIN(id) AS id FROM $products WHERE category <> '' GROUP BY category) firsts ON firsts.id = p.id
			ORDER BY p.category"
	);
}

/** Products for the home page: in stock, the first of the catalogue. */
function featured_products( int $count ): array {
	return rows( 'SELECT * FROM ' . table( 'products' ) . ' WHERE stock > 0 ORDER BY id LIMIT %d', $count );
}

/** @return array{0: list<array<string, string>>, 1: int} one page of products, and the number of pages */
function products_of_page( string $category, int $page ): array {
	$where  = '' === $category ? '1 = 1' : 'category = %s';
	$values = '' === $category ? array() : array( $category );
	$total  = (int) row( 'SELECT COUNT(*) AS n FROM ' . table( 'products' ) . " WHERE $where", ...$values )['n'];
	$sql    = 'SELECT * FROM ' . table( 'products' ) . " WHERE $where ORDER BY id LIMIT %d OFFSET %d";
	return array( rows( $sql, ...$values, ...array( PAGE_SIZE, PAGE_SIZE * ( $page - 1 ) ) ), max( 1, (int) ceil( $total / PAGE_SIZE ) ) );
}

/**
 * Answers the products for a search; a module may answer in the shop's place.
 *
 * @param array{term: string, category: string} $query
 */
function search( array $query ): iterable {
	if ( '' === $query['term'] ) {
		return array();
	}
	return apply_filters( 'palier_shop_search_run', null, $query ) ?? plain_search( $query );
}

/** The whole term, anywhere in name or description. */
function plain_search( array $query ): array {
	global $wpdb;
	$like   = '%' . $wpdb->esc_like( $query['term'] ) . '%';
	$where  = '' === $query['category'] ? '' : ' AND category = %s';
	$values = array_filter( array( $like, $like, $query['category'] ), 'strlen' );
	return rows(
		'SELECT * FROM ' . table( 'products' ) . " WHERE (name LIKE %s OR description LIKE %s)$where ORDER BY name, id LIMIT " . RESULT_LIMIT,
		...array_values( $values )
	);
}

function image_url( string $image ): string {
	return content_url( 'uploads/shop/' . $image );
}

function product_url( array $product ): string {
	return home_url( '/product/' . $product['slug'] . '/' );
}
