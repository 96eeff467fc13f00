"""WordPress through WP-CLI: what such a shop can be told and asked.

Sources of the facts: WP-CLI 2.12 and WordPress 7.1, run; see the platform notes in ``docs/``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from pipeline.config.inventory import Environment, Tables
from pipeline.errors import PalierError
from pipeline.platforms.wordpress.configuration import Configuration, compose
from pipeline.remote.command import Command, Secret, command

PHP = files("pipeline.platforms.wordpress") / "php"

NOT_CODE = (
    "/wp-config.php",
    "/.htaccess",
    "/.htpasswd-palier",
    "/palier-maintenance.html",
    "/wp-content/uploads/",
    "/wp-content/cache/",
    "/wp-content/upgrade/",
    "/wp-content/upgrade-temp-backup/",
    "/wp-content/mu-plugins/palier-staging.php",
    "*.log",
)
"""What lies in the document root and is not code: secrets, media, caches, what Palier itself puts there. Patterns of rsync."""

NOT_COPIED = tuple(pattern for pattern in NOT_CODE if pattern != "/wp-content/uploads/")
"""What a clone leaves where it is; an excluded file of staging survives the copy."""


@dataclass(frozen=True)
class Installed:
    """A plugin as WP-CLI sees it: its version on disk, whether it is active, and its main file."""

    version: str
    active: bool
    file: str


KNOWN_TABLES = Tables(
    business=("users", "usermeta"),
    configuration=("links", "terms", "term_taxonomy", "termmeta", "term_relationships"),
    mixed=("options", "posts", "postmeta", "comments", "commentmeta"),
    personal={
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

NOISE: Mapping[str, str] = {
    "options": r"option_name LIKE '\_transient\_%' OR option_name LIKE '\_site\_transient\_%' OR option_name = 'cron'",
}
"""Rows that any request may rewrite: SQL predicates by table; they are no evidence of what an update did."""


@dataclass(frozen=True)
class WordPress:
    """One WordPress environment. Every method builds a command or reads what one said; none runs anything."""

    environment: Environment

    def wp(self, *words: str, shop_code: bool = False) -> Command:
        """A WP-CLI command. Unless ``shop_code``, neither plugins nor themes are loaded, so that a broken shop answers too."""
        program = (
            (self.environment.php, self.environment.wp_cli)
            if self.environment.wp_cli.endswith(".phar")
            else (self.environment.wp_cli,)
        )
        bare = () if shop_code else ("--skip-plugins", "--skip-themes")
        return command(
            *program, *words, f"--path={self.environment.root}", "--allow-root", "--no-color", *bare
        ).as_user(self.environment.web_user)

    def evaluate(self, php: str, *arguments: str) -> Command:
        """One of our PHP files, run with the shop fully loaded; arguments are its ``$args``."""
        return self.wp("eval-file", "-", *arguments, shop_code=True).fed((PHP / php).read_text())

    # Questions

    def core_version(self) -> Command:
        return self.wp("core", "version")

    def configuration(self) -> Command:
        """Prints ``wp-config.php``'s constants, the database password among them: read it, keep it nowhere."""
        return self.wp("config", "list", "--format=json")

    def modules(self) -> Command:
        return self.wp("plugin", "list", "--format=json", "--fields=name,version,status,file", "--skip-update-check")

    def read_modules(self, output: str) -> dict[str, Installed]:
        """Read :meth:`modules`. :raises PalierError: if it is not what WP-CLI writes."""
        try:
            return {
                str(row["name"]): Installed(
                    str(row["version"]), str(row["status"]).startswith("active"), str(row["file"])
                )
                for row in json.loads(output)
                if row["status"] not in ("must-use", "dropin")
            }
        except (ValueError, KeyError, TypeError):
            raise PalierError("WP-CLI's list of plugins could not be read.", why=output.strip()[:300]) from None

    def module_folder(self, name: str) -> str:
        return f"{self.environment.root}/wp-content/plugins/{name}"

    def version_query(self, option: str, prefix: str) -> tuple[str, tuple[str, ...]]:
        """The SQL (and its arguments) for a module's data version."""
        return f"SELECT option_value FROM `{prefix}options` WHERE option_name = %s", (option,)

    # Orders

    def upgrade(self, plugin_files: tuple[str, ...]) -> Command:
        """The platform's own upgrade, after the files were put in place: load everything, tell the plugins."""
        return self.evaluate("upgraded.php", *plugin_files)

    def clear_caches(self) -> Command:
        return self.wp("cache", "flush")

    def replace_addresses(self, old: str, new: str) -> tuple[Command, ...]:
        """Rewrite every address, in plain, JSON-escaped and protocol-less form; serialised values keep their lengths right."""
        pairs = [(old, new), (old.replace("/", "\\/"), new.replace("/", "\\/"))]
        bare_old, bare_new = (url.split(":", 1)[1] for url in (old, new))
        if old.split(":", 1)[0] != new.split(":", 1)[0] or "." in bare_old:
            pairs.append((bare_old, bare_new))
        return tuple(
            self.wp(
                "search-replace",
                *pair,
                "--all-tables-with-prefix",
                "--precise",
                "--skip-columns=guid",
                "--report-changed-only",
                "--format=count",
            )
            for pair in dict.fromkeys(pairs)
        )

    # Staging

    def staging_configuration(
        self,
        production: Configuration,
        *,
        database: str,
        user: str,
        password: Secret,
        host: str,
    ) -> str:
        """Staging's ``wp-config.php``; holds a password."""
        return compose(
            database=database,
            user=user,
            password=password,
            host=host,
            prefix=production.prefix,
            constants=production.constants,
            staging={
                "WP_ENVIRONMENT_TYPE": "staging",
                "DISABLE_WP_CRON": True,
                "AUTOMATIC_UPDATER_DISABLED": True,
                "WP_HOME": str(self.environment.url),
                "WP_SITEURL": str(self.environment.url),
                "PALIER_MAIL_PORT": getattr(self.environment, "mail_port", 0),
            },
        )

    def harmless_plugin(self) -> tuple[str, str]:
        """Path and text of the must-use plugin that keeps staging from harming anybody."""
        return f"{self.environment.root}/wp-content/mu-plugins/palier-staging.php", (PHP / "staging.php").read_text()

    def leak_test(self, address: str, url: str, subject: str) -> Command:
        return self.evaluate("leak.php", address, url, subject)
