<?php
/**
 * Follows WordPress's own upgraded.php in the same process, with the files of the updated plugins as arguments.
 *
 * Updates leave work to Action Scheduler, which waits for visitors or for cron; behind a maintenance page neither
 * comes. So: run the schema's steps now, and then every action that was scheduled since this process began. What was
 * waiting before belongs to customers and merchants and stays. Actions of the schema's steps, and of the batches that
 * steps begin, are run whatever their date: WooCommerce puts them some seconds into the future.
 */

global $wpdb;

if ( in_array( 'woocommerce/woocommerce.php', $args, true ) ) {
	WP_CLI::runcommand( 'wc update', array( 'launch' => false ) );
}

if ( ! class_exists( 'ActionScheduler_QueueRunner' ) ) {
	return;
}

$palier_began = gmdate( 'Y-m-d H:i:s', (int) $_SERVER['REQUEST_TIME'] );
$palier_ours  = $wpdb->prepare(
	"SELECT a.action_id FROM {$wpdb->prefix}actionscheduler_actions a
	LEFT JOIN {$wpdb->prefix}actionscheduler_groups g ON g.group_id = a.group_id
	WHERE a.status = 'pending' AND ( g.slug = 'woocommerce-db-updates'
		OR ( ( a.scheduled_date_gmt <= UTC_TIMESTAMP() OR g.slug = 'wc_batch_processes' )
		AND EXISTS ( SELECT 1 FROM {$wpdb->prefix}actionscheduler_logs l WHERE l.action_id = a.action_id AND l.log_date_gmt >= %s ) ) )
	ORDER BY a.action_id LIMIT 25",
	$palier_began
);
$palier_run   = array();

// A migration may schedule its own next part; a limit keeps one that never ends from running for ever.
while ( count( $palier_run ) < 2000 ) {
	$palier_due = array_diff( $wpdb->get_col( $palier_ours ), $palier_run ); // phpcs:ignore WordPress.DB.PreparedSQL
	if ( ! $palier_due ) {
		break;
	}
	foreach ( $palier_due as $palier_action ) {
		$palier_run[] = $palier_action;
		ActionScheduler_QueueRunner::instance()->process_action( (int) $palier_action, 'Palier' );
	}
}

$palier_left = $palier_run ? $wpdb->get_col(
	"SELECT CONCAT( hook, ' (', status, ')' ) FROM {$wpdb->prefix}actionscheduler_actions
	WHERE status <> 'complete' AND status <> 'canceled' AND action_id IN (" . implode( ',', array_map( 'intval', $palier_run ) ) . ')'
) : array();
if ( $palier_left ) {
	WP_CLI::error( 'Scheduled work of the update did not come to its end: ' . implode( ', ', array_unique( $palier_left ) ) );
}
WP_CLI::log( count( $palier_run ) . ' scheduled actions run' );
