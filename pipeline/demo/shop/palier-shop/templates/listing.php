<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<h1><?php echo esc_html( $title ); ?></h1>
<nav class="chips" aria-label="Familles">
	<a href="<?php echo esc_url( home_url( '/shop/' ) ); ?>"<?php echo '' === $category ? ' class="on"' : ''; ?>>Tout</a>
	<?php foreach ( $categories as $one ) : ?>
		<a href="<?php echo esc_url( add_query_arg( 'category', rawurlencode( $one['category'] ), home_url( '/shop/' ) ) ); ?>"<?php echo $one['category'] === $category ? ' class="on"' : ''; ?>><?php echo esc_html( $one['category'] ); ?></a>
	<?php endforeach; ?>
</nav>
<div class="grid">
	<?php
	foreach ( $products as $product ) {
		product_card( $product );
	}
	?>
</div>
<p class="pages">
	<?php $base = add_query_arg( 'category', rawurlencode( $category ), home_url( '/shop/' ) ); ?>
	<?php if ( $number > 1 ) : ?>
		<a class="button quiet" href="<?php echo esc_url( add_query_arg( 'page', $number - 1, $base ) ); ?>">Précédent</a>
	<?php endif; ?>
	<span>Page <?php echo (int) $number; ?> sur <?php echo (int) $pages; ?></span>
	<?php if ( $number < $pages ) : ?>
		<a class="button quiet" href="<?php echo esc_url( add_query_arg( 'page', $number + 1, $base ) ); ?>">Suivant</a>
	<?php endif; ?>
</p>
