"""What WordPress is told and asked, and what its configuration says."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.inventory import Environment
from pipeline.errors import PalierError
from pipeline.platforms.platform import Configuration, Installed, copied
from pipeline.platforms.wordpress import WordPress, configuration
from pipeline.remote.command import Secret

SITE = WordPress(
    Environment.model_validate(
        {"url": "https://shop.example", "hosts": [{"ssh": "local"}], "root": "/var/www/shop", "wp_cli": "/opt/wp.phar"}
    )
)
OWN = Configuration("staging", "stage", Secret("s3'cr\\et"), "127.0.0.1", 3307, None, "wp_")


def rows(**changes: object) -> str:
    values = {"DB_NAME": "shop", "DB_USER": "u", "DB_PASSWORD": "p", "DB_HOST": "db:3307", "WP_DEBUG": False}
    constants = [{"name": name, "value": value, "type": "constant"} for name, value in (values | changes).items()]
    return json.dumps([*constants, {"name": "table_prefix", "value": "wp_", "type": "variable"}])


def test_the_database_is_read_from_the_shops_own_configuration() -> None:
    found = SITE.read_configuration(rows())
    assert (found.database, found.user, found.host, found.port, found.prefix) == ("shop", "u", "db", 3307, "wp_")
    assert found.password.reveal() == "p"
    assert "'p'" not in repr(found)


@pytest.mark.parametrize("output", ["", "[]", "{}", "not json", '[{"name": "DB_NAME"}]'])
def test_a_configuration_that_cannot_be_read_is_said_so(output: str) -> None:
    with pytest.raises(PalierError, match=r"wp-config\.php could not be read"):
        SITE.read_configuration(output)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", ("127.0.0.1", 3306, None)),
        ("", ("127.0.0.1", 3306, None)),
        ("db.example", ("db.example", 3306, None)),
        ("db.example:3310", ("db.example", 3310, None)),
        ("localhost:/run/mysqld/mysqld.sock", ("127.0.0.1", 3306, "/run/mysqld/mysqld.sock")),
        ("[::1]:3310", ("::1", 3310, None)),
        ("db:3310:/run/m.sock", ("db", 3310, "/run/m.sock")),
    ],
)
def test_a_database_host_is_taken_apart_as_wordpress_does(text: str, expected: tuple[str, int, str | None]) -> None:
    assert configuration.address(text) == expected


@pytest.mark.parametrize(
    "name", ["STRIPE_SECRET_KEY", "MY_TOKEN", "AUTH_KEY", "SMTP_PASS", "DB_NAME", "WP_HOME", "X Y"]
)
def test_live_keys_and_addresses_stay_on_production(name: str) -> None:
    assert not configuration.is_harmless(name)


def test_staging_has_its_own_database_fresh_salts_and_the_harmless_rest(tmp_path: Path) -> None:
    production = SITE.read_configuration(rows(WP_MEMORY_LIMIT="256M", STRIPE_SECRET_KEY="sk_live", AUTH_KEY="old"))
    files = {file.path: file for file in SITE.staging_files(production, OWN, 2525)}
    text = files["wp-config.php"].text
    assert files["wp-config.php"].mode == 0o640
    assert "sk_live" not in text
    assert "'old'" not in text
    defined = defines(text, tmp_path)
    assert defined["DB_PASSWORD"] == "s3'cr\\et"
    assert defined["DB_HOST"] == "127.0.0.1:3307"
    assert defined["WP_MEMORY_LIMIT"] == "256M"
    assert defined["DISABLE_WP_CRON"] is True
    assert defined["PALIER_MAIL_PORT"] == 2525
    assert len({defined[salt] for salt in configuration.SALTS}) == len(configuration.SALTS)


def test_no_text_of_production_is_copied_but_those_of_wordpress_and_no_cache_is_shared(tmp_path: Path) -> None:
    said = {
        "AS3CF_SETTINGS": 'a:1:{s:3:"any";s:9:"live-data";}',
        "SMTP_USER": "live-account",
        "ACME_SERVER": "live.example",
        "WP_REDIS_DATABASE": 3,
        "WP_REDIS_PREFIX": "live",
        "WP_CACHE": True,
        "WP_CACHE_KEY_SALT": "live-salt",
        "ACME_LIMIT": 20,
        "DISALLOW_FILE_EDIT": True,
        "WPLANG": "fr_FR",
    }
    (config, _) = SITE.staging_files(SITE.read_configuration(rows(**said)), OWN, 2525)
    defined = defines(config.text, tmp_path)
    assert "live" not in config.text
    assert not {"WP_REDIS_DATABASE", "WP_REDIS_PREFIX"} & set(defined)
    assert (defined["WP_CACHE"], defined["WP_REDIS_DISABLED"]) == (False, True)
    assert len(str(defined["WP_CACHE_KEY_SALT"])) == 32
    assert (defined["ACME_LIMIT"], defined["DISALLOW_FILE_EDIT"], defined["WPLANG"]) == (20, True, "fr_FR")


def test_the_payment_that_the_inventory_names_may_stay_on_besides_the_offline_ones() -> None:
    for site, expected in ((SITE, "bacs,cheque,cod"), (replace(SITE, payment="stripe"), "bacs,cheque,cod,stripe")):
        (config, _) = site.staging_files(SITE.read_configuration(rows()), OWN, 2525)
        assert f"define( 'PALIER_PAYMENTS', '{expected}' );" in config.text


STUBS = """
define('PALIER_MAIL_PORT', 2525);
define('PALIER_PAYMENTS', 'bacs,cod');
$filters = [];
function add_filter($name, $what) { $GLOBALS['filters'][$name] = $what; }
function add_action($name, $what) { $GLOBALS['filters'][$name] = $what; }
require $argv[1];
"""


def harmless(code: str, *arguments: str, forbidden: str = "") -> object:
    """What a plugin comes to that runs after the must-use plugin."""
    plugin = Path(str(configuration.__file__)).parent / "php" / "staging.php"
    done = subprocess.run(
        ["php", "-d", f"disable_functions={forbidden}", "-r", STUBS + code, str(plugin), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return json.loads(done.stdout)


def test_a_plugin_that_calls_out_by_itself_reaches_nobody_and_the_clone_reaches_itself() -> None:
    code = """
    $out = [];
    foreach ([false, true] as $own) {
        $curl = curl_init($argv[2]);
        curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 5]);
        if ($own) { $filters['http_api_curl']($curl); }
        $out[] = curl_exec($curl);
    }
    $out[] = @file_get_contents($argv[2]);
    $out[] = @copy($argv[2], '/dev/null');
    echo json_encode($out);
    """
    with serving(b"heard") as url:
        assert harmless(code, url) == [False, "heard", False, False]


def test_a_host_that_forbids_putenv_has_a_staging_all_the_same() -> None:
    assert harmless("echo json_encode(count($filters) > 3);", forbidden="putenv") is True


def test_only_payments_that_ask_nobody_are_offered() -> None:
    code = """
    echo json_encode($filters['woocommerce_available_payment_gateways'](['stripe' => 1, 'bacs' => 2, 'cod' => 3]));
    """
    assert harmless(code) == {"bacs": 2, "cod": 3}


@contextmanager
def serving(answer: bytes) -> Iterator[str]:
    """A web server that always says the same, for as long as the block runs; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_pictures_are_copied_and_documents_among_them_are_not() -> None:
    left = copied(SITE)
    assert "/wp-content/uploads/" not in left
    assert {"/wp-content/uploads/**.[pP][dD][fF]", "/wp-content/uploads/**.7[zZ]"} <= set(left)
    assert not [pattern for pattern in left if "[jJ][pP]" in pattern]


def defines(text: str, folder: Path) -> dict[str, object]:
    """What PHP makes of it."""
    script = folder / "config.php"
    script.write_text(text.replace("require_once ABSPATH . 'wp-settings.php';", ""))
    told = 'require $argv[1]; echo json_encode(get_defined_constants(true)["user"]);'
    done = subprocess.run(["php", "-r", told, str(script)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@given(st.text(alphabet=st.characters(codec="utf-8", blacklist_characters="\0")))
def test_a_quoted_string_ends_where_it_should(text: str) -> None:
    quoted = configuration.quoted(text)
    inner = quoted[1:-1]
    assert inner.replace("\\\\", "\0").replace("\\'", "'").replace("\0", "\\") == text
    assert "'" not in inner.replace("\\\\", "").replace("\\'", "")


def test_plugins_are_read_and_what_is_no_module_is_left_out() -> None:
    listed = [
        {"name": "a", "version": "1.0", "status": "active", "file": "a/a.php"},
        {"name": "b", "version": "2.0", "status": "inactive", "file": "b/b.php"},
        {"name": "palier-staging", "version": "", "status": "must-use", "file": "palier-staging.php"},
    ]
    assert SITE.read_modules(json.dumps(listed)) == {
        "a": Installed("1.0", active=True, file="a/a.php"),
        "b": Installed("2.0", active=False, file="b/b.php"),
    }


def test_questions_do_not_load_the_shops_code_and_the_upgrade_does() -> None:
    assert "--skip-plugins" in SITE.modules().words
    (upgrade,) = SITE.upgrade({"a": Installed("1.0", active=True, file="a/a.php")})
    assert "--skip-plugins" not in upgrade.words
    assert "a/a.php" in upgrade.words


def test_addresses_are_rewritten_plain_and_as_json_has_them() -> None:
    pairs = [each.words[3:5] for each in SITE.rewrite_addresses("https://shop.example", "https://staging.example")]
    assert pairs == [
        ("https://shop.example", "https://staging.example"),
        ("https:\\/\\/shop.example", "https:\\/\\/staging.example"),
        ("//shop.example", "//staging.example"),
    ]


@pytest.mark.parametrize("name", ["staging.php", "leak.php", "upgraded.php"])
def test_our_php_is_well_formed(name: str) -> None:
    path = Path(str(configuration.__file__)).parent / "php" / name
    subprocess.run(["php", "-l", str(path)], check=True, capture_output=True)
