"""PrestaShop: what its commands are, what is read from what they say, and what a clone is told."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code.tree import Exclusion, as_exclusions
from pipeline.config.inventory import Environment, HostSpec
from pipeline.database.classes import Class, Classes
from pipeline.database.masks import plan_masks
from pipeline.errors import PalierError
from pipeline.platforms.platform import Configuration, Installed, Platform
from pipeline.platforms.prestashop import MEDIA, NOT_CODE, PHP, PrestaShop, configuration, disarm, tables
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost
from tests.unit.database.tables import column
from tests.unit.database.tables import table as table_of

OLD, NEW = "https://shop.example", "http://127.0.0.1:8080"


def shop(root: str = "/srv/shop", web_user: str | None = None) -> PrestaShop:
    return PrestaShop(Environment(url=OLD, hosts=(HostSpec(ssh="local"),), root=root, web_user=web_user))


def said(**changes: object) -> str:
    own = {
        "database_host": "db.example",
        "database_port": "3307",
        "database_name": "shop",
        "database_user": "shop",
        "database_password": "pässwörd",
        "database_prefix": "ps_",
        "mailer_transport": "smtp",
        "mailer_password": "mail-secret",
        "secret": "production-secret",
        "cookie_key": "production-cookie",
        "new_cookie_key": "def00000production",
        "api_private_key": "production-key",
        "ps_caching": "CacheMemcached",
        "ps_cache_enable": True,
        "locale": "fr-FR",
    }
    return json.dumps({"parameters": {**own, **changes}, "constants": ""})


def staging() -> Configuration:
    return Configuration("clone", "clone", Secret("it's"), "127.0.0.1", 3306, None, "ps_")


def test_it_is_a_platform() -> None:
    platform: Platform = shop()
    assert platform.name == "PrestaShop"


def test_production_is_read_without_its_keys() -> None:
    found = shop().read_configuration(said())
    assert (found.host, found.port, found.socket, found.prefix) == ("db.example", 3307, None, "ps_")
    assert found.password.reveal() == "pässwörd"
    assert found.rest["locale"] == "fr-FR"
    assert not any("production" in str(value) for value in found.rest.values())


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("localhost", "", ("127.0.0.1", 3306, None)),
        ("db:3310", "", ("db", 3310, None)),
        ("localhost:/run/mysqld.sock", "", ("127.0.0.1", 3306, "/run/mysqld.sock")),
    ],
)
def test_a_database_host_may_carry_port_or_socket(host: str, port: str, expected: object) -> None:
    found = shop().read_configuration(said(database_host=host, database_port=port))
    assert (found.host, found.port, found.socket) == expected


@pytest.mark.parametrize("output", ["", "[]", '{"parameters": {}}', "<br />Fatal error"])
def test_a_garbled_configuration_is_refused(output: str) -> None:
    with pytest.raises(PalierError, match=r"parameters\.php"):
        shop().read_configuration(output)


def test_staging_has_its_own_database_and_no_key_of_production() -> None:
    files = shop().staging_files(shop().read_configuration(said()), staging(), 2525)
    parameters = next(file for file in files if file.path == "app/config/parameters.php")
    assert "'database_name' => 'clone'" in parameters.text
    assert r"'database_password' => 'it\'s'" in parameters.text
    assert "production" not in parameters.text
    assert "mail-secret" not in parameters.text
    assert "'ps_cache_enable' => false" in parameters.text, "a shared cache server would poison production"
    assert parameters.mode == 0o640


def test_the_teams_own_constants_come_after_what_keeps_staging_harmless() -> None:
    read = shop().read_configuration(json.dumps({**json.loads(said()), "constants": "<?php define('_X_', 1);"}))
    text = next(file.text for file in shop().staging_files(read, staging(), 2525) if "defines_custom" in file.path)
    assert text.index("PALIER_STAGING") < text.index("define('_X_', 1);")
    assert text.count("?>") == 1


def test_of_the_teams_own_constants_only_switches_counts_and_prestashops_short_texts_are_copied() -> None:
    text = """<?php
    /* define('_OLD_', true); */
    // define('_OFF_', 1);
    define('_ACME_ON_', true);
    if (!defined('_PS_ADMIN_LANG_')) { define("_PS_ADMIN_LANG_", 'fr'); }
    define('ACME_STRIPE', 'live-1');
    define('ACME_SECRET', 123456);
    define('_PS_REDIS_HOST_', 'live-2');
    $acme = new Acme('live-3');
    """
    assert configuration.harmless_constants(text).splitlines() == [
        "<?php",
        "define('_ACME_ON_', true);",
        """define("_PS_ADMIN_LANG_", 'fr');""",
    ]
    assert configuration.harmless_constants("<?php $a = 1;") == ""


def test_a_parameter_that_nobody_knows_is_copied_only_as_a_switch_or_a_count() -> None:
    found = shop().read_configuration(said(acme_account="live", acme_on=True, acme_rows=20, acme_id=987654321)).rest
    assert (found["acme_account"], found["acme_on"], found["acme_rows"], found["acme_id"]) == ("", True, 20, "")


def test_a_fresh_cookie_key_carries_its_checksum() -> None:
    key = bytes.fromhex(configuration._cookie_key())
    assert key[:4].hex() == "def00000"
    assert hashlib.sha256(key[:36]).digest() == key[36:]
    assert configuration._cookie_key() != key.hex()


def test_modules_are_read_with_both_versions() -> None:
    found = shop().read_modules('{"ps_banner": {"version": "2.1.2", "recorded": "2.1.1", "active": true}}')
    assert found == {"ps_banner": Installed("2.1.2", active=True, file="ps_banner", recorded="2.1.1")}
    assert shop().read_modules("[]") == {}, "PHP writes an empty map as a list"


def test_a_garbled_list_of_modules_is_refused() -> None:
    with pytest.raises(PalierError):
        shop().read_modules("Fatal error")


def test_modules_are_upgraded_each_in_a_process_of_its_own_on_an_empty_cache() -> None:
    clear, *upgrades = shop().upgrade({"b": Installed("2", active=True), "a": Installed("2", active=True)})
    assert "var/cache" in clear.shell()
    assert [each.shell().rpartition("-- ")[2] for each in upgrades] == ["/srv/shop b", "/srv/shop a"]


def test_commands_run_as_the_web_user() -> None:
    told = shop(web_user="www-data")
    for each in (
        told.version(),
        told.modules(),
        *told.clear_caches(),
        *told.upgrade({"a": Installed("1", active=True)}),
    ):
        assert each.shell().startswith("sudo -n -u www-data -- ")


def test_no_command_shows_more_than_words() -> None:
    assert str(shop().configuration()) == "php -d display_errors=stderr -- /srv/shop"


def test_every_environments_cache_is_emptied_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "www with space"
    for path in ("var/cache/prod/a/b.php", "var/cache/dev/c.php", "var/logs/keep.log", "modules/m/m.php"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")
    LocalHost("here").run(shop(str(root)).clear_caches()[0])
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == [
        "modules/m/m.php",
        "var/logs/keep.log",
    ]


def test_the_way_back_empties_the_caches_without_php(tmp_path: Path) -> None:
    (tmp_path / "var/cache/prod").mkdir(parents=True)
    fragment = shop(str(tmp_path)).forget_fragment()
    assert "php" not in fragment
    for _ in range(2):  # an undo fragment may run again
        assert subprocess.run(["sh", "-c", fragment], timeout=10, check=False).returncode == 0
    assert not (tmp_path / "var/cache/prod").exists()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("modules/ps_banner/ps_banner.php", True),
        ("modules/ps_banner/config.xml", False),
        ("modules/ps_banner/config_fr.xml", False),
        ("modules/ps_banner/config/services.yml", True),
        ("app/config/parameters.php", False),
        ("app/config/config.yml", True),
        ("var/cache/prod/x.php", False),
        ("config/config.inc.php", True),
        ("override/classes/Cart.php", True),
        ("upload/customers-passport.pdf", False),
        ("img/p/1/1.jpg", False),
    ],
)
def test_what_counts_as_code(path: str, *, code: bool) -> None:
    assert Exclusion(as_exclusions(NOT_CODE)).covers(path) is not code


def test_pictures_are_copied_to_staging_and_what_customers_uploaded_is_not() -> None:
    assert "/img/" in MEDIA
    assert "/upload/" not in MEDIA


# The tables.

CLASSES = Classes.of("ps_", tables.KNOWN)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("orders", Class.BUSINESS),
        ("order_state", Class.CONFIGURATION),
        ("order_state_lang", Class.CONFIGURATION),
        ("order_invoice_tax", Class.BUSINESS),
        ("cart", Class.BUSINESS),
        ("cart_rule", Class.MIXED),
        ("configuration", Class.MIXED),
        ("product_lang", Class.MIXED),
        ("product_comment", Class.BUSINESS),
        ("module", Class.CONFIGURATION),
        ("log", Class.THROWAWAY),
        ("page_type", Class.THROWAWAY),
        ("layered_filter", Class.CONFIGURATION),
        ("layered_filter_block", Class.THROWAWAY),
        ("customer_session", Class.THROWAWAY),
        ("search_index", Class.CONFIGURATION),
        ("some_modules_table", Class.BUSINESS),
    ],
)
def test_whose_rows_a_table_holds(table: str, expected: Class) -> None:
    assert CLASSES.classify(f"ps_{table}") is expected


@pytest.mark.parametrize(
    "name", ["customer_loyalty_card", "order_invoice_pdf", "message_template_sent", "product_review", "hook_subscriber"]
)
def test_a_modules_table_is_never_taken_for_prestashops(name: str) -> None:
    assert not CLASSES.known(f"ps_{name}")
    made = table_of(f"ps_{name}", column("id", "int(11)"), column("holder", "varchar(80)"), column("said", "text"))
    assert plan_masks({made.name: made}, CLASSES) == {f"ps_{name}": {"holder": "text", "said": "text"}}


@pytest.mark.parametrize("name", ["orders", "product_lang", "carrier", "customer", "configuration"])
def test_what_a_module_adds_to_prestashops_tables_is_masked_unless_it_is_a_code(name: str) -> None:
    extra = (
        column("engraving", "varchar(80)"),
        column("badge_status", "varchar(20)"),
        column("pickup_phone", "bigint(20)"),
    )
    made = table_of(f"ps_{name}", column("id_shop", "int(11)"), *extra)
    found = plan_masks({made.name: made}, Classes.of("ps_", tables.KNOWN, columns=tables.COLUMNS))
    assert found[made.name] == {"engraving": "text", "badge_status": "inside", "pickup_phone": "phone"}


def test_prestashops_own_columns_are_known_in_the_version_that_is_run() -> None:
    for name, columns in {"product_lang": "name description link_rewrite", "tab": "class_name wording"}.items():
        assert set(columns.split()) <= tables.COLUMNS[name]


def test_the_key_that_joins_order_cart_and_customer_is_masked_alike() -> None:
    assert {CLASSES.rules(f"ps_{table}")["secure_key"] for table in ("orders", "cart", "customer")} == {"secret"}


def test_what_a_setting_holds_is_told_by_its_name() -> None:
    assert CLASSES.rules("ps_configuration") == {"value": "setting"}


# What a clone is told.


def test_the_clones_settings_are_made_where_they_do_not_exist() -> None:
    sql = "\n".join(disarm.statements("ps_", OLD, NEW, 2525))
    for setting, value in {"PS_MAIL_METHOD": "2", "PS_MAIL_SMTP_PORT": "2525", "PS_SSL_ENABLED": "0"}.items():
        assert f"SET value = '{value}' WHERE name = '{setting}'" in sql
        assert f"SELECT '{setting}', '{value}', NOW(), NOW()" in sql


def test_only_payments_that_ask_nobody_are_offered_and_the_modules_stay_as_they_are() -> None:
    sql = "\n".join(disarm.statements("ps_", OLD, NEW, 2525, "acmepay"))
    for table in ("ps_module_currency", "ps_module_country"):
        assert f"DELETE FROM `{table}` WHERE id_module NOT IN" in sql
    assert "''ps_wirepayment'', ''ps_checkpayment'', ''ps_cashondelivery'', ''acmepay''" in sql
    assert "DELETE FROM `ps_memcached_servers`" in sql
    assert "DELETE FROM `ps_module`" not in sql


def test_a_shop_in_a_folder_keeps_its_folder() -> None:
    sql = "\n".join(disarm.statements("ps_", OLD, "https://staging.example/shop", 2525))
    assert "physical_uri = '/shop/'" in sql
    assert "domain = 'staging.example'" in sql
    assert "SET value = '1' WHERE name = 'PS_SSL_ENABLED'" in sql


# Addresses, in PHP.


def replaced(values: list[object]) -> list[object]:
    """PHP serialises ``values``, replaces, and reads what came of it."""
    program = (PHP / "replaced.php").read_text() + (
        "$all = json_decode(stream_get_contents(fopen('php://fd/3', 'r')), true); $out = array();\n"
        "foreach ($all['values'] as $value) {\n"
        "    $text = is_string($value) ? $value : serialize($value);\n"
        "    $new = replaced($text, $all['pairs']);\n"
        "    $out[] = is_string($value) ? $new : unserialize($new);\n"
        "}\necho json_encode($out);\n"
    )
    php = shutil.which("php")
    assert php is not None, "the demo needs PHP: apt-get install php-cli"
    given_text = json.dumps({"values": values, "pairs": {OLD: NEW}})
    words = ["bash", "-c", 'exec 3<<<"$1"; exec "$2" --', "test", given_text, php]
    result = subprocess.run(words, input=program, capture_output=True, text=True, timeout=30, check=True)
    answer: list[object] = json.loads(result.stdout)
    return answer


def test_addresses_are_replaced_in_plain_and_in_serialised_text() -> None:
    nested = {"a": f"{OLD}/é.jpg", "b": [1, None, True, f"x {OLD} y {OLD}"], "c": 's:3:"abc";'}
    assert replaced([f'<a href="{OLD}/x">', nested]) == [
        f'<a href="{NEW}/x">',
        {"a": f"{NEW}/é.jpg", "b": [1, None, True, f"x {NEW} y {NEW}"], "c": 's:3:"abc";'},
    ]


texts = st.lists(st.sampled_from([OLD, 's:5:"', '";', "é", "}", "a", ":", '"', "\\"]), max_size=6).map("".join)
trees = st.recursive(
    texts | st.integers(-(2**63), 2**63 - 1) | st.booleans(), lambda inner: st.lists(inner, max_size=3), max_leaves=6
)


@given(st.lists(st.lists(trees, min_size=1, max_size=3), min_size=1, max_size=20))
@settings(max_examples=15, deadline=None)
def test_serialised_values_stay_readable_whatever_is_in_them(values: list[object]) -> None:
    def expected(value: object) -> object:
        if isinstance(value, str):
            return value.replace(OLD, NEW)
        return [expected(each) for each in value] if isinstance(value, list) else value

    assert replaced(values) == expected(values)
