<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<h1>Votre panier</h1>
<?php if ( ! $cart['lines'] ) : ?>
	<p class="empty" data-testid="cart-empty">Votre panier est vide.</p>
	<p><a class="button" href="<?php echo esc_url( home_url( '/shop/' ) ); ?>">Voir la boutique</a></p>
<?php else : ?>
	<?php foreach ( $cart['lines'] as $line ) : ?>
		<div class="line" data-testid="cart-line" data-sku="<?php echo esc_attr( $line['sku'] ); ?>" data-quantity="<?php echo (int) $line['quantity']; ?>">
			<img src="<?php echo esc_url( image_url( $line['image'] ) ); ?>" alt="" width="480" height="480">
			<div class="what">
				<a href="<?php echo esc_url( product_url( $line ) ); ?>"><?php echo esc_html( $line['name'] ); ?></a>
				<p class="facts"><span class="price"><?php echo esc_html( money( (float) $line['price'] ) ); ?></span><?php echo stock_badge( $line ); // phpcs:ignore -- escapes. ?></p>
			</div>
			<form class="amount" method="post" action="<?php echo esc_url( home_url( '/cart/' ) ); ?>">
				<?php echo form_token_field(); // phpcs:ignore -- escapes. ?>
				<input type="hidden" name="action" value="set">
				<input type="hidden" name="product" value="<?php echo (int) $line['product_id']; ?>">
				<input type="number" name="quantity" min="0" max="<?php echo (int) MOST_OF_ONE; ?>" value="<?php echo (int) $line['quantity']; ?>" aria-label="Quantité">
				<button class="button quiet" type="submit">Changer</button>
			</form>
			<span class="price"><?php echo esc_html( money( (float) $line['price'] * (int) $line['quantity'] ) ); ?></span>
		</div>
	<?php endforeach; ?>
	<p class="sum">Total <b data-testid="cart-total" data-total="<?php echo esc_attr( number_format( $cart['total'], 2, '.', '' ) ); ?>"><?php echo esc_html( money( $cart['total'] ) ); ?></b></p>
	<p class="sum"><a class="button" href="<?php echo esc_url( home_url( '/checkout/' ) ); ?>" data-testid="to-checkout">Commander</a></p>
<?php endif; ?>
