<?php
/**
 * Search results in their order of relevance. SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The shop takes any iterable for results, and this one knows why each product stands where it does. A module that
 * insists on a plain array does not get on with it: see shop-filters 1.3.0.
 */

declare( strict_types=1 );

final class Shop_Search_Ranking implements IteratorAggregate, Countable {

	/** @var list<array<string, mixed>> */
	private array $products;

	/**
	 * @param list<array<string, string>> $products
	 * @param list<string>                $words
	 * @param array<string, int>          $weights
	 */
	public function __construct( array $products, array $words, array $weights ) {
		foreach ( $products as &$product ) {
			$product['relevance'] = self::relevance( $product, $words, $weights );
		}
		unset( $product );
		usort( $products, static fn( array $a, array $b ): int => $b['relevance'] <=> $a['relevance'] ?: (int) $a['id'] <=> (int) $b['id'] );
		$this->products = $products;
	}

	public function getIterator(): ArrayIterator {
		return new ArrayIterator( $this->products );
	}

	public function count(): int {
		return count( $this->products );
	}

	private static function relevance( array $product, array $words, array $weights ): int {
		$sum = 0;
		foreach ( $words as $word ) {
			$in_name = self::position( $product['name'], $word );
			$sum    += false === $in_name ? 0 : $weights['name'];
			$sum    += 0 === $in_name ? $weights['name_begins'] : 0;
			$sum    += false === self::position( $product['category'], $word ) ? 0 : $weights['category'];
			$sum    += false === self::position( $product['description'], $word ) ? 0 : $weights['description'];
		}
		return $sum;
	}

	/** Without accents and case, as the database compares. */
	private static function position( string $text, string $word ): int|false {
		return mb_stripos( remove_accents( $text ), remove_accents( $word ) );
	}
}
