<?php
/**
 * A chip for each family found, with its number. SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This version counts with array_column(), which wants a plain array. The shop's own results and those of shop-search
 * 2.0.0 are arrays; those of shop-search 2.1.0 are not, and the search page dies: good alone, broken together.
 */

declare( strict_types=1 );

function shop_filters_show( array $query, iterable $results ): void {
	$found = array_count_values( array_column( $results, 'category' ) );
	arsort( $found );
	$found = array_slice( $found, 0, get_option( 'shop_filters_settings' )['most'] );
	if ( ! $found ) {
		return;
	}
	echo '<nav class="chips" aria-label="Familles" data-testid="search-filters">';
	shop_filters_chip( $query['term'], '', 'Toutes', null, '' === $query['category'] );
	foreach ( $found as $category => $count ) {
		shop_filters_chip( $query['term'], $category, $category, $count, $query['category'] === $category );
	}
	echo '</nav>';
}

function shop_filters_chip( string $term, string $category, string $label, ?int $count, bool $on ): void {
	$url = add_query_arg( array( 'q' => rawurlencode( $term ), 'category' => rawurlencode( $category ) ), home_url( '/search/' ) );
	printf( '<a href="%s"%s>%s%s</a>', esc_url( $url ), $on ? ' class="on"' : '', esc_html( $label ), null === $count ? '' : ' <small>' . (int) $count . '</small>' );
}
