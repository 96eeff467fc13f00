"""``wp-config.php``: what production's says, and what staging's must say."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Iterable, Mapping

from pipeline.errors import PalierError
from pipeline.platforms.platform import Configuration
from pipeline.remote.command import Secret

SALTS = (
    "AUTH_KEY",
    "SECURE_AUTH_KEY",
    "LOGGED_IN_KEY",
    "NONCE_KEY",
    "AUTH_SALT",
    "SECURE_AUTH_SALT",
    "LOGGED_IN_SALT",
    "NONCE_SALT",
)
SENSITIVE = re.compile(r"KEY|SECRET|TOKEN|PASS|SALT|LICEN[CS]E|CREDENTIAL|DSN", re.IGNORECASE)
"""Names of constants whose values must stay on production: live keys have no business on a clone."""

OWN_TEXTS = frozenset(
    (
        *(
            "WP_MEMORY_LIMIT",
            "WP_MAX_MEMORY_LIMIT",
            "WPLANG",
            "UPLOADS",
            "WP_DEFAULT_THEME",
            "DB_CHARSET",
            "DB_COLLATE",
        ),
        *("PATH_CURRENT_SITE", "WP_DEVELOPMENT_MODE", "FS_METHOD", "SUNRISE"),
    )
)
"""Constants of WordPress itself whose texts may be copied; a text of any other constant may be somebody's account."""

NOT_COPIED = re.compile(
    r"^(DB_|WP_REDIS|REDIS|MEMCACHE|WP_HOME$|WP_SITEURL$|WP_CACHE|WP_CONTENT|WP_PLUGIN|WPMU_PLUGIN|COOKIE|ABSPATH$|DOMAIN_CURRENT_SITE$|FORCE_SSL|.*PATH$|.*DIR$)"
)
IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def read(output: str) -> Configuration:
    """Read ``wp config list --format=json``. Of its constants only the harmless ones are kept.

    :raises PalierError: if it is not what WP-CLI writes, or names no database.
    """
    try:
        rows = {str(row["name"]): row for row in json.loads(output)}
        host, port, socket = address(str(rows["DB_HOST"]["value"]))
        return Configuration(
            database=str(rows["DB_NAME"]["value"]),
            user=str(rows["DB_USER"]["value"]),
            password=Secret(str(rows["DB_PASSWORD"]["value"])),
            host=host,
            port=port,
            socket=socket,
            prefix=str(rows["table_prefix"]["value"]),
            rest={
                name: row["value"]
                for name, row in rows.items()
                if row.get("type") == "constant"
                and isinstance(row["value"], (str, int, float, bool))
                and (is_harmless(name, row["value"]) or name in {"DB_CHARSET", "DB_COLLATE"})
            },
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PalierError(
            "The shop's wp-config.php could not be read.",
            why=f"WP-CLI's list of its constants lacks or garbles {error}.",
            next_step="Try it on the host: wp config list --format=json",
        ) from None


def address(text: str) -> tuple[str, int, str | None]:
    """Take WordPress's ``DB_HOST`` apart: ``host``, ``host:port``, ``host:/socket`` or ``[v6]:port``."""
    host, _, rest = text[1:].partition("]") if text.startswith("[") else (text, "", "")
    if not text.startswith("["):
        host, _, rest = text.partition(":")
    rest = rest.removeprefix(":")
    host = "127.0.0.1" if host in ("", "localhost") else host
    if rest.startswith("/"):
        return host, 3306, rest
    port, _, socket = rest.partition(":")
    return host, int(port) if port.isdigit() else 3306, socket or None


def compose(production: Configuration, own: Configuration, staging: Mapping[str, str | int | bool]) -> str:
    """Staging's ``wp-config.php``: its own database and fresh salts, production's harmless constants, ours on top.

    The text holds a password: it goes into a file of mode 0600 or 0640 and nowhere else.
    """
    constants = production.rest
    copied = {name: value for name, value in constants.items() if name not in staging and is_harmless(name, value)}
    defined: dict[str, str | int | float | bool] = {
        "DB_NAME": own.database,
        "DB_USER": own.user,
        "DB_PASSWORD": own.password.reveal(),
        "DB_HOST": f"{own.host}:{own.socket or own.port}",
        "DB_CHARSET": str(constants.get("DB_CHARSET", "utf8mb4")),
        "DB_COLLATE": str(constants.get("DB_COLLATE", "")),
        **{name: _salt() for name in SALTS},
        **copied,
        **staging,
    }
    return "\n".join(
        (
            "<?php",
            "// Written by Palier for the staging clone. The next clone writes it again.",
            *(f"define( {quoted(name)}, {literal(value)} );" for name, value in defined.items()),
            f"$table_prefix = {quoted(production.prefix)};",
            "if ( ! defined( 'ABSPATH' ) ) { define( 'ABSPATH', __DIR__ . '/' ); }",
            "require_once ABSPATH . 'wp-settings.php';",
            "",
        )
    )


def is_harmless(name: str, value: object = True) -> bool:
    """Whether a constant of production may be copied to a clone: a switch or a count, or a known text."""
    plain = isinstance(value, bool) or (isinstance(value, (int, float)) and abs(value) < 1_000_000)
    told = plain or value == "" or name in OWN_TEXTS
    return bool(IDENTIFIER.match(name)) and told and not SENSITIVE.search(name) and not NOT_COPIED.search(name)


def literal(value: str | float | bool) -> str:
    """A PHP literal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else quoted(value)


def quoted(text: str) -> str:
    """A single-quoted PHP string, in which only the backslash and the quote are special."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _salt(alphabet: Iterable[str] = string.ascii_letters + string.digits + "-_.+=%") -> str:
    letters = list(alphabet)
    return "".join(secrets.choice(letters) for _ in range(64))
