<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<section class="narrow">
	<h1><?php echo esc_html( $title ); ?></h1>
	<p class="error" data-testid="error"><?php echo esc_html( $text ); ?></p>
	<p><a class="button quiet" href="<?php echo esc_url( home_url( '/' ) ); ?>">Retour à l’accueil</a></p>
</section>
