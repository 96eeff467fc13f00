<?php
/**
 * Fed to `wp eval-file -` on staging, without any plugin loaded: live keys are emptied, and gateways that need somebody
 * outside are switched off or put into their test mode. Prints, as its last word, how many values were changed.
 *
 * Only values are touched, and only here: a plugin's own "disconnect" would disconnect production.
 */

global $wpdb;

// Names of settings whose values let somebody act in the shop's name; those for tests may stay, and pages are no keys.
const PALIER_KEYS = '/(secret|private|publishable|api_?key|_key$|^key$|token|password|passphrase|passwd|licen[sc]e|client_id|merchant|signature|credential|webhook|account_id)/i';
const PALIER_TEST = '/(^|_)(test|sandbox|staging)(_|$)|_(endpoint|page_id|enabled|generate_password)$/i';

/**
 * The same setting without live keys.
 *
 * @param mixed  $value   A setting.
 * @param string $name    Its name.
 * @param int    $changed Counts what was changed.
 * @return mixed
 */
function palier_disarmed( $value, string $name, int &$changed ) {
	if ( is_array( $value ) ) {
		foreach ( $value as $key => $inner ) {
			$value[ $key ] = palier_disarmed( $inner, (string) $key, $changed );
		}
		return $value;
	}
	$test = preg_match( PALIER_TEST, $name );
	if ( is_string( $value ) && '' !== $value && ! $test && preg_match( PALIER_KEYS, $name ) && ! in_array( $value, array( 'yes', 'no', '0', '1' ), true ) ) {
		++$changed;
		return '';
	}
	return $value;
}

/**
 * Gateway settings with the test mode on, where they have one; off, where they have none.
 *
 * @param array $settings Settings of one gateway.
 * @return array
 */
function palier_gateway( array $settings ): array {
	foreach ( array( 'testmode', 'test_mode', 'sandbox', 'sandbox_on', 'is_sandbox' ) as $mode ) {
		if ( array_key_exists( $mode, $settings ) ) {
			$settings[ $mode ] = is_bool( $settings[ $mode ] ) ? true : 'yes';
			return $settings;
		}
	}
	$settings['enabled'] = 'no';
	return $settings;
}

$palier_total   = 0;
$palier_offline = array( 'woocommerce_bacs_settings', 'woocommerce_cheque_settings', 'woocommerce_cod_settings' );
$palier_options = $wpdb->get_results(
	"SELECT option_name, option_value FROM {$wpdb->options}
	WHERE option_name LIKE 'woocommerce%' OR option_name LIKE 'wc\_%' OR option_name LIKE '%settings%' OR option_name LIKE '%license%'
	OR option_name LIKE '%api\_key%' OR option_name LIKE '%secret%' OR option_name LIKE '%token%' OR option_name LIKE '%credential%'
	OR option_name LIKE 'mailserver\_%'"
);
foreach ( $palier_options as $palier_option ) {
	$palier_changed = 0;
	$palier_value   = is_serialized( $palier_option->option_value )
		? unserialize( trim( $palier_option->option_value ), array( 'allowed_classes' => false ) ) // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
		: $palier_option->option_value;
	if ( is_object( $palier_value ) ) {
		continue;
	}
	$palier_value = palier_disarmed( $palier_value, is_array( $palier_value ) ? '' : $palier_option->option_name, $palier_changed );
	if ( $palier_changed && is_array( $palier_value ) && preg_match( '/^woocommerce_.*settings$/', $palier_option->option_name )
		&& ! in_array( $palier_option->option_name, $palier_offline, true ) ) {
		$palier_value = palier_gateway( $palier_value );
	}
	if ( $palier_changed ) {
		update_option( $palier_option->option_name, $palier_value );
		$palier_total += $palier_changed;
	}
}
echo (int) $palier_total;
