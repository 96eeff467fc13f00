<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<h1>Commander</h1>
<?php foreach ( $mistakes as $mistake ) : ?>
	<p class="error" data-testid="error"><?php echo esc_html( $mistake ); ?></p>
<?php endforeach; ?>
<form class="checkout" method="post" action="<?php echo esc_url( home_url( '/checkout/' ) ); ?>" data-testid="checkout-form">
	<?php echo form_token_field(); // phpcs:ignore -- escapes. ?>
	<div>
		<fieldset>
			<legend>Vous</legend>
			<?php
			// phpcs:disable -- text_field() escapes.
			echo text_field( 'email', 'E-mail', $person['email'], 'email', 'email' );
			echo text_field( 'name', 'Nom', $person['name'], 'text', 'name' );
			echo text_field( 'phone', 'Téléphone', $person['phone'], 'tel', 'tel', false );
			?>
		</fieldset>
		<fieldset>
			<legend>Livraison</legend>
			<?php
			echo text_field( 'address', 'Adresse', $person['address'], 'text', 'street-address' );
			echo text_field( 'postcode', 'Code postal', $person['postcode'], 'text', 'postal-code' );
			echo text_field( 'city', 'Ville', $person['city'], 'text', 'address-level2' );
			echo text_field( 'country', 'Pays', $person['country'], 'text', 'country-name' );
			// phpcs:enable
			?>
			<label class="field wide"><span>Un mot pour l’atelier</span><textarea name="note" rows="2"><?php echo esc_textarea( $person['note'] ); ?></textarea></label>
		</fieldset>
		<fieldset class="payments">
			<legend>Paiement</legend>
			<?php if ( ! $methods ) : ?>
				<p class="error" data-testid="error">Aucun moyen de paiement n’est disponible.</p>
			<?php endif; ?>
			<?php foreach ( $methods as $id => $method ) : ?>
				<label class="choice">
					<input type="radio" name="payment" value="<?php echo esc_attr( $id ); ?>" required<?php checked( 1 === count( $methods ) ); ?>>
					<span><b><?php echo esc_html( $method['title'] ); ?></b><br><?php echo esc_html( $method['details']( $cart['total'] ) ); ?></span>
				</label>
			<?php endforeach; ?>
		</fieldset>
	</div>
	<aside>
		<h2>Votre commande</h2>
		<?php foreach ( $cart['lines'] as $line ) : ?>
			<p class="pairs"><span><?php echo esc_html( $line['quantity'] . ' × ' . $line['name'] ); ?></span><span><?php echo esc_html( money( (float) $line['price'] * (int) $line['quantity'] ) ); ?></span></p>
		<?php endforeach; ?>
		<p class="pairs"><span>Livraison</span><span>offerte</span></p>
		<p class="pairs total"><span>Total</span><b data-testid="order-total"><?php echo esc_html( money( $cart['total'] ) ); ?></b></p>
		<?php do_action( 'palier_shop_checkout_form', $cart ); ?>
		<label class="choice"><input type="checkbox" name="terms" value="1" required><span>J’accepte les conditions de vente.</span></label>
		<button class="button" type="submit" data-testid="place-order">Commander et payer sur facture</button>
	</aside>
</form>
