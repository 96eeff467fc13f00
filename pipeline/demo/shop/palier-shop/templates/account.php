<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;

$forms = array( 'login' => array( 'Se connecter', 'current-password' ), 'register' => array( 'Ouvrir un compte', 'new-password' ) );
?>
<section class="narrow">
	<h1>Votre compte</h1>
	<?php if ( '' !== $error ) : ?>
		<p class="error" data-testid="error"><?php echo esc_html( $error ); ?></p>
	<?php endif; ?>
	<?php if ( $customer->ID ) : ?>
		<p data-testid="account">Bonjour, <?php echo esc_html( $customer->user_email ); ?>.</p>
		<form method="post" action="<?php echo esc_url( home_url( '/account/' ) ); ?>">
			<?php echo form_token_field(); // phpcs:ignore -- escapes. ?>
			<button class="button quiet" type="submit" name="action" value="logout" data-testid="logout">Se déconnecter</button>
		</form>
	<?php else : ?>
		<?php foreach ( $forms as $name => list( $label, $complete ) ) : ?>
			<h2><?php echo esc_html( $label ); ?></h2>
			<form class="stack" method="post" action="<?php echo esc_url( home_url( '/account/' ) ); ?>" data-testid="<?php echo esc_attr( $name ); ?>-form">
				<?php
				// phpcs:disable -- these escape.
				echo form_token_field();
				echo text_field( 'email', 'E-mail', '', 'email', 'username' );
				echo text_field( 'password', 'Mot de passe', '', 'password', $complete );
				// phpcs:enable
				?>
				<button class="button" type="submit" name="action" value="<?php echo esc_attr( $name ); ?>" data-testid="<?php echo esc_attr( $name ); ?>-send"><?php echo esc_html( $label ); ?></button>
			</form>
		<?php endforeach; ?>
	<?php endif; ?>
</section>
