<?php
/**
 * Fed to `wp eval-file -` without any plugin loaded: the plugins, and the schema version that WooCommerce has recorded.
 */

require_once ABSPATH . 'wp-admin/includes/plugin.php';

$palier_found = array();
foreach ( get_plugins() as $palier_file => $palier_plugin ) {
	$palier_name    = false === strpos( $palier_file, '/' ) ? basename( $palier_file, '.php' ) : dirname( $palier_file );
	$palier_found[] = array(
		'name'     => $palier_name,
		'version'  => $palier_plugin['Version'],
		'active'   => is_plugin_active( $palier_file ),
		'file'     => $palier_file,
		'recorded' => 'woocommerce' === $palier_name ? get_option( 'woocommerce_db_version', null ) : null,
	);
}
echo wp_json_encode( $palier_found );
