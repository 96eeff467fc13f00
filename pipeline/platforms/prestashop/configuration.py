"""``app/config/parameters.php``: what production's says, and what staging's must say."""

from __future__ import annotations

import hashlib
import json
import re
import secrets

from pipeline.errors import PalierError
from pipeline.platforms.platform import Configuration
from pipeline.platforms.wordpress.configuration import address, literal, quoted
from pipeline.remote.command import Secret

DATABASE = ("database_host", "database_port", "database_name", "database_user", "database_password")
SENSITIVE = re.compile(r"key|secret|token|pass|salt|licen[cs]e|credential|dsn|mailer_", re.IGNORECASE)
"""Names of parameters whose values must stay on production."""

OWN_TEXTS = frozenset(
    (
        *("database_prefix", "database_engine", "locale", "ps_caching", "ps_creation_date", "mailer_transport"),
        *("env(database_engine)", "kernel.trusted_proxies"),
    )
)
"""Parameters of PrestaShop itself whose texts may be copied; a text of any other may be somebody's account."""

CONSTANTS = "palier.constants"
"""Where :attr:`Configuration.rest` holds what may be copied of the team's own ``config/defines_custom.inc.php``."""
_CONSTANT = re.compile(
    r"""(?:^|;|<\?php)[ \t]*(?:if\s*\(\s*!\s*defined\([^()\n]*\)\s*\)\s*\{?\s*)?"""
    r"""(?P<whole>define\(\s*['"](?P<name>\w+)['"]\s*,\s*(?P<value>true|false|-?[0-9]{1,6}|'[\w.-]{0,32}'|"[\w.-]{0,32}")"""
    r"""\s*\);)""",
    re.MULTILINE | re.IGNORECASE,
)
_SERVICES = re.compile("redis|memcache|host|server|user|account|login|url|dir|path|mail", re.IGNORECASE)


def read(output: str) -> Configuration:
    """Read what ``configuration.php`` printed.

    :raises PalierError: if it names no database.
    """
    try:
        said = json.loads(output)
        own = said["parameters"]
        host, port, socket = address(_host(own))
        kept = {
            name: value if _harmless(name, value) else ""
            for name, value in own.items()
            if name not in DATABASE and (value is None or isinstance(value, (str, int, float, bool)))
        }
        return Configuration(
            database=str(own["database_name"]),
            user=str(own["database_user"]),
            password=Secret(str(own["database_password"])),
            host=host,
            port=port,
            socket=socket,
            prefix=str(own["database_prefix"]),
            rest={
                **{name: "" if value is None else value for name, value in kept.items()},
                CONSTANTS: harmless_constants(str(said.get("constants", ""))),
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PalierError(
            "The shop's app/config/parameters.php could not be read.",
            why=f"It lacks or garbles {error}.",
            next_step="Look at that file on the host, and at production.root in the inventory.",
        ) from None


def _harmless(name: str, value: object) -> bool:
    told = value is None or isinstance(value, bool) or name in OWN_TEXTS
    return not SENSITIVE.search(name) and (told or (isinstance(value, (int, float)) and abs(value) < 1_000_000))


def harmless_constants(text: str) -> str:
    """Of a PHP file the constants that are switches and counts, and PrestaShop's own short texts; the rest stays."""
    bare = re.sub(r"/[*].*?[*]/", "", text, flags=re.DOTALL)
    kept = [
        found["whole"]
        for found in _CONSTANT.finditer(bare)
        if not SENSITIVE.search(found["name"])
        and not _SERVICES.search(found["name"])
        and (found["value"][0] not in "'\"" or found["name"].startswith("_PS_"))
    ]
    return "\n".join(("<?php", *kept)) if kept else ""


def _host(own: dict[str, object]) -> str:
    host, port = str(own["database_host"]), str(own.get("database_port") or "")
    return host if ":" in host or not port else f"{host}:{port}"


def compose(production: Configuration, own: Configuration) -> str:
    """Staging's ``parameters.php``: its own database and fresh keys; no shared cache server, no key of production.

    The text holds a password: it goes into a file of mode 0640 and nowhere else.
    """
    values: dict[str, str | int | float | bool] = {
        **{name: value for name, value in production.rest.items() if name != CONSTANTS},
        "database_host": f"{own.host}:{own.socket}" if own.socket else own.host,
        "database_port": "" if own.socket else str(own.port),
        "database_name": own.database,
        "database_user": own.user,
        "database_password": own.password.reveal(),
        "database_prefix": own.prefix,
        "secret": secrets.token_hex(32),
        "cookie_key": secrets.token_hex(32),
        "cookie_iv": secrets.token_hex(16),
        "new_cookie_key": _cookie_key(),
        "ps_cache_enable": False,
        "use_debug_toolbar": False,
        **({"mailer_transport": "null"} if "mailer_transport" in production.rest else {}),
    }
    return "\n".join(
        (
            "<?php",
            "// Written by Palier for the staging clone. The next clone writes it again.",
            "return array('parameters' => array(",
            *(f"    {quoted(name)} => {literal(value)}," for name, value in values.items()),
            "));",
            "",
        )
    )


def constants(production: Configuration, guard: str) -> str:
    """Staging's ``config/defines_custom.inc.php``: what keeps it harmless, then the team's own constants."""
    own = str(production.rest.get(CONSTANTS, "")).strip()
    return guard if not own else f"{guard}\n?>{own}\n"


def _cookie_key() -> str:
    """A key as the encryption library of PrestaShop's cookies writes it: header, 32 random bytes, their SHA-256."""
    body = bytes.fromhex("def00000") + secrets.token_bytes(32)
    return (body + hashlib.sha256(body).digest()).hex()
