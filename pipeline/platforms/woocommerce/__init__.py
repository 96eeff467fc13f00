"""WooCommerce: WordPress, and what a shop on it adds.

Sources of the facts: WooCommerce 9.9.5 and 10.0.2 on WordPress 7.1.1, run; see ``docs/verified-woocommerce.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from pipeline.books import Books
from pipeline.config.inventory import Tables
from pipeline.errors import PalierError
from pipeline.platforms import wordpress
from pipeline.platforms.platform import Installed
from pipeline.platforms.woocommerce import books
from pipeline.platforms.woocommerce.tables import COLUMNS, KNOWN_TABLES, NOISE
from pipeline.platforms.wordpress import WordPress
from pipeline.remote.command import Command

PHP = files("pipeline.platforms.woocommerce") / "php"

UPLOADS = "/wp-content/uploads"
PRIVATE_UPLOADS = tuple(
    f"{UPLOADS}/{folder}/"
    for folder in ("wc-logs", "woocommerce_uploads", "wpcf7_uploads", "wpforms", "gravity_forms", "wc-exports")
)
"""Logs, exports, sold files and what customers sent through forms: among the media, and no pictures of the shop."""


@dataclass(frozen=True)
class WooCommerce(WordPress):
    """One WooCommerce environment."""

    name: str = "WooCommerce"
    not_code: tuple[str, ...] = (*wordpress.NOT_CODE, *PRIVATE_UPLOADS)
    known_tables: Tables = KNOWN_TABLES
    known_columns: Mapping[str, frozenset[str]] = field(default_factory=lambda: COLUMNS)
    noise: Mapping[str, str] = field(default_factory=lambda: NOISE)

    def version(self) -> Command:
        return self.wp("plugin", "get", "woocommerce", "--field=version")

    def modules(self) -> Command:
        """Unlike WP-CLI's own list, with what the database says: WooCommerce's schema has a version of its own."""
        return self.wp("eval-file", "-").fed((PHP / "modules.php").read_text())

    def read_modules(self, output: str) -> dict[str, Installed]:
        try:
            return {str(row["name"]): _installed(row) for row in json.loads(output)}
        except (ValueError, KeyError, TypeError):
            raise PalierError("The shop's list of plugins could not be read.", why=output.strip()[:300]) from None

    def books(self, prefix: str) -> tuple[Books, ...]:
        return books.books(prefix)

    def upgrade(self, modules: Mapping[str, Installed]) -> tuple[Command, ...]:
        """WordPress's own, then the schema's steps, then whatever both have scheduled, to its end.

        One process does it all: it knows by its own start what the update has scheduled, and leaves alone what
        customers had waiting.
        """
        loaded = (wordpress.PHP / "upgraded.php").read_text()
        settled = (PHP / "settle.php").read_text().removeprefix("<?php\n")
        words = tuple(module.file for module in modules.values())
        return (self.wp("eval-file", "-", *words, shop_code=True).fed(loaded + settled),)

    def disarm(self, prefix: str, old: str, new: str, mail_port: int) -> tuple[str, ...]:
        """Nobody may call staging with production's keys; it calls nobody, and does nothing that was planned."""
        return (
            *super().disarm(prefix, old, new, mail_port),
            f"DELETE FROM `{prefix}woocommerce_api_keys`",  # noqa: S608
            f"DELETE FROM `{prefix}wc_webhooks`",  # noqa: S608
            f"DELETE FROM `{prefix}actionscheduler_actions` WHERE status IN ('pending','in-progress')",  # noqa: S608
        )

    def rewrite_addresses(self, old: str, new: str) -> tuple[Command, ...]:
        """First the live keys of payments and other services: they lie in serialised options, where SQL cannot go."""
        return (self.wp("eval-file", "-").fed((PHP / "keys.php").read_text()), *super().rewrite_addresses(old, new))


def _installed(row: Mapping[str, object]) -> Installed:
    recorded = row["recorded"]
    return Installed(
        version=str(row["version"]),
        active=bool(row["active"]),
        file=str(row["file"]),
        recorded=None if recorded is None else str(recorded),
    )
