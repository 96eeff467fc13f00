<?php
/** SPDX-License-Identifier: GPL-2.0-or-later */

namespace PalierShop;
?>
<!doctype html>
<html <?php language_attributes(); ?>>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?php echo esc_html( BRAND === $title ? BRAND . ' — grès et porcelaine' : $title . ' — ' . BRAND ); ?></title>
<?php wp_head(); ?>
</head>
<body class="palier-shop">
<?php wp_body_open(); ?>
<p class="ribbon">Livraison offerte en France · Façonné à la main dans l’Allier</p>
<header class="top">
	<a class="brand" href="<?php echo esc_url( home_url( '/' ) ); ?>"><span class="mark" aria-hidden="true"></span><?php echo esc_html( BRAND ); ?></a>
	<nav class="menu" aria-label="Principal">
		<a href="<?php echo esc_url( home_url( '/shop/' ) ); ?>">Boutique</a>
		<a href="<?php echo esc_url( home_url( '/contact/' ) ); ?>">Contact</a>
		<a href="<?php echo esc_url( home_url( '/account/' ) ); ?>">Compte</a>
	</nav>
	<form class="find" role="search" method="get" action="<?php echo esc_url( home_url( '/search/' ) ); ?>" data-testid="search-form">
		<input type="search" name="q" placeholder="Chercher un bol, un vase…" aria-label="Chercher" value="<?php echo esc_attr( $query['term'] ?? '' ); ?>">
		<button type="submit">Chercher</button>
	</form>
	<a class="basket" href="<?php echo esc_url( home_url( '/cart/' ) ); ?>">Panier <b><?php echo (int) $in_cart; ?></b></a>
</header>
<main>
