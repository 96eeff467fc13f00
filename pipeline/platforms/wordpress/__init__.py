"""WordPress through WP-CLI: what such a shop can be told and asked.

Sources of the facts: WP-CLI 2.12 and WordPress 7.1, run; see the platform notes in ``docs/``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from pipeline.books import Books
from pipeline.config.inventory import Environment, Tables
from pipeline.errors import PalierError
from pipeline.platforms import columns, leftovers
from pipeline.platforms.platform import Configuration, File, Installed
from pipeline.platforms.wordpress import configuration
from pipeline.remote.command import Command, command

PHP = files("pipeline.platforms.wordpress") / "php"

MEDIA = ("/wp-content/uploads/",)


def _in_any_case(ending: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in ending)


DOCUMENTS = tuple(
    f"/wp-content/uploads/**.{_in_any_case(ending)}"
    for ending in (
        *("csv", "tsv", "txt", "log", "json", "xml", "sql", "db", "sqlite", "bak", "eml", "mbox", "vcf", "ics"),
        *("pdf", "doc", "docx", "odt", "rtf", "xls", "xlsx", "ods", "zip", "gz", "tgz", "bz2", "7z", "rar", "tar"),
    )
)
"""Among the media, and no pictures: exports, backups, invoices, letters of customers. A clone does without them."""

DROP_INS = tuple(f"/wp-content/{name}" for name in ("object-cache.php", "advanced-cache.php", "db.php", "w3tc-config/"))
"""What binds a shop to caches and databases of its own: staging with production's would write into them."""

UPLOADS = "/wp-content/uploads/"
LEFTOVERS = (
    *leftovers.DUMPS,
    *leftovers.documents("/wp-content/"),
    *leftovers.folders("/wp-content/"),
    *leftovers.folders(UPLOADS),
    *("/wp-content/updraft/", "/wp-content/wpvivid*/", "/wp-content/managewp/", "/db-config.php"),
    *(f"{UPLOADS}{folder}/" for folder in ("wc-logs", "updraft", "wpvivid*", "wp-migrate-db", "wp-clone")),
    *(
        f"/wp-config{more}"
        for more in (".php.*", ".php_*", ".php-*", ".old*", ".bak*", ".txt", "-old*", "-backup*", "_*")
    ),
)
"""Backups, dumps, exports, logs, and other copies of the configuration."""

NOT_CODE = (
    *LEFTOVERS,
    *leftovers.OF_THE_HOST,
    *DROP_INS,
    "/wp-config.php",
    "/.htaccess",
    "/.htpasswd-palier",
    "/palier-maintenance.html",
    *MEDIA,
    *DOCUMENTS,
    "/wp-content/cache/",
    "/wp-content/upgrade/",
    "/wp-content/upgrade-temp-backup/",
    "/wp-content/mu-plugins/palier-staging.php",
    "*.log",
)
"""What lies in the document root and is not code: secrets, media, caches, what Palier itself puts there."""

OFFLINE_PAYMENTS = ("bacs", "cheque", "cod")
"""WooCommerce's own payment methods that ask nobody outside; the only ones that a clone offers by itself."""

KNOWN_TABLES = Tables(
    business=("users", "usermeta"),
    configuration=("links", "terms", "term_taxonomy", "termmeta", "term_relationships"),
    mixed=("options", "posts", "postmeta", "comments", "commentmeta"),
    personal={
        "options": {"option_value": "setting"},
        "users": {
            "user_login": "name",
            "user_pass": "secret",
            "user_nicename": "name",
            "user_email": "email",
            "user_url": "text",
            "user_activation_key": "secret",
            "display_name": "name",
        },
        "comments": {
            "comment_author": "name",
            "comment_author_email": "email",
            "comment_author_url": "text",
            "comment_author_IP": "ip",
            "comment_agent": "text",
        },
    },
)
"""The tables of WordPress itself, by class, without the prefix, and their personal columns."""

COLUMNS = columns.read("pipeline.platforms.wordpress")

NOISE: Mapping[str, str] = {
    "options": r"option_name LIKE '\_transient\_%' OR option_name LIKE '\_site\_transient\_%' OR option_name = 'cron'",
}
"""Rows that any request may rewrite: SQL predicates by table; they are no evidence of what an update did."""


@dataclass(frozen=True)
class WordPress:
    """One WordPress environment. Every method builds a command or reads what one said; none runs anything."""

    environment: Environment
    name: str = "WordPress"
    modules_path: str = "wp-content/plugins"
    not_code: tuple[str, ...] = NOT_CODE
    media: tuple[str, ...] = MEDIA
    never_on_staging: tuple[str, ...] = (*LEFTOVERS, *DROP_INS)
    known_tables: Tables = KNOWN_TABLES
    known_columns: Mapping[str, frozenset[str]] = field(default_factory=lambda: COLUMNS)
    noise: Mapping[str, str] = field(default_factory=lambda: NOISE)
    made_by_code: tuple[str, ...] = ()
    own_files: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ("guid",)
    payment: str = ""
    """A payment method that stays on on staging besides the offline ones: the one that the journeys choose."""

    def wp(self, *words: str, shop_code: bool = False) -> Command:
        """A WP-CLI command.

        Unless ``shop_code``, neither plugins nor themes are loaded, so that a broken shop answers too.
        """
        cli = self.environment.wp_cli
        program = (self.environment.php, cli) if cli.endswith(".phar") else (cli,)
        bare = () if shop_code else ("--skip-plugins", "--skip-themes")
        always = (f"--path={self.environment.root}", "--allow-root", "--no-color")
        return command(*program, *words, *always, *bare).as_user(self.environment.web_user)

    def evaluate(self, php: str, *arguments: str) -> Command:
        """One of our PHP files, run with the shop fully loaded; arguments are its ``$args``."""
        return self.wp("eval-file", "-", *arguments, shop_code=True).fed((PHP / php).read_text())

    # Questions

    def version(self) -> Command:
        return self.wp("core", "version")

    def configuration(self) -> Command:
        return self.wp("config", "list", "--format=json")

    def read_configuration(self, output: str) -> Configuration:
        return configuration.read(output)

    def modules(self) -> Command:
        fields = "--fields=name,version,status,file"
        return self.wp("plugin", "list", "--format=json", fields, "--skip-update-check")

    def read_modules(self, output: str) -> dict[str, Installed]:
        try:
            return {
                str(row["name"]): Installed(
                    str(row["version"]), str(row["status"]).startswith("active"), str(row["file"])
                )
                for row in json.loads(output)
                if row["status"] not in {"must-use", "dropin"}
            }
        except (ValueError, KeyError, TypeError):
            raise PalierError("WP-CLI's list of plugins could not be read.", why=output.strip()[:300]) from None

    def data_version(self, option: str, prefix: str) -> tuple[str, tuple[str, ...]]:
        return f"SELECT option_value FROM `{prefix}options` WHERE option_name = %s", (option,)  # noqa: S608

    def books(self, prefix: str) -> tuple[Books, ...]:  # noqa: ARG002
        """WordPress itself sells nothing."""
        return ()

    # Orders

    def upgrade(self, modules: Mapping[str, Installed]) -> tuple[Command, ...]:
        """Load everything, which is when plugins migrate, and tell the plugins that wait for it."""
        return (self.evaluate("upgraded.php", *(module.file for module in modules.values())),)

    def clear_caches(self) -> tuple[Command, ...]:
        return (self.wp("cache", "flush"),)

    def forget_fragment(self) -> str:
        """WordPress keeps nothing of its code outside of it."""
        return ""

    # Staging

    def staging_files(self, production: Configuration, own: Configuration, mail_port: int) -> tuple[File, ...]:
        url = str(self.environment.url)
        constants: dict[str, str | int | bool] = {
            "WP_ENVIRONMENT_TYPE": "staging",
            "DISABLE_WP_CRON": True,
            "AUTOMATIC_UPDATER_DISABLED": True,
            "WP_HTTP_BLOCK_EXTERNAL": True,
            "WP_CACHE": False,
            "WP_REDIS_DISABLED": True,
            "WP_CACHE_KEY_SALT": secrets.token_hex(16),
            "PALIER_PAYMENTS": ",".join((*OFFLINE_PAYMENTS, *((self.payment,) if self.payment else ()))),
            "WP_HOME": url,
            "WP_SITEURL": url,
            "PALIER_MAIL_PORT": mail_port,
        }
        return (
            File("wp-config.php", configuration.compose(production, own, constants), 0o640),
            File("wp-content/mu-plugins/palier-staging.php", (PHP / "staging.php").read_text()),
        )

    def rewrite_addresses(self, old: str, new: str) -> tuple[Command, ...]:
        """Plain, JSON-escaped and protocol-less; serialised values keep their lengths right."""
        pairs = [(old, new), (old.replace("/", "\\/"), new.replace("/", "\\/"))]
        bare_old, bare_new = (url.split(":", 1)[1] for url in (old, new))
        if old.split(":", 1)[0] != new.split(":", 1)[0] or "." in bare_old:
            pairs.append((bare_old, bare_new))
        options = ("--all-tables-with-prefix", "--precise", "--skip-columns=guid", "--report-changed-only")
        return tuple(self.wp("search-replace", *pair, *options, "--format=count") for pair in dict.fromkeys(pairs))

    def disarm(self, prefix: str, old: str, new: str, mail_port: int) -> tuple[str, ...]:  # noqa: ARG002
        """What WordPress may forget at any time has arrived empty; the must-use plugin does the rest."""
        passing = r"option_name LIKE '\_transient\_%' OR option_name LIKE '\_site\_transient\_%'"
        return (f"DELETE FROM `{prefix}options` WHERE {passing}",)  # noqa: S608

    def leak_test(self, address: str, url: str, subject: str) -> Command:
        return self.evaluate("leak.php", address, url, subject)
