<?php
/**
 * Fed to `wp eval-file -` on staging, without any plugin loaded: live keys are emptied, and every payment method but the
 * offline ones (and the one that the inventory names) is switched off, whatever it calls its keys. What has a test mode
 * is put into it. Prints, as its last word, how many values were changed.
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
 * Whether settings are those of a payment method: something that can be switched on, has a title, and is no e-mail and
 * no way of shipping.
 *
 * @param array  $settings Settings.
 * @param string $id       What they are of.
 * @param array  $known    Payment methods that WooCommerce has put into an order.
 * @return bool
 */
function palier_is_payment( array $settings, string $id, array $known ): bool {
	$other = array( 'email_type', 'heading', 'subject', 'recipient', 'tax_status', 'cost', 'availability' );
	$shown = isset( $settings['title'] ) || isset( $settings['description'] ) || isset( $settings['testmode'] );
	return array_key_exists( 'enabled', $settings )
		&& ( isset( $known[ $id ] ) || ( $shown && ! array_intersect( $other, array_keys( $settings ) ) ) );
}

/**
 * A payment method's settings with the test mode on, where there is one, and switched off unless it may stay.
 *
 * @param array $settings Settings of one gateway.
 * @param bool  $stays    Whether it is to be offered.
 * @param int   $changed  Counts what was changed.
 * @return array
 */
function palier_gateway( array $settings, bool $stays, int &$changed ): array {
	$wanted = $stays ? array() : array( 'enabled' => is_bool( $settings['enabled'] ) ? false : 'no' );
	foreach ( array( 'testmode', 'test_mode', 'sandbox', 'sandbox_on', 'is_sandbox' ) as $mode ) {
		if ( array_key_exists( $mode, $settings ) ) {
			$wanted[ $mode ] = is_bool( $settings[ $mode ] ) ? true : 'yes';
		}
	}
	foreach ( $wanted as $name => $value ) {
		if ( $settings[ $name ] !== $value ) {
			$settings[ $name ] = $value;
			++$changed;
		}
	}
	return $settings;
}

$palier_total   = 0;
$palier_stay    = array_flip( explode( ',', PALIER_PAYMENTS ) );
$palier_options = $wpdb->get_results(
	"SELECT option_name, option_value FROM {$wpdb->options}
	WHERE option_name LIKE 'woocommerce%' OR option_name LIKE 'wc\_%' OR option_name LIKE '%settings%' OR option_name LIKE '%license%'
	OR option_name LIKE '%api\_key%' OR option_name LIKE '%secret%' OR option_name LIKE '%token%' OR option_name LIKE '%credential%'
	OR option_name LIKE 'mailserver\_%'"
);
$palier_known   = array();
foreach ( $palier_options as $palier_option ) {
	if ( 'woocommerce_gateway_order' === $palier_option->option_name && is_serialized( $palier_option->option_value ) ) {
		$palier_known = (array) unserialize( $palier_option->option_value, array( 'allowed_classes' => false ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
	}
}
foreach ( $palier_options as $palier_option ) {
	$palier_changed = 0;
	$palier_value   = is_serialized( $palier_option->option_value )
		? unserialize( trim( $palier_option->option_value ), array( 'allowed_classes' => false ) ) // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions
		: $palier_option->option_value;
	if ( is_object( $palier_value ) ) {
		continue;
	}
	$palier_value = palier_disarmed( $palier_value, is_array( $palier_value ) ? '' : $palier_option->option_name, $palier_changed );
	if ( is_array( $palier_value ) && preg_match( '/^(?:woocommerce_)?(.+)_settings$/', $palier_option->option_name, $palier_id )
		&& palier_is_payment( $palier_value, $palier_id[1], $palier_known ) ) {
		$palier_value = palier_gateway( $palier_value, isset( $palier_stay[ $palier_id[1] ] ), $palier_changed );
	}
	if ( $palier_changed ) {
		update_option( $palier_option->option_name, $palier_value );
		$palier_total += $palier_changed;
	}
}
echo (int) $palier_total;
