<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<section class="thanks">
	<p class="over">Commande reçue</p>
	<h1>Merci, <?php echo esc_html( $order['name'] ); ?>.</h1>
	<p>Votre commande porte la référence <b data-testid="order-reference"><?php echo esc_html( $order['reference'] ); ?></b>.
		Une confirmation part à l’instant vers <?php echo esc_html( $order['email'] ); ?>.</p>
	<div class="receipt">
		<?php foreach ( $lines as $line ) : ?>
			<p class="pairs" data-testid="order-line"><span><?php echo esc_html( $line['quantity'] . ' × ' . $line['name'] ); ?></span><span><?php echo esc_html( money( (float) $line['price'] * (int) $line['quantity'] ) ); ?></span></p>
		<?php endforeach; ?>
		<p class="pairs total"><span>Total</span><b data-testid="order-total" data-total="<?php echo esc_attr( $order['total'] ); ?>"><?php echo esc_html( money( (float) $order['total'] ) ); ?></b></p>
	</div>
	<?php do_action( 'palier_shop_confirmation', $order ); ?>
	<p><a class="button quiet" href="<?php echo esc_url( home_url( '/shop/' ) ); ?>">Continuer la visite</a></p>
</section>
