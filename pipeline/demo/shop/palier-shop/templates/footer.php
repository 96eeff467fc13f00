<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
</main>
<footer class="bottom">
	<div>
		<p class="brand"><span class="mark" aria-hidden="true"></span><?php echo esc_html( BRAND ); ?></p>
		<p>Grès et porcelaine, tournés et émaillés dans notre atelier.</p>
	</div>
	<div>
		<p><a href="<?php echo esc_url( home_url( '/shop/' ) ); ?>">Toute la boutique</a></p>
		<p><a href="<?php echo esc_url( home_url( '/contact/' ) ); ?>">Nous écrire</a></p>
	</div>
	<div>
		<p>12, quai des Potiers<br>03000 Moulins</p>
	</div>
</footer>
<?php wp_footer(); ?>
</body>
</html>
