<?php
/** A list of all families beside the search. SPDX-License-Identifier: GPL-2.0-or-later */

declare( strict_types=1 );

function shop_filters_show( array $query ): void {
	if ( '' === $query['term'] ) {
		return;
	}
	printf( '<form class="buy" method="get" action="%s"><input type="hidden" name="q" value="%s">', esc_url( home_url( '/search/' ) ), esc_attr( $query['term'] ) );
	echo '<label class="field" style="width:220px"><span>Famille</span><select name="category"><option value="">Toutes</option>';
	foreach ( PalierShop\categories() as $one ) {
		printf( '<option%s>%s</option>', selected( $query['category'], $one['category'], false ), esc_html( $one['category'] ) );
	}
	echo '</select></label><button class="button quiet" type="submit">Filtrer</button></form>';
}
