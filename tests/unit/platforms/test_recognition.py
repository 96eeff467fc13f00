"""A shop is recognised from its files, by a real shell, without anything being started."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from pipeline.platforms import recognition
from pipeline.platforms.recognition import Facts
from pipeline.remote.local import LocalHost

WP_CONFIG = """\
<?php
// define( 'DB_NAME', 'an old one' );
/* define( 'DB_USER', 'nobody' ); */
define( 'DB_NAME', 'boutique' );
define("DB_USER", 'it\\'s me');
define('DB_PASSWORD' , 'p"w\\\\d');
define('DB_HOST', 'localhost:/run/mysqld/mysqld.sock');
define('WP_HOME', 'https://boutique.example/shop/');
$table_prefix = 'bq_';
"""

PARAMETERS = """\
<?php return array (
  'parameters' =>
  array (
    'database_host' => '10.0.0.2',
    'database_port' => '3307',
    'database_name' => 'presta',
    'database_user' => 'presta',
    'database_password' => 'a\\'b',
    'database_prefix' => 'ps1_',
    'secret' => 'x',
  ),
);
"""


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def told(root: Path) -> Facts:
    return recognition.read(LocalHost("here").run(recognition.questions(str(root))).stdout)


WORDPRESS = {"wp-includes/version.php": "<?php\n$wp_version = '6.8.1';\n", "wp-config.php": WP_CONFIG}
WOOCOMMERCE = {
    "wp-content/plugins/woocommerce/woocommerce.php": "<?php\n/**\n * Plugin Name: W\n * Version: 9.9.5\n */\n"
}


@pytest.mark.parametrize(
    ("files", "platform", "shown"),
    [
        (WORDPRESS, "wordpress", "WordPress 6.8.1"),
        (WORDPRESS | WOOCOMMERCE, "woocommerce", "WordPress 6.8.1 with WooCommerce 9.9.5"),
        ({"src/Core/Version.php": "    public const VERSION = '9.0.1';\n"}, "prestashop", "PrestaShop 9.0.1"),
        ({"app/AppKernel.php": "    const VERSION = '1.7.8.11';\n"}, "prestashop", "PrestaShop 1.7.8.11"),
        ({"config/settings.inc.php": "define('_PS_VERSION_', '1.6.1.24');\n"}, "prestashop", "PrestaShop 1.6.1.24"),
        ({"index.php": "<?php"}, None, ""),
    ],
)
def test_the_platform_and_its_version(scratch: Path, files: dict[str, str], platform: str | None, shown: str) -> None:
    facts = told(written(scratch, files))
    assert facts.platform == platform
    if platform:
        assert facts.shown == shown


def test_what_the_ground_is_like(scratch: Path) -> None:
    facts = told(written(scratch, WORDPRESS))
    assert facts.one("writable") == "yes"
    assert int(facts.one("free_kb")) > 0
    assert facts.one("owner") == scratch.owner()
    assert facts.one("empty") == ""


@pytest.mark.parametrize(("name", "state"), [("missing", "missing"), ("a file", "file"), ("empty", "folder")])
def test_a_folder_that_holds_no_shop_is_told_apart(scratch: Path, name: str, state: str) -> None:
    (scratch / "a file").touch()
    (scratch / "empty").mkdir()
    facts = told(scratch / name)
    assert facts.one("root") == state
    assert (facts.one("empty") == "yes") == (name == "empty")


def test_nothing_is_written(scratch: Path) -> None:
    written(scratch, WORDPRESS)
    before = {path: path.stat().st_mtime_ns for path in scratch.rglob("*")}
    told(scratch)
    assert {path: path.stat().st_mtime_ns for path in scratch.rglob("*")} == before


def facts(platform: str) -> Facts:
    return Facts({platform: ("1.0",)})


def test_wordpress_configuration_is_read_as_php_reads_it() -> None:
    found = recognition.settings(facts("wordpress"), WP_CONFIG)
    own = found.configuration
    assert own is not None
    assert (own.database, own.user, own.password.reveal(), own.prefix) == ("boutique", "it's me", 'p"w\\d', "bq_")
    assert own.socket == "/run/mysqld/mysqld.sock"
    assert "DB_PASSWORD" not in found.constants
    assert recognition.url_of("wordpress", {"home": "http://old.example"}, found.constants) == (
        "https://boutique.example/shop"
    )


def test_a_configuration_that_computes_is_not_guessed() -> None:
    text = WP_CONFIG.replace("'boutique'", "getenv('DB_NAME')")
    assert recognition.settings(facts("wordpress"), text).configuration is None


def test_prestashop_parameters() -> None:
    own = recognition.settings(facts("prestashop"), PARAMETERS).configuration
    assert own is not None
    assert (own.database, own.host, own.port, own.password.reveal(), own.prefix) == (
        "presta", "10.0.0.2", 3307, "a'b", "ps1_",
    )  # fmt: skip


def test_prestashop_parameters_in_yaml() -> None:
    names = {"host": "127.0.0.1", "port": "~", "name": "shop", "user": "me"}
    text = "parameters:\n" + "".join(f"    database_{key}: {value}\n" for key, value in names.items())
    own = recognition.settings(facts("prestashop"), text).configuration
    assert own is not None
    assert (own.database, own.host, own.port, own.user) == ("shop", "127.0.0.1", 3306, "me")


def test_old_prestashop_constants() -> None:
    names = {"SERVER": "db:3310", "NAME": "old", "USER": "u", "PASSWD": "p", "PREFIX": "ps_"}
    text = "<?php\n" + "".join(f"define('_DB_{name}_', '{value}');\n" for name, value in names.items())
    own = recognition.settings(facts("prestashop"), text).configuration
    assert own is not None
    assert (own.database, own.host, own.port, own.prefix) == ("old", "db", 3310, "ps_")


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ({"domain": "a.example", "domain_ssl": "b.example", "path": "/", "ssl": "1"}, "https://b.example"),
        ({"domain": "a.example", "domain_ssl": "b.example", "path": "/shop/", "ssl": "0"}, "http://a.example/shop"),
        ({}, ""),
    ],
)
def test_the_address_of_a_prestashop(told: dict[str, str], url: str) -> None:
    assert recognition.url_of("prestashop", told, {}) == url


def test_the_web_user_is_the_one_whose_files_it_writes() -> None:
    found = Facts({"web": ("www-data apache2", "shop-a php-fpm8.2", "shop-b php-fpm8.2"), "writer": ("shop-b",)})
    assert found.web_users == ("shop-b", "www-data", "shop-a")


@pytest.mark.parametrize(("product", "term"), [("Tasse à café bleue", "tasse"), ("A b c", ""), ("", "")])
def test_a_search_term_is_a_word_of_a_product(product: str, term: str) -> None:
    assert recognition.search_term(product) == term


def test_a_search_term_is_one_that_the_shops_index_knows() -> None:
    assert recognition.search_term("Mug The best is yet to come", "mug best come") == "best"
    assert recognition.search_term("Mug blanc", "mug") == "mug"
    assert recognition.search_term("Mug blanc", "vase") == "blanc"
    assert recognition.search_term("Thé bio", "") == "thé"


def test_what_is_told_with_its_number() -> None:
    assert recognition.numbered("6 Mug The best") == ("6", "Mug The best")
    assert recognition.numbered("") == ("", "")


@pytest.mark.parametrize(
    ("configuration", "log"),
    [
        ('    ErrorLog "{folder}/error.log"\n', "error.log"),
        ('    ErrorLog {folder}/error.log\n    php_admin_value error_log "{folder}/php.log"\n', "php.log"),
        ("", ""),
    ],
)
def test_the_log_is_that_of_the_folders_virtual_host(scratch: Path, configuration: str, log: str) -> None:
    """Read from the file that a running web server was started with."""
    root = written(scratch / "www", WORDPRESS)
    for name in ("error.log", "php.log", "other.log"):
        (scratch / name).touch()
    other = f'<VirtualHost *:80>\nDocumentRoot /elsewhere\nErrorLog "{scratch}/other.log"\n</VirtualHost>\n'
    own = f'<VirtualHost *:80>\n    DocumentRoot "{root}"\n{configuration.format(folder=scratch)}</VirtualHost>\n'
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(other + own)
        settings.flush()
        # A process may call itself what it likes: this one as a web server is called.
        server = subprocess.Popen(["bash", "-c", f"exec -a 'apache2 -f {settings.name}' sleep 60"])
        try:
            assert told(root).one("error_log").endswith(log)
        finally:
            server.kill()
            server.wait()


def test_a_table_prefix_that_is_more_than_a_word_is_not_put_into_statements(scratch: Path) -> None:
    facts = told(written(scratch, {"app/AppKernel.php": "    const VERSION = '1.7.8.11';\n"}))
    assert recognition.settings(facts, PARAMETERS).configuration is not None
    hostile = PARAMETERS.replace("'ps1_'", "'x`; DROP TABLE y; -- '")
    assert recognition.settings(facts, hostile).configuration is None
