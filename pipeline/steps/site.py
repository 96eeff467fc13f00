"""A shop and its two sites, opened: host, platform and database of each. What every flow is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NoReturn, cast

from pipeline.config.inventory import Environment, Inventory
from pipeline.config.secrets import resolve
from pipeline.database.classes import Classes
from pipeline.database.connection import Credentials, Database
from pipeline.errors import PalierError
from pipeline.platforms import platform_of
from pipeline.platforms.platform import Configuration, Installed, Platform
from pipeline.remote.command import command
from pipeline.remote.connect import connect
from pipeline.remote.host import Host

Role = Literal["production", "staging"]


@dataclass(frozen=True)
class Site:
    """One environment of a shop, reached. ``record`` is the folder on its host that runs are recorded in."""

    role: Role
    shop: str
    environment: Environment
    host: Host
    platform: Platform
    record: str

    @property
    def root(self) -> str:
        return self.environment.root

    @property
    def client_file(self) -> str:
        return f"{self.record}/client.cnf"

    @cached_property
    def configuration(self) -> Configuration:
        """What the shop's own configuration says. :raises PalierError: if there is none, or it cannot be read."""
        return self.platform.read_configuration(self.host.run(self.platform.configuration(), timeout=60).stdout)

    def modules(self, host: Host | None = None) -> dict[str, Installed]:
        """What is installed now, by name.

        :param host: another view of the site's host, such as a supervised one.
        """
        return self.platform.read_modules((host or self.host).run(self.platform.modules(), timeout=120).stdout)

    @cached_property
    def prefix(self) -> str:
        return self.configuration.prefix

    @cached_property
    def database(self) -> Database:
        """The shop's schema: from the inventory if it says so, else from the shop's own configuration."""
        spec = self.environment.database
        if spec is None:
            own = self.configuration
            credentials = Credentials(own.database, own.user, own.password, own.host, own.port, own.socket)
        else:
            credentials = Credentials(spec.name, spec.user, resolve(spec.password), spec.host, spec.port, spec.socket)
        return Database(self.host, credentials, self.client_file)

    def prepare_record(self) -> None:
        """Make the record's folder, private to its owner, and the database client's file in it.

        :raises PalierError: if the folder would lie inside the document root.
        """
        if f"{self.record}/".startswith(f"{self.root.rstrip('/')}/"):
            raise PalierError(
                f"The record {self.record} lies inside the document root of {self.role}.",
                next_step=f"Give {self.role}.record in the inventory a folder that the web server does not serve.",
            )
        self.host.run(command("mkdir", "-p", "-m", "700", self.record, f"{self.record}/runs"))
        self.database.place_client_file()


@dataclass(frozen=True)
class Shop:
    """One shop, its inventory, its folder on this machine, and its sites."""

    inventory: Inventory
    house: Path
    """``.palier/SHOP`` on this machine: ledger, packages, evidence."""
    production: Site
    staging: Site

    @property
    def name(self) -> str:
        return self.inventory.shop

    @cached_property
    def classes(self) -> Classes:
        """The classes of the shop's tables: what the platform knows, and what the inventory adds."""
        site, platform = self.production, self.production.platform
        return Classes.of(site.prefix, platform.known_tables, self.inventory.tables, columns=platform.known_columns)

    @property
    def hosts(self) -> tuple[Host, ...]:
        return (self.production.host, self.staging.host)


class OutOfReach:
    """Staging's host while it does not answer: whoever asks it anything is told why."""

    def __init__(self, name: str, problem: PalierError) -> None:
        self.name = name
        self._problem = problem

    def __getattr__(self, name: str) -> NoReturn:
        raise self._problem


@contextmanager
def opened(inventory: Inventory, home: Path, *, staging_may_be_away: bool = False) -> Iterator[Shop]:
    """Connect to both sites of a shop, and hang up at the end.

    :param home: the folder ``.palier`` of this project on this machine.
    :param staging_may_be_away: for what is done on production alone: its way back must not depend on another host.
    :raises PalierError: if a host cannot be reached, or its key is not the expected one.
    """
    house = home / inventory.shop
    house.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        production = _site("production", inventory, stack)
        try:
            staging = _site("staging", inventory, stack)
        except PalierError as problem:
            if not staging_may_be_away:
                raise
            away, told = cast("Host", OutOfReach("staging", problem)), inventory.staging
            platform = platform_of(inventory.platform, told, inventory.journeys.payment or "")
            staging = Site("staging", inventory.shop, told, away, platform, told.record or "")
        yield Shop(inventory, house, production, staging)


@contextmanager
def opened_site(role: Role, inventory: Inventory) -> Iterator[Site]:
    """Connect to one site alone: production can be asked before there is a staging. Raises as :func:`opened`."""
    with ExitStack() as stack:
        yield _site(role, inventory, stack)


def _site(role: Role, inventory: Inventory, stack: ExitStack) -> Site:
    environment: Environment = getattr(inventory, role)
    host = connect(environment.hosts[0], role)
    stack.callback(host.close)
    record = host.expand(environment.record or f"~/.palier/{inventory.shop}-{role}")
    platform = platform_of(inventory.platform, environment, inventory.journeys.payment or "")
    return Site(role, inventory.shop, environment, host, platform, record)
