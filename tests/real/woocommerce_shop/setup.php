<?php
/**
 * Fed to `wp eval-file` on a fresh WooCommerce: a small shop that sells to guests.
 *
 * Arguments: how cart and checkout come (blocks or shortcodes), and where orders live (hpos or posts).
 */

list( $checkout, $orders ) = $args;

// Shortcode shops are older shops with a classic theme; block shops have what WordPress brings.
if ( 'shortcodes' === $checkout ) {
	switch_theme( 'maison-classic' );
}

$settings = array(
	'woocommerce_coming_soon'                             => 'no',
	'woocommerce_store_pages_only'                        => 'no',
	'woocommerce_store_address'                           => '7 rue des Potiers',
	'woocommerce_store_city'                              => 'Moulins',
	'woocommerce_store_postcode'                          => '03000',
	'woocommerce_default_country'                         => 'FR',
	'woocommerce_allowed_countries'                       => 'all',
	'woocommerce_default_customer_address'                => 'base',
	'woocommerce_currency'                                => 'EUR',
	'woocommerce_calc_taxes'                              => 'no',
	'woocommerce_enable_guest_checkout'                   => 'yes',
	'woocommerce_enable_signup_and_login_from_checkout'   => 'no',
	'woocommerce_enable_myaccount_registration'           => 'yes',
	'woocommerce_registration_generate_password'          => 'no',
	'woocommerce_manage_stock'                            => 'yes',
	'woocommerce_show_marketplace_suggestions'            => 'no',
	'woocommerce_allow_tracking'                          => 'no',
	'woocommerce_onboarding_profile'                      => array( 'skipped' => true, 'completed' => true ),
	'woocommerce_task_list_hidden'                        => 'yes',
	'woocommerce_custom_orders_table_enabled'             => 'hpos' === $orders ? 'yes' : 'no',
	'woocommerce_custom_orders_table_data_sync_enabled'   => 'no',
	'woocommerce_cod_settings'                            => array( 'enabled' => 'yes', 'title' => 'Cash on delivery' ),
	'woocommerce_bacs_settings'                           => array( 'enabled' => 'yes', 'title' => 'Bank transfer' ),
	'woocommerce_cheque_settings'                         => array( 'enabled' => 'yes', 'title' => 'Cheque' ),
	// What a live shop has, and no clone may keep.
	'woocommerce_stripe_settings'                         => array(
		'enabled'         => 'yes',
		'testmode'        => 'no',
		'publishable_key' => 'pk_live_MAISON0123456789',
		'secret_key'      => 'sk_live_MAISON0123456789',
		'webhook_secret'  => 'whsec_MAISON0123456789',
	),
	'woocommerce_ppcp-gateway_settings'                   => array(
		'enabled'       => 'yes',
		'client_id'     => 'MAISON-LIVE-CLIENT',
		'client_secret' => 'MAISON-LIVE-SECRET',
		'sandbox_on'    => false,
	),
);
foreach ( $settings as $name => $value ) {
	update_option( $name, $value );
}

// Pages.
if ( 'shortcodes' === $checkout ) {
	wp_update_post( array( 'ID' => wc_get_page_id( 'cart' ), 'post_content' => '[woocommerce_cart]' ) );
	wp_update_post( array( 'ID' => wc_get_page_id( 'checkout' ), 'post_content' => '[woocommerce_checkout]' ) );
}
$terms = wp_insert_post(
	array( 'post_type' => 'page', 'post_status' => 'publish', 'post_title' => 'Terms', 'post_content' => 'Sold as seen.' )
);
update_option( 'woocommerce_terms_page_id', $terms );
wp_insert_post(
	array( 'post_type' => 'page', 'post_status' => 'publish', 'post_title' => 'Contact', 'post_name' => 'contact', 'post_content' => '[maison_contact]' )
);
$home = wp_insert_post(
	array(
		'post_type'    => 'page',
		'post_status'  => 'publish',
		'post_title'   => 'Home',
		'post_content' => 'blocks' === $checkout
			? '<!-- wp:search {"label":"Search","buttonText":"Search","query":{"post_type":"product"}} /-->'
				. '<!-- wp:woocommerce/product-new {"columns":4,"rows":2} /-->'
			: '[products limit="8" columns="4" orderby="title"]',
	)
);
update_option( 'show_on_front', 'page' );
update_option( 'page_on_front', $home );

// Products.
$names = array( 'Bol', 'Assiette', 'Tasse', 'Cruche', 'Vase', 'Plat', 'Saladier', 'Coupelle', 'Pichet', 'Théière' );
foreach ( array( 'bleu', 'blanc' ) as $row => $colour ) {
	foreach ( $names as $column => $name ) {
		$product = new WC_Product_Simple();
		$product->set_name( "$name $colour" );
		$product->set_sku( sprintf( 'MP-%02d', 10 * $row + $column + 1 ) );
		$product->set_regular_price( sprintf( '%.2f', 12.5 + 10 * $row + $column ) );
		$product->set_manage_stock( true );
		$product->set_stock_quantity( 500 );
		$product->set_description( "Grès tourné à la main, émail $colour." );
		$product->save();
	}
}

// Free delivery, everywhere.
$zone = new WC_Shipping_Zone( 0 );
$zone->add_shipping_method( 'free_shipping' );

// Customers and their orders.
for ( $number = 1; $number <= 12; $number++ ) {
	$email   = "client$number@courriel.example";
	$address = array(
		'first_name' => "Prénom$number",
		'last_name'  => "Patronyme$number",
		'email'      => $email,
		'phone'      => sprintf( '06 55 44 33 %02d', $number ),
		'address_1'  => "$number impasse du Secret",
		'postcode'   => '03000',
		'city'       => 'Yzeure',
		'country'    => 'FR',
	);
	$customer = 0;
	if ( 0 === $number % 3 ) {
		$customer = wp_insert_user(
			array(
				'user_login'   => "client$number",
				'user_pass'    => wp_generate_password(),
				'user_email'   => $email,
				'first_name'   => $address['first_name'],
				'last_name'    => $address['last_name'],
				'display_name' => "{$address['first_name']} {$address['last_name']}",
				'role'         => 'customer',
			)
		);
		foreach ( $address as $key => $value ) {
			update_user_meta( $customer, "billing_$key", $value );
			update_user_meta( $customer, "shipping_$key", $value );
		}
	}
	$order = wc_create_order( array( 'customer_id' => $customer ) );
	$order->add_product( wc_get_product( wc_get_product_id_by_sku( sprintf( 'MP-%02d', $number ) ) ), 2 );
	$order->set_address( $address, 'billing' );
	$order->set_address( $address, 'shipping' );
	$order->set_customer_ip_address( "203.0.113.$number" );
	$order->set_customer_user_agent( "Navigateur/$number" );
	$order->set_customer_note( "Laissez chez la voisine de {$address['last_name']}, code 12A$number" );
	$order->set_payment_method( 'bacs' );
	$order->calculate_totals();
	$order->set_status( 'processing' );
	$order->save();
	$order->add_order_note( "Rappelé {$address['first_name']} au {$address['phone']}" );
}

// What must not live on in a clone.
$GLOBALS['wpdb']->insert(
	"{$GLOBALS['wpdb']->prefix}woocommerce_api_keys",
	array(
		'user_id'         => 1,
		'description'     => 'ERP',
		'permissions'     => 'read_write',
		'consumer_key'    => wc_api_hash( 'ck_MAISON' ),
		'consumer_secret' => 'cs_MAISON0123456789abcdef',
		'truncated_key'   => 'MAISON1',
	)
);
$webhook = new WC_Webhook();
$webhook->set_name( 'ERP' );
$webhook->set_topic( 'order.created' );
$webhook->set_secret( 'webhook-MAISON' );
$webhook->set_delivery_url( 'https://erp.example/orders' );
$webhook->set_status( 'active' );
$webhook->set_user_id( 1 );
$webhook->save();
as_schedule_single_action( time() + 30 * DAY_IN_SECONDS, 'maison_remind_customer', array( 'client1@courriel.example' ) );

wc_update_product_lookup_tables();
echo wp_json_encode( array( 'checkout' => $checkout, 'orders' => $orders, 'theme' => get_stylesheet() ) );
