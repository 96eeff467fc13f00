"""What the flows ask of a platform: pure builders of commands and SQL, and readers of what commands say.

A platform runs nothing. Whatever it builds is printed by ``--plan``, tested as text, and run by ``remote/``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.books import Books
from pipeline.config.inventory import Environment, Tables
from pipeline.remote.command import Command, Secret


@dataclass(frozen=True)
class Configuration:
    """What a shop's own configuration says: where its database is, the table prefix, and the rest as it stands."""

    database: str
    user: str
    password: Secret
    host: str
    port: int
    socket: str | None
    prefix: str
    rest: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Installed:
    """A module as its shop sees it.

    :param version: what its files declare.
    :param recorded: what the shop's database says, where the platform keeps that; ``None`` where it does not.
    :param file: what the platform's own commands call it, where that is not its name.
    """

    version: str
    active: bool
    file: str = ""
    recorded: str | None = None


@dataclass(frozen=True)
class File:
    """A file that staging must have, relative to the document root. ``text`` may hold a password."""

    path: str
    text: str = field(repr=False)
    mode: int = 0o644


class Platform(Protocol):
    """One environment of a shop on one platform."""

    @property
    def name(self) -> str:
        """As people read it: ``WordPress``."""

    @property
    def environment(self) -> Environment: ...

    @property
    def modules_path(self) -> str:
        """Where modules lie, relative to the document root."""

    @property
    def not_code(self) -> tuple[str, ...]:
        """What lies in the document root and is not code: secrets, media, caches. Patterns of rsync."""

    @property
    def media(self) -> tuple[str, ...]:
        """Those of :attr:`not_code` that a clone copies all the same: staging needs the pictures."""

    @property
    def never_on_staging(self) -> tuple[str, ...]:
        """Those of :attr:`not_code` that a clone removes from staging, too, where an earlier one may have left them."""

    @property
    def known_tables(self) -> Tables:
        """The platform's own tables by class, without the prefix, their personal columns, their counters."""

    @property
    def known_columns(self) -> Mapping[str, frozenset[str]]:
        """The columns of the platform's own tables, in lower case: any other came with a module."""

    @property
    def noise(self) -> Mapping[str, str]:
        """Rows that any request may rewrite: SQL predicates by table, without the prefix."""

    @property
    def made_by_code(self) -> tuple[str, ...]:
        """Tables that the shop's pages fill from other tables, without the prefix: emptied whenever the code changes.

        They are among the throw-away ones too, so they are neither compared nor put back.
        """

    @property
    def own_files(self) -> tuple[str, ...]:
        """What a module's folder holds besides its package and keeps through an update: the merchant's pictures.

        Patterns of :class:`~pipeline.code.tree.Exclusion` below the module's folder. Programs (``*.php``) are kept only
        where the pattern itself ends so.
        """

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Columns that look like addresses and are identifiers: they may keep production's."""

    # Questions

    def version(self) -> Command: ...

    def configuration(self) -> Command:
        """Prints the shop's own configuration, the database password among it: read it, keep it nowhere."""

    def read_configuration(self, output: str) -> Configuration:
        """Read :meth:`configuration`. :raises PalierError: if it cannot be."""

    def modules(self) -> Command: ...

    def read_modules(self, output: str) -> dict[str, Installed]:
        """Read :meth:`modules`. :raises PalierError: if it cannot be."""

    def data_version(self, option: str, prefix: str) -> tuple[str, tuple[str, ...]]:
        """The SQL (and its arguments) for the data version that a module keeps under ``option``."""

    def books(self, prefix: str) -> tuple[Books, ...]:
        """Where a shop on this platform may keep its orders and its stock, best first; the shop keeps one of them."""

    # Orders

    def upgrade(self, modules: Mapping[str, Installed]) -> tuple[Command, ...]:
        """The platform's own upgrade of these modules, after their files were put in place."""

    def clear_caches(self) -> tuple[Command, ...]:
        """Every cache of every environment, on the host; PHP's own in the web server is cleared by a request."""

    def forget_fragment(self) -> str:
        """Plain shell for the way back: empties what the shop's caches keep of its code, without PHP; may be empty."""

    # Staging

    def staging_files(self, production: Configuration, own: Configuration, mail_port: int) -> tuple[File, ...]:
        """Staging's own configuration, and what keeps it from harming anybody; there before any data of production."""

    def rewrite_addresses(self, old: str, new: str) -> tuple[Command, ...]:
        """Each prints, as its last word, how many values it changed."""

    def disarm(self, prefix: str, old: str, new: str, mail_port: int) -> tuple[str, ...]:
        """SQL for staging once its tables have arrived: keys, webhooks, scheduled work, live payments."""

    def leak_test(self, address: str, url: str, subject: str) -> Command:
        """Tries every way out that a module has, and prints what came of it, as JSON.

        ``mail``: whether the platform took a mail to ``address``; ``sendmail``: the program that PHP's mail() would
        use, empty if it is none; ``http``: "refused" or "sent"; ``cron``: "off" or "on"; ``indexed``: bool;
        ``environment``: "staging"; ``url``: the shop's own address; ``cache``: "shared" if it has an object cache
        outside of its own tables. Raw sockets, SOAP and programs that a module starts cannot be stopped by PHP.
        """


def module_folder(platform: Platform, module: str) -> str:
    """Where a module's files lie on the host."""
    return f"{platform.environment.root}/{platform.modules_path}/{module}"


def copied(platform: Platform) -> Sequence[str]:
    """What a clone leaves where it is: an excluded file of staging survives the copy."""
    return [pattern for pattern in platform.not_code if pattern not in platform.media]
