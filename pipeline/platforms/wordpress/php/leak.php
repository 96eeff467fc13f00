<?php
/**
 * Fed to `wp eval-file -` on staging with two arguments: an address to write to, and a URL to call.
 *
 * Tries every way out that a module has and tells what came of it, as JSON. Palier compares this with what its
 * mail trap received and what its listener heard.
 */

list( $address, $url, $subject ) = $args;

$sendmail = strtok( (string) ini_get( 'sendmail_path' ), ' ' );
$answer   = wp_remote_get( $url, array( 'timeout' => 5 ) );
$called   = false;
if ( function_exists( 'curl_init' ) ) {
	$curl = curl_init( $url );
	curl_setopt_array( $curl, array( CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 5, CURLOPT_CONNECTTIMEOUT => 5 ) );
	curl_exec( $curl );
	$called = 0 === curl_errno( $curl );
}
$fetched = false !== @file_get_contents( $url, false, stream_context_create( array( 'http' => array( 'timeout' => 5 ) ) ) );

echo wp_json_encode(
	array(
		'mail'        => wp_mail( $address, $subject, 'Palier leak test' ),
		'sendmail'    => $sendmail && is_executable( $sendmail ) ? $sendmail : '',
		'http'        => is_wp_error( $answer ) && ! $called && ! $fetched ? 'refused' : 'sent',
		'cron'        => defined( 'DISABLE_WP_CRON' ) && DISABLE_WP_CRON ? 'off' : 'on',
		'indexed'     => (bool) get_option( 'blog_public' ),
		'environment' => wp_get_environment_type(),
		'url'         => home_url(),
		'cache'       => wp_using_ext_object_cache() ? 'shared' : 'own',
	)
);
