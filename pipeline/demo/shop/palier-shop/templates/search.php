<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<h1>Recherche</h1>
<form class="find wide" method="get" action="<?php echo esc_url( home_url( '/search/' ) ); ?>">
	<input type="search" name="q" value="<?php echo esc_attr( $query['term'] ); ?>" aria-label="Chercher">
	<button class="button" type="submit">Chercher</button>
</form>
<?php do_action( 'palier_shop_before_results', $query, $results ); ?>
<?php if ( $count > 0 ) : ?>
	<p class="quiet-text"><?php echo esc_html( sprintf( '%d pièce(s) pour « %s »', $count, $query['term'] ) ); ?></p>
	<div class="grid">
		<?php
		$shown = 0;
		foreach ( $results as $product ) {
			if ( ++$shown > 2 * PAGE_SIZE ) {
				break;
			}
			$name = apply_filters( 'palier_shop_result_name', esc_html( $product['name'] ), $product, $query );
			product_card( $product, 'search-result', $name );
		}
		?>
	</div>
<?php else : ?>
	<p class="empty" data-testid="search-none">
		<?php echo esc_html( '' === $query['term'] ? 'Que cherchez-vous ?' : sprintf( 'Rien pour « %s ». Essayez un mot plus court.', $query['term'] ) ); ?>
	</p>
<?php endif; ?>
