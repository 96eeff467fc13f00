<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<section class="product">
	<img src="<?php echo esc_url( image_url( $product['image'] ) ); ?>" alt="<?php echo esc_attr( $product['name'] ); ?>" width="480" height="480">
	<div>
		<p class="over"><?php echo esc_html( $product['category'] ); ?> · <?php echo esc_html( $product['sku'] ); ?></p>
		<h1 data-testid="product-name"><?php echo esc_html( $product['name'] ); ?></h1>
		<p class="facts big"><?php echo price_tag( $product ), stock_badge( $product ); // phpcs:ignore -- both escape. ?></p>
		<?php if ( '' !== $error ) : ?>
			<p class="error" data-testid="error"><?php echo esc_html( $error ); ?></p>
		<?php endif; ?>
		<?php echo wp_kses_post( wpautop( esc_html( $product['description'] ) ) ); ?>
		<?php if ( (int) $product['stock'] > 0 ) : ?>
			<form class="buy" method="post" action="<?php echo esc_url( home_url( '/cart/' ) ); ?>">
				<?php echo form_token_field(); // phpcs:ignore -- escapes. ?>
				<input type="hidden" name="action" value="add">
				<input type="hidden" name="product" value="<?php echo (int) $product['id']; ?>">
				<label class="field"><span>Quantité</span><input type="number" name="quantity" value="1" min="1" max="<?php echo min( MOST_OF_ONE, (int) $product['stock'] ); ?>"></label>
				<button class="button" type="submit" data-testid="add-to-cart">Ajouter au panier</button>
			</form>
		<?php endif; ?>
		<?php do_action( 'palier_shop_product_details', $product ); ?>
	</div>
</section>
<section>
	<h2>De la même famille</h2>
	<div class="grid">
		<?php
		foreach ( $near as $other ) {
			product_card( $other, 'related-card' );
		}
		?>
	</div>
</section>
