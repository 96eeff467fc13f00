<?php
/**
 * Fed to `wp eval-file -` with the files of the updated plugins as arguments.
 *
 * By the time this runs, WP-CLI has loaded the shop with the new code, which is when WordPress plugins migrate
 * their data. What is left is to say what WordPress itself says after an update, to the plugins that wait for it.
 * WordPress's own listeners ask wordpress.org for news; that has no place behind a maintenance page.
 */

require_once ABSPATH . 'wp-admin/includes/class-wp-upgrader.php';

remove_action( 'upgrader_process_complete', array( 'Language_Pack_Upgrader', 'async_upgrade' ), 20 );
remove_action( 'upgrader_process_complete', 'wp_version_check' );
remove_action( 'upgrader_process_complete', 'wp_update_plugins' );
remove_action( 'upgrader_process_complete', 'wp_update_themes' );

do_action(
	'upgrader_process_complete',
	new WP_Upgrader(),
	array(
		'action'  => 'update',
		'type'    => 'plugin',
		'bulk'    => true,
		'plugins' => $args,
	)
);

echo wp_json_encode( array( 'upgraded' => $args ) );
