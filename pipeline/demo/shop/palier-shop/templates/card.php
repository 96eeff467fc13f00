<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<article class="card" data-testid="<?php echo esc_attr( $testid ); ?>">
	<a href="<?php echo esc_url( product_url( $product ) ); ?>" data-testid="product-link">
		<img src="<?php echo esc_url( image_url( $product['image'] ) ); ?>" alt="" width="480" height="480">
		<h3 data-testid="product-name"><?php echo wp_kses( $name_html, array( 'mark' => array() ) ); ?></h3>
	</a>
	<p class="facts"><?php echo price_tag( $product ), stock_badge( $product ); // phpcs:ignore -- both escape. ?></p>
	<?php do_action( 'palier_shop_product_card', $product ); ?>
</article>
