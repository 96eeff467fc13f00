<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<section class="narrow">
	<h1>Nous écrire</h1>
	<?php if ( $sent ) : ?>
		<div class="done" data-testid="contact-done">
			<p>Votre message est arrivé. Nous répondons sous deux jours ouvrés.</p>
			<?php do_action( 'palier_shop_contact_sent' ); ?>
		</div>
	<?php else : ?>
		<p>Une question sur une pièce, une liste de mariage, une commande en cours ? L’atelier vous répond.</p>
		<?php if ( '' !== $error ) : ?>
			<p class="error" data-testid="error"><?php echo esc_html( $error ); ?></p>
		<?php endif; ?>
		<form class="stack" method="post" action="<?php echo esc_url( home_url( '/contact/' ) ); ?>" data-testid="contact-form">
			<?php
			// phpcs:disable -- these escape.
			echo form_token_field();
			echo text_field( 'name', 'Nom', $message['name'] ?? '', 'text', 'name' );
			echo text_field( 'email', 'E-mail', $message['email'] ?? '', 'email', 'email' );
			// phpcs:enable
			?>
			<label class="field wide"><span>Message</span><textarea name="message" rows="6" required><?php echo esc_textarea( $message['message'] ?? '' ); ?></textarea></label>
			<?php do_action( 'palier_shop_contact_form' ); ?>
			<button class="button" type="submit" data-testid="contact-send">Envoyer</button>
		</form>
	<?php endif; ?>
</section>
