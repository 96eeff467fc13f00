<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<section class="hero">
	<div>
		<p class="over">Atelier de céramique depuis 1987</p>
		<h1>La table,<br>marche après marche.</h1>
		<p>Bols, assiettes, tasses et vases en grès chamotté, émaillés à la cendre. Chaque pièce est tournée, séchée et cuite chez nous.</p>
		<p><a class="button" href="<?php echo esc_url( home_url( '/shop/' ) ); ?>">Voir la boutique</a></p>
	</div>
	<div class="pair" aria-hidden="true">
		<?php foreach ( array_slice( $products, 5, 2 ) as $product ) : ?>
			<img src="<?php echo esc_url( image_url( $product['image'] ) ); ?>" alt="" width="480" height="480">
		<?php endforeach; ?>
	</div>
</section>
<section>
	<h2>Par famille</h2>
	<nav class="families" aria-label="Familles">
		<?php foreach ( $categories as $category ) : ?>
			<a href="<?php echo esc_url( add_query_arg( 'category', rawurlencode( $category['category'] ), home_url( '/shop/' ) ) ); ?>" data-testid="category-link">
				<img src="<?php echo esc_url( image_url( $category['image'] ) ); ?>" alt="" width="480" height="480">
				<?php echo esc_html( $category['category'] ); ?>
			</a>
		<?php endforeach; ?>
	</nav>
</section>
<section>
	<h2>Sorties du four</h2>
	<div class="grid">
		<?php
		foreach ( $products as $product ) {
			product_card( $product );
		}
		?>
	</div>
</section>
<?php do_action( 'palier_shop_home' ); ?>
