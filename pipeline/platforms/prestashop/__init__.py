"""PrestaShop 1.7 and 8: what such a shop can be told and asked.

Questions are answered by PHP of ours that reads ``parameters.php`` and the tables and never boots the shop, so that a
shop that a module has broken answers too. Sources of the facts: PrestaShop 8.2.1, run; see ``docs/``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from pipeline.books import Books
from pipeline.config.inventory import Environment, Tables
from pipeline.errors import PalierError
from pipeline.platforms import leftovers
from pipeline.platforms.platform import Configuration, File, Installed
from pipeline.platforms.prestashop import books, configuration, disarm, tables
from pipeline.remote.command import Command, command, script

PHP = files("pipeline.platforms.prestashop") / "php"

LEFTOVERS = (
    *leftovers.DUMPS,
    *(pattern for folder in ("backups", "export", "import") for pattern in leftovers.documents(f"/*/{folder}/")),
    *(f"/*/autoupgrade/{folder}/" for folder in ("backup", "download", "latest", "tmp")),
    *(
        "/config/settings.inc.php",
        "/config/settings.old.php",
        "/app/config/parameters.php.*",
        "/app/config/parameters.php_*",
        "/app/config/parameters.old*",
    ),
)
"""Backups, dumps and exports (the office's folder has a name of its own in each shop), and older configurations."""

NOT_CODE = (
    *LEFTOVERS,
    *leftovers.OF_THE_HOST,
    "/app/config/parameters.php",
    "/app/config/parameters.yml",
    "/config/defines_custom.inc.php",
    "/.htaccess",
    "/.htpasswd-palier",
    "/palier-maintenance.html",
    "/robots.txt",
    "/*_sitemap.xml",
    "/var/cache/",
    "/var/logs/",
    "/var/sessions/",
    "/cache/smarty/",
    "/cache/cachefs/",
    "/cache/purifier/",
    "/cache/push/",
    "/cache/sandbox/",
    "/cache/tcpdf/",
    "/config/xml/",
    "/config/themes/",
    "/img/",
    "/upload/",
    "/download/",
    "/themes/*/cache/",
    "/themes/*/assets/cache/",
    "/modules/*/config.xml",
    "/modules/*/config_*.xml",
    "*.log",
)
"""Secrets, media, caches, and what PrestaShop writes for itself: above all each module's ``config.xml``."""

MEDIA = ("/img/", "/config/themes/", "/cache/smarty/", "/modules/*/config.xml", "/modules/*/config_*.xml")
"""``/upload/`` and ``/download/`` are not among them: they hold what customers sent, and what was sold to them."""

OWN_FILES = (
    *("config.xml", "config_*.xml", "img/*", "images/*", "views/img/*", "upload/*", "uploads/*", "download/*"),
    *("downloads/*", "files/*", "export/*", "import/*", "mails/*", "translations/*", "translations/*.php"),
)
"""PrestaShop's own update unpacks over the old folder, so modules count on finding there what was put into it."""

CLEAR = """\
cd "$1"
for folder in var/cache/*/; do
    [ -d "$folder" ] || continue
    aside="var/palier-cache-$$-$(basename "$folder")"
    mv "$folder" "$aside" || [ ! -d "$folder" ]
    rm -rf "$aside"
done
"""
"""Shell that empties the cache of every environment. Each folder is set aside first: visitors write into it."""


@dataclass(frozen=True)
class PrestaShop:
    """One PrestaShop environment. Every method builds a command or reads what one said; none runs anything."""

    environment: Environment
    name: str = "PrestaShop"
    modules_path: str = "modules"
    not_code: tuple[str, ...] = NOT_CODE
    media: tuple[str, ...] = MEDIA
    never_on_staging: tuple[str, ...] = LEFTOVERS
    known_tables: Tables = tables.KNOWN
    known_columns: Mapping[str, frozenset[str]] = field(default_factory=lambda: tables.COLUMNS)
    noise: Mapping[str, str] = field(default_factory=lambda: tables.NOISE)
    made_by_code: tuple[str, ...] = tables.MADE_BY_CODE
    own_files: tuple[str, ...] = OWN_FILES
    identifiers: tuple[str, ...] = ()
    payment: str = ""
    """A payment module that stays on on staging besides the offline ones: the one that the journeys choose."""

    def php(self, *scripts: str, arguments: tuple[str, ...] = ()) -> Command:
        """Our PHP files, one after the other, with the document root as first argument."""
        text = "".join(
            (PHP / name).read_text().replace("<?php", "" if at else "<?php", 1) for at, name in enumerate(scripts)
        )
        words = (self.environment.php, "-d", "display_errors=stderr", "--", self.environment.root, *arguments)
        return command(*words).as_user(self.environment.web_user).fed(text)

    # Questions

    def version(self) -> Command:
        return self.php("version.php")

    def configuration(self) -> Command:
        return self.php("configuration.php")

    def read_configuration(self, output: str) -> Configuration:
        return configuration.read(output)

    def modules(self) -> Command:
        return self.php("database.php", "modules.php")

    def read_modules(self, output: str) -> dict[str, Installed]:
        try:
            return {
                str(name): Installed(str(row["version"]), bool(row["active"]), str(name), str(row["recorded"]))
                for name, row in dict(json.loads(output) or {}).items()
            }
        except (ValueError, KeyError, TypeError):
            raise PalierError("The shop's list of modules could not be read.", why=output.strip()[:300]) from None

    def data_version(self, option: str, prefix: str) -> tuple[str, tuple[str, ...]]:
        return f"SELECT value FROM `{prefix}configuration` WHERE name = %s LIMIT 1", (option,)  # noqa: S608

    def books(self, prefix: str) -> tuple[Books, ...]:
        return books.books(prefix)

    # Orders

    def upgrade(self, modules: Mapping[str, Installed]) -> tuple[Command, ...]:
        """Each in a process of its own, as it was tried, on a cache that knows the new code of all.

        In one process together, migrations that succeed alone have failed: what PrestaShop remembers of one module
        stands in the next one's way.
        """
        return (*self.clear_caches(), *(self.php("upgrade.php", arguments=(name,)) for name in modules))

    def clear_caches(self) -> tuple[Command, ...]:
        return (script(CLEAR, self.environment.root).as_user(self.environment.web_user),)

    def forget_fragment(self) -> str:
        """The compiled container names the services of every module: over other code it kills every page."""
        return "".join(each.shell() + "\n" for each in self.clear_caches())

    # Staging

    def staging_files(self, production: Configuration, own: Configuration, mail_port: int) -> tuple[File, ...]:  # noqa: ARG002
        """Where mail goes is among the clone's settings: see :meth:`disarm`."""
        guard = (PHP / "staging.php").read_text()
        return (
            File("app/config/parameters.php", configuration.compose(production, own), 0o640),
            File("config/defines_custom.inc.php", configuration.constants(production, guard), 0o640),
        )

    def rewrite_addresses(self, old: str, new: str) -> tuple[Command, ...]:
        """In every text, serialised values included; then PrestaShop writes its ``.htaccess``."""
        clear = script(CLEAR + "echo 0", self.environment.root).as_user(self.environment.web_user)
        return (clear, self.php("database.php", "replaced.php", "addresses.php", arguments=(old, new)))

    def disarm(self, prefix: str, old: str, new: str, mail_port: int) -> tuple[str, ...]:
        return tuple(disarm.statements(prefix, old, new, mail_port, self.payment))

    def leak_test(self, address: str, url: str, subject: str) -> Command:
        return self.php("leak.php", arguments=(address, url, subject))
