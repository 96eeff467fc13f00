<?php
/**
 * Plugin Name: Palier staging
 * Description: Keeps this clone from harming anybody: mail goes to the trap, nothing calls out, nobody indexes it.
 *
 * Written by Palier when it made this clone. A must-use plugin: it loads before every other plugin and theme.
 */

if ( ! defined( 'PALIER_MAIL_PORT' ) ) {
	exit( 'This clone has lost its configuration; make it anew with: palier clone' );
}

// The password is the gate's, not WordPress's: its REST interface would take it for a wrong one of its own.
unset( $_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'], $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] );

add_action(
	'phpmailer_init',
	function ( $mailer ) {
		$mailer->isSMTP();
		$mailer->Host        = '127.0.0.1';
		$mailer->Port        = PALIER_MAIL_PORT;
		$mailer->SMTPAuth    = false;
		$mailer->SMTPSecure  = '';
		$mailer->SMTPAutoTLS = false;
		$mailer->Timeout     = 10;
	},
	PHP_INT_MAX
);

add_filter(
	'pre_http_request',
	function ( $answer, $arguments, $url ) {
		$own = wp_parse_url( home_url(), PHP_URL_HOST ) . ':' . wp_parse_url( home_url(), PHP_URL_PORT );
		if ( wp_parse_url( $url, PHP_URL_HOST ) . ':' . wp_parse_url( $url, PHP_URL_PORT ) === $own ) {
			return $answer;
		}
		return new WP_Error( 'palier_staging', 'Palier: this clone calls nobody (' . wp_parse_url( $url, PHP_URL_HOST ) . ')' );
	},
	PHP_INT_MAX,
	3
);

add_action(
	'send_headers',
	function () {
		header( 'X-Robots-Tag: noindex, nofollow', true );
	}
);
add_filter( 'pre_option_blog_public', '__return_zero' );

$palier_banner = function () {
	echo '<div id="palier-staging" style="position:fixed;z-index:99999;left:0;right:0;bottom:0;padding:4px;'
		. 'background:#b00020;color:#fff;font:13px/1.4 sans-serif;text-align:center;pointer-events:none">'
		. 'Palier : copie de travail, pas la boutique &middot; staging copy, not the shop</div>';
};
add_action( 'wp_footer', $palier_banner, PHP_INT_MAX );
add_action( 'admin_footer', $palier_banner, PHP_INT_MAX );
