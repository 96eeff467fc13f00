"""What WooCommerce is told and asked beyond WordPress, and what its tables hold."""

from __future__ import annotations

import json
import shutil
import subprocess
from fnmatch import fnmatchcase

import pytest

from pipeline.config.inventory import Environment
from pipeline.database.classes import Class, Classes
from pipeline.database.mask_expressions import Kind
from pipeline.database.masks import plan_masks
from pipeline.errors import PalierError
from pipeline.platforms import platform_of
from pipeline.platforms.platform import Installed, copied
from pipeline.platforms.woocommerce import PHP, WooCommerce
from tests.unit.database.tables import column, table

SITE = WooCommerce(
    Environment.model_validate(
        {"url": "https://shop.example", "hosts": [{"ssh": "local"}], "root": "/var/www/shop", "wp_cli": "/opt/wp.phar"}
    )
)
WOO = Installed("10.0.2", active=True, file="woocommerce/woocommerce.php", recorded="9.9.5")
CLASSES = Classes.of("wp_", SITE.known_tables)

needs_php = pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed")


def test_the_inventory_chooses_it() -> None:
    assert platform_of("woocommerce", SITE.environment) == SITE


def test_a_module_is_known_by_its_files_and_by_what_the_database_has_recorded() -> None:
    row = {
        "name": "woocommerce",
        "version": "10.0.2",
        "active": True,
        "file": "woocommerce/woocommerce.php",
        "recorded": "9.9.5",
    }
    other = {"name": "hello", "version": "1.7", "active": False, "file": "hello.php", "recorded": None}
    found = SITE.read_modules(json.dumps([row, other]))
    assert found == {"woocommerce": WOO, "hello": Installed("1.7", active=False, file="hello.php", recorded=None)}


@pytest.mark.parametrize("output", ["", "{}", '[{"name": "woocommerce"}]', "PHP Warning: nothing"])
def test_a_list_of_plugins_that_cannot_be_read_is_said_so(output: str) -> None:
    if output == "{}":
        assert SITE.read_modules(output) == {}
        return
    with pytest.raises(PalierError, match="list of plugins could not be read"):
        SITE.read_modules(output)


def test_the_upgrade_is_one_process_that_tells_the_plugins_first_and_runs_what_they_scheduled() -> None:
    (command,) = SITE.upgrade({"woocommerce": WOO})
    fed = command.stdin.decode() if isinstance(command.stdin, bytes) else str(command.stdin)
    assert command.words[-2:] != ("--skip-plugins", "--skip-themes"), "an upgrade without the shop's code does nothing"
    assert "woocommerce/woocommerce.php" in command.words
    assert fed.count("<?php") == 1
    assert fed.index("upgrader_process_complete") < fed.index("wc update") < fed.index("process_action")


def test_staging_has_no_key_no_webhook_and_nothing_planned() -> None:
    said = " ".join(SITE.disarm("wp_", "https://shop.example", "https://staging.example", 2525))
    for name in ("wp_woocommerce_api_keys", "wp_wc_webhooks", "wp_actionscheduler_actions"):
        assert f"DELETE FROM `{name}`" in said


def test_live_keys_are_emptied_before_anything_else_runs_on_staging() -> None:
    first, *addresses = SITE.rewrite_addresses("https://shop.example", "https://staging.example")
    assert "palier_disarmed" in str(first.stdin)
    assert "--skip-plugins" in first.words
    assert all("search-replace" in each.words for each in addresses)


def test_logs_and_exports_are_no_media_and_are_not_copied() -> None:
    left = copied(SITE)
    assert "/wp-content/uploads/wc-logs/" in left
    assert "/wp-content/uploads/" not in left


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wp_wc_orders", Class.BUSINESS),
        ("wp_wc_order_product_lookup", Class.BUSINESS),
        ("wp_woocommerce_order_itemmeta", Class.BUSINESS),
        ("wp_usermeta", Class.BUSINESS),
        ("wp_posts", Class.MIXED),
        ("wp_wc_product_meta_lookup", Class.MIXED),
        ("wp_woocommerce_shipping_zone_methods", Class.CONFIGURATION),
        ("wp_woocommerce_sessions", Class.THROWAWAY),
        ("wp_some_module", Class.BUSINESS),
    ],
)
def test_tables_are_classed(name: str, expected: Class) -> None:
    assert CLASSES.classify(name) is expected


def test_no_pattern_hides_another_class() -> None:
    """A pattern of one class must not match a name that another class spells out, but for a plain name to win."""
    tables = SITE.known_tables
    plain = {name: kind for kind in Class for name in getattr(tables, kind.value) if "*" not in name}
    patterns = {name: kind for kind in Class for name in getattr(tables, kind.value) if "*" in name}
    clashes = [
        (name, pattern)
        for name, kind in plain.items()
        for pattern, other in patterns.items()
        if fnmatchcase(name, pattern) and kind is not other
    ]
    assert clashes == []


def masked(name: str, *columns: str) -> dict[str, Kind]:
    made = table(name, *(column(each, "varchar(255)") for each in columns))
    return plan_masks({name: made}, CLASSES).get(name, {})


def test_an_orders_address_is_masked_and_what_kind_of_address_it_is_stays() -> None:
    found = masked("wp_wc_order_addresses", "address_type", "first_name", "address_1", "postcode", "country", "email")
    assert found == {"first_name": "name", "address_1": "address", "postcode": "address", "email": "email"}


def test_orders_among_the_posts_are_masked_by_what_kind_of_post_they_are() -> None:
    found = masked("wp_posts", "post_type", "post_title", "post_excerpt", "post_password", "post_name")
    assert found["post_excerpt"] == found["post_password"] == "keyed"
    assert "post_type" not in found


@pytest.mark.parametrize("name", ["wp_woocommerce_tax_rate_buyers", "wp_wc_order_gift_lookup"])
def test_a_plugins_table_is_never_taken_for_woocommerces(name: str) -> None:
    assert masked(name, "holder") == {"holder": "text"}


def test_what_a_plugin_adds_to_woocommerces_tables_is_masked() -> None:
    made = table("wp_terms", column("name", "varchar(200)"), column("curator", "varchar(200)"))
    classes = Classes.of("wp_", SITE.known_tables, columns=SITE.known_columns)
    assert plan_masks({"wp_terms": made}, classes) == {"wp_terms": {"name": "inside", "curator": "text"}}


def test_values_beside_keys_are_masked_by_their_keys() -> None:
    for name in ("wp_usermeta", "wp_postmeta", "wp_wc_orders_meta", "wp_woocommerce_order_itemmeta"):
        assert masked(name, "meta_key", "meta_value") == {"meta_value": "keyed"}


OPTIONS = {
    "woocommerce_stripe_settings": {
        "enabled": "yes",
        "testmode": "no",
        "secret_key": "sk_live_1",
        "test_secret_key": "sk_test_1",
        "title": "Card",
        "nested": {"api_key": "live", "label": "keyboard"},
    },
    "woocommerce_legacy_settings": {"enabled": "yes", "title": "Legacy", "merchant_id": "M1"},
    "woocommerce_odd_settings": {"enabled": "yes", "title": "Odd", "kode": "live-but-who-would-know"},
    "mollie_wc_gateway_ideal_settings": {"enabled": "yes", "description": "iDEAL"},
    "woocommerce_bare_settings": {"enabled": "yes"},
    "woocommerce_named_settings": {"enabled": "yes", "title": "Named", "testmode": "no"},
    "woocommerce_gateway_order": {"bacs": 0, "bare": 1},
    "woocommerce_new_order_settings": {"enabled": "yes", "title": "x", "heading": "x", "email_type": "html"},
    "woocommerce_local_delivery_settings": {"enabled": "yes", "title": "x", "tax_status": "none"},
    "woocommerce_bacs_settings": {"enabled": "yes", "title": "Bank transfer"},
    "woocommerce_myaccount_lost_password_endpoint": "lost-password",
    "wc_erp_api_key": "live-key",
    "woocommerce_registration_generate_password": "yes",
}
SERIALISE = """
foreach (json_decode(stream_get_contents(STDIN), true) as $name => $value) {
    $rows[] = ['option_name' => $name, 'option_value' => is_array($value) ? serialize($value) : $value];
}
echo json_encode($rows);
"""
HARNESS = """
define('PALIER_PAYMENTS', 'bacs,cheque,cod,named');
class palier_db {
    public $options = 'wp_options';
    function get_results($sql) { return json_decode(%s); }
}
$wpdb = new palier_db();
function is_serialized($text) { return 1 === preg_match('/^a:[0-9]+:/', $text); }
function update_option($name, $value) { echo json_encode([$name, $value]), "\\n"; }
"""


@needs_php
def test_live_keys_are_emptied_and_every_payment_but_the_offline_and_the_named_ones_is_switched_off() -> None:
    serialised = subprocess.run(
        ["php", "-r", SERIALISE], input=json.dumps(OPTIONS), capture_output=True, text=True, check=True, timeout=20
    )
    code = (PHP / "keys.php").read_text().removeprefix("<?php")
    quoted = "'" + serialised.stdout.replace("\\", "\\\\").replace("'", "\\'") + "'"
    ran = subprocess.run(
        ["php"], input="<?php" + HARNESS % quoted + code, capture_output=True, text=True, check=False, timeout=20
    )
    assert ran.returncode == 0, ran.stdout
    *lines, changed = ran.stdout.splitlines()
    written = dict(json.loads(line) for line in lines)
    off = {"enabled": "no"}
    assert changed == "11"
    assert written == {
        "woocommerce_stripe_settings": {
            **OPTIONS["woocommerce_stripe_settings"],  # type: ignore[dict-item]
            **off,
            "testmode": "yes",
            "secret_key": "",
            "nested": {"api_key": "", "label": "keyboard"},
        },
        "woocommerce_legacy_settings": {"enabled": "no", "title": "Legacy", "merchant_id": ""},
        "woocommerce_odd_settings": {**OPTIONS["woocommerce_odd_settings"], **off},  # type: ignore[dict-item]
        "mollie_wc_gateway_ideal_settings": {"enabled": "no", "description": "iDEAL"},
        "woocommerce_bare_settings": off,
        "woocommerce_named_settings": {"enabled": "yes", "title": "Named", "testmode": "yes"},
        "wc_erp_api_key": "",
    }


@needs_php
@pytest.mark.parametrize("name", ["modules.php", "keys.php", "settle.php"])
def test_what_is_fed_to_the_shop_is_php(name: str) -> None:
    checked = subprocess.run(
        ["php", "-l"], input=(PHP / name).read_text(), capture_output=True, text=True, check=False, timeout=20
    )
    assert checked.returncode == 0, checked.stdout
