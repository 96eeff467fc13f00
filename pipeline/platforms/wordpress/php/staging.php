<?php
/**
 * Plugin Name: Palier staging
 * Description: Keeps this clone from harming anybody: mail goes to the trap, nothing calls out, nobody indexes it.
 *
 * Written by Palier when it made this clone. A must-use plugin: it loads before every other plugin and theme.
 */

if ( ! defined( 'PALIER_MAIL_PORT' ) || ! defined( 'PALIER_PAYMENTS' ) ) {
	exit( 'This clone has lost its configuration; make it anew with: palier clone' );
}

// The password is the gate's, not WordPress's: its REST interface would take it for a wrong one of its own.
unset( $_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'], $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] );

// What calls out by itself (curl, file_get_contents) reaches nobody. Raw sockets and SOAP cannot be stopped from here.
// Where a host forbids putenv, curl cannot be stopped either: the leak test says so.
if ( function_exists( 'putenv' ) ) {
	foreach ( array( 'http_proxy', 'https_proxy', 'all_proxy', 'HTTPS_PROXY', 'ALL_PROXY' ) as $palier_way ) {
		putenv( $palier_way . '=http://127.0.0.1:9' ); // Nobody listens there.
	}
	putenv( 'no_proxy=' );
	putenv( 'NO_PROXY=' );
}

/** Streams call nobody at all. */
final class Palier_Nobody {
	public $context;

	public function stream_open( $path, $mode, $options, &$opened ) {
		if ( $options & STREAM_REPORT_ERRORS ) {
			trigger_error( 'Palier: this clone calls nobody', E_USER_WARNING );
		}
		return false;
	}

	public function url_stat( $path, $flags ) {
		return false;
	}
}
foreach ( array( 'http', 'https', 'ftp', 'ftps' ) as $palier_way ) {
	if ( in_array( $palier_way, stream_get_wrappers(), true ) ) {
		stream_wrapper_unregister( $palier_way );
		stream_wrapper_register( $palier_way, 'Palier_Nobody', STREAM_IS_URL );
	}
}
unset( $palier_way );

// Calls to the clone itself, which alone pass the filter below, go straight.
add_action(
	'http_api_curl',
	function ( $handle ) {
		curl_setopt( $handle, CURLOPT_PROXY, '' );
	},
	PHP_INT_MAX
);

// Whatever a payment method keeps its keys under: only those that ask nobody outside are offered.
add_filter(
	'woocommerce_available_payment_gateways',
	function ( $gateways ) {
		return array_intersect_key( (array) $gateways, array_flip( explode( ',', PALIER_PAYMENTS ) ) );
	},
	PHP_INT_MAX
);

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
