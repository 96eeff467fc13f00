"""Production's shop: a real WordPress with the demo's shop plugin and the old versions of its modules."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pipeline
from pipeline.demo.ports import LOOPBACK
from pipeline.demo.process import ServiceFailed, program

CHECKOUT = Path(pipeline.__file__).parents[1]
CACHE = CHECKOUT / ".cache"
CORE = CACHE / "wordpress"
WP_CLI = CACHE / "wp-cli.phar"

LEFT_OUT = ("akismet", "hello.php", "twentytwentythree", "twentytwentyfour")
"""Of what WordPress ships: plugins and themes that no shop would use."""

PREFIX = "wp_"
ADMIN = "patron"

CONFIGURATION = """\
<?php
// Written by Palier's demo.
{defines}
$table_prefix = '{prefix}';
if ( ! defined( 'ABSPATH' ) ) {{
	define( 'ABSPATH', __DIR__ . '/' );
}}
require_once ABSPATH . 'wp-settings.php';
"""

HTACCESS = """\
# BEGIN WordPress
<IfModule mod_rewrite.c>
RewriteEngine On
RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]
RewriteBase /
RewriteRule ^index\\.php$ - [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.php [L]
</IfModule>
# END WordPress
"""

SALTS = ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY", "AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT")


@dataclass(frozen=True)
class Account:
    """A schema of the demo's database server and the account that may use it, over loopback."""

    schema: str
    user: str
    password: str
    port: int


def require_core() -> None:
    """:raises ServiceFailed: if ``make setup`` has not brought WordPress and WP-CLI yet."""
    for path in (CORE / "wp-load.php", WP_CLI):
        if not path.exists():
            raise ServiceFailed(f"{path} is missing.", next_step="Run: make setup")


def copy_core(root: Path) -> None:
    """WordPress's own files as the document root ``root``, in place of whatever is there."""
    require_core()
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(CORE, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (root / "wp-content" / "uploads").mkdir()
    (root / ".htaccess").write_text(HTACCESS)


def write_configuration(root: Path, account: Account) -> None:
    """``wp-config.php`` with fresh keys. Nothing outside this machine is called: a demo must work offline."""
    values: dict[str, str | bool] = {
        "DB_NAME": account.schema,
        "DB_USER": account.user,
        "DB_PASSWORD": account.password,
        "DB_HOST": f"{LOOPBACK}:{account.port}",
        "DB_CHARSET": "utf8mb4",
        "DB_COLLATE": "",
        **{name: secrets.token_urlsafe(48) for name in (*SALTS, "NONCE_SALT")},
        "WP_HTTP_BLOCK_EXTERNAL": True,
        "WP_ACCESSIBLE_HOSTS": f"{LOOPBACK},localhost",
        "AUTOMATIC_UPDATER_DISABLED": True,
        "DISALLOW_FILE_EDIT": True,
    }
    target = root / "wp-config.php"
    target.touch(mode=0o640)
    target.write_text(CONFIGURATION.format(defines=_defines(values), prefix=PREFIX))


def install(root: Path, url: str, plugins: Sequence[Path], *, title: str, cache: Path) -> None:
    """WordPress's own installation, then the plugins, each copied from its folder and activated.

    :param cache: a folder for WP-CLI, so that it leaves nothing in a home folder.
    :raises ServiceFailed: with what WP-CLI said.
    """
    for plugin in plugins:
        shutil.copytree(plugin, root / "wp-content" / "plugins" / plugin.name, dirs_exist_ok=True)
    password = secrets.token_urlsafe(16)
    wp(
        root,
        cache,
        *("core", "install", f"--url={url}", f"--title={title}", f"--admin_user={ADMIN}"),
        *("--admin_email=patron@maison-palier.example", "--skip-email", "--prompt=admin_password"),
        typed=password + "\n",
    )
    wp(root, cache, "plugin", "activate", *(plugin.name for plugin in plugins))
    # Plugins add their own addresses at start, so the rules are made by a run that finds them active.
    wp(root, cache, "rewrite", "structure", "/%postname%/")
    wp(root, cache, "option", "update", "timezone_string", "Europe/Paris")


def wp(root: Path, cache: Path, *words: str, typed: str = "") -> str:
    """Run WP-CLI on ``root``. :raises ServiceFailed: with what it said."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [program("php", "php-cli"), str(WP_CLI), *words, f"--path={root}", "--no-color", *as_root]
    env = {**os.environ, "WP_CLI_CACHE_DIR": str(cache), "WP_CLI_CONFIG_PATH": os.devnull}
    result = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120, check=False, env=env)
    if result.returncode:
        raise ServiceFailed(
            f"WP-CLI failed with status {result.returncode}: wp {' '.join(words)}",
            why=(result.stderr.strip() or result.stdout.strip())[-1500:],
        )
    return result.stdout


def _defines(values: Mapping[str, str | bool]) -> str:
    return "\n".join(f"define( '{name}', {_php(value)} );" for name, value in values.items())


def _php(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
