"""The inventory: where one shop lives. References to secrets, never secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationInfo, model_validator

from pipeline.errors import ConfigError
from pipeline.remote.address import LOCAL, parse_address
from smoke_tests.visitors import VisitorAddresses

IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"


def _without_trailing_slash(url: HttpUrl) -> str:
    return str(url).rstrip("/")


Url = Annotated[HttpUrl, AfterValidator(_without_trailing_slash)]
"""An http(s) address, kept as text without its trailing slash."""


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    try:
        path = path.expanduser()
    except RuntimeError as problem:
        raise ValueError(str(problem)) from None
    folder: Path | None = (info.context or {}).get("folder")
    return path if folder is None else folder / path


LocalPath = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path on this machine; a relative one starts at the folder of the file that it is written in."""


def _reachable(text: str) -> str:
    if text != LOCAL:
        _jumpable(text)
    return text


def _jumpable(text: str) -> str:
    try:
        parse_address(text)
    except ConfigError as problem:
        # Without the text itself: somebody may have written a password into it.
        raise ValueError(f"is not the address of a host. {problem.next_step}") from None
    return text


class Model(BaseModel):
    """Every table of the YAML files: unknown keys are mistakes, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretReference(Model):
    """Where a secret is found: exactly one of an environment variable, a file of mode 0600, or a command."""

    env: str | None = Field(None, min_length=1, description="the environment variable that holds it")
    file: LocalPath | None = Field(None, description="a file that only its owner may read (mode 0600)")
    command: tuple[str, ...] | None = Field(
        None, min_length=1, description='a program that prints it, and its words: `["pass", "show", "shop/db"]`'
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(source is not None for source in (self.env, self.file, self.command)) != 1:
            raise ValueError("give exactly one of env, file and command")
        return self


class HostSpec(Model):
    """One host of an environment."""

    ssh: Annotated[str, AfterValidator(_reachable)] = Field(
        description="`user@host:port`, or `local` for this machine; ~/.ssh/config is not read"
    )
    identity: LocalPath | None = Field(
        None, description="the private key to log in with, and the only one; default: the agent's and those in ~/.ssh"
    )
    known_hosts: LocalPath | None = Field(
        None, description="the file that holds the host's key; default: ~/.ssh/known_hosts"
    )
    jump: Annotated[str, AfterValidator(_jumpable)] | None = Field(
        None, description="a jump host, `user@host:port`, reached with the same identity and known_hosts"
    )


class DatabaseSpec(Model):
    """The database, where the shop's own configuration should not be asked for it."""

    host: str = Field("127.0.0.1", description="the server's address, as the environment's first host sees it")
    port: int = Field(3306, ge=1, le=65535, description="the server's port")
    socket: str | None = Field(None, description="the server's Unix socket on that host, instead of address and port")
    name: str = Field(min_length=1, description="the schema that holds the shop's tables")
    user: str = Field(min_length=1, description="the account")
    password: SecretReference = Field(description="where the account's password is found")


class Deny(Model):
    """Who may see staging: basic authentication in front of it."""

    user: str = Field("palier", description="the name to log in with")
    password: SecretReference = Field(description="where the password is found")


class Environment(Model):
    """A URL, a host, a document root, a database."""

    url: Url = Field(description="the address that visitors type, http or https")
    hosts: tuple[HostSpec, ...] = Field(
        min_length=1, description="its host; several web nodes are not supported yet, and are refused"
    )
    root: str = Field(pattern=r"^/", description="the document root on the hosts")
    web_user: str | None = Field(None, description="the user that PHP runs as, when it is not the one who logs in")
    php: str = Field("php", description="the PHP program on the hosts")
    wp_cli: str = Field("wp", description="WP-CLI on the hosts: a program, or a .phar file")
    database: DatabaseSpec | None = Field(None, description="default: read from the shop's own configuration")
    php_error_log: str | None = Field(None, description="the log that PHP's errors go to, read as evidence")
    record: str | None = Field(
        None,
        description="where runs are recorded on the host, outside the document root; "
        "default ~/.palier/SHOP-production or -staging",
    )


class Production(Environment):
    """The shop that customers see; only read until a promotion."""

    layout: Literal["in-place", "releases"] = Field(
        "in-place",
        description="what `palier init` saw; either way modules are switched in the folder that `root` leads to",
    )


class Staging(Environment):
    """The clone that updates are tried on."""

    mail_port: int = Field(2525, ge=1, le=65535, description="a free port on the staging host for the mail trap")
    deny: Deny | None = Field(None, description="basic authentication in front of staging")


def _recognisable(address: str) -> str:
    VisitorAddresses(address)
    return address


Email = Annotated[str, AfterValidator(_recognisable)]
"""An address that test visitors can be made of, and recognised by."""

PersonalData = Literal["email", "name", "phone", "address", "text", "ip", "company", "secret", "setting", "keep"]
"""``setting``: a value that is a secret where the name beside it, or its own look, says so."""


class Tables(Model):
    """What the shop's own tables hold, added to what the platform knows.

    Names are without the table prefix; ``*`` stands for anything.
    """

    business: tuple[str, ...] = Field((), description="orders, customers, stock: never restored over")
    configuration: tuple[str, ...] = Field((), description="settings, which customers do not write")
    mixed: tuple[str, ...] = Field((), description="both; restored row by row")
    throwaway: tuple[str, ...] = Field((), description="sessions, caches, statistics: never copied, never restored")
    counters: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="table -> number columns that customers and updates both add to and take from, such as stock",
    )
    personal: dict[str, dict[str, PersonalData]] = Field(
        default_factory=dict, description="table → column → kind of personal data, masked in the clone"
    )


Suite = Literal["home", "category", "search", "product", "checkout", "contact", "login"]


class CustomerAccount(Model):
    """A customer account for the login journey.

    Of production: a clone masks its password, so on staging the journey registers an account instead.
    """

    email: Email = Field(description="the address to log in with")
    password: SecretReference = Field(description="where the password is found")


class VisitorData(Model):
    """What test visitors type into forms; their e-mail address is made of `customer_email`."""

    name: str | None = Field(None, min_length=3, description="first and last name; default: Palier Test")
    phone: str | None = Field(None, min_length=3, description="default: +33 1 00 00 00 00")
    address: str | None = Field(None, min_length=3, description="street and number; default: 1 rue du Palier")
    postcode: str | None = Field(None, min_length=2, description="default: 75001")
    city: str | None = Field(None, min_length=2, description="default: Paris")
    country: str | None = Field(
        None, min_length=2, description="as the shop's list of countries says it; default: France"
    )


class Journeys(Model):
    """What the smoke suites need to know of this shop."""

    pages: str = Field("demo", description="the page objects: the name of a module in smoke_tests/pages/")
    selectors: dict[str, str] = Field(
        default_factory=dict, description="selectors and paths that differ from the page objects'"
    )
    search_term: str = Field("a", description="a search that must find a product")
    product_path: str | None = Field(
        None, description="path of a product that can be bought; default: the first one found"
    )
    category_path: str | None = Field(
        None, description="path of a category that lists products; default: the first one that the shop leads to"
    )
    payment: str | None = Field(
        None, description="the payment method to choose, as the shop's form calls it; default: an offline one"
    )
    customer_email: Email = Field(
        "palier-test@example.com",
        description="the address that test orders are made with; each visitor adds a mark of his own to it, "
        "`palier-test+1a2b3c4d-1@example.com`, by which `palier smoke --clean` knows what is a test's",
    )
    visitor: VisitorData = Field(VisitorData(), description="what test visitors type into forms")
    account: CustomerAccount | None = Field(None, description="a customer account of production to log in with")
    mobile: tuple[Suite, ...] = Field((), description="suites that are walked on a phone's screen too")
    own_tests: LocalPath | None = Field(None, description="a folder of the team's own tests, run with ours")
    tables: dict[str, str] = Field(default_factory=dict, description="where the database assertions look; see docs")
    traces: dict[str, dict[str, Literal["order", "customer", "cart", "email"]]] = Field(
        default_factory=dict,
        description="the shop's own tables that test visitors leave rows in: table → column → whose number it holds",
    )


class ModuleHints(Model):
    """What cannot be found out about a module."""

    version_option: str | None = Field(None, description="the row of the options table that holds its data version")
    folder: str | None = Field(None, description="its folder among the modules; default: its name")


def _package_source(text: str, info: ValidationInfo) -> str:
    if text.startswith("https://"):
        return text
    if "://" in text:
        raise ValueError("must begin with https://, or be a folder, wordpress.org:SLUG or github:OWNER/REPOSITORY")
    known = PACKAGE_SOURCE.fullmatch(text)
    if known is None and text.startswith(("wordpress.org:", "github:")):
        raise ValueError("write wordpress.org:SLUG, wordpress.org:SLUG@VERSION, github:OWNER/REPOSITORY[@TAG][#ASSET]")
    return text if known else os.path.normpath(_beside_the_file(Path(text), info))


PackageSource = Annotated[str, AfterValidator(_package_source)]
"""Where packages come from: a folder of zips, an https address, wordpress.org by slug, a GitHub release."""

PACKAGE_SOURCE = re.compile(
    r"wordpress\.org:(?P<slug>[a-z0-9][a-z0-9-]{0,99})(?:@(?P<version>[0-9A-Za-z][0-9A-Za-z.+-]{0,63}))?"
    r"|github:(?P<repository>[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100})"
    r"(?:@(?P<tag>[0-9A-Za-z][0-9A-Za-z._+-]{0,99}))?(?:#(?P<asset>[A-Za-z0-9*?._+-]{1,120}))?"
)


def _advisory_place(text: str, info: ValidationInfo) -> str:
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        if not text.startswith(("https://", "ssh://", "file://")):
            raise ValueError("must begin with https://, ssh:// or file://, or be a path on this machine")
        return text
    return os.path.normpath(_beside_the_file(Path(text), info))


class AdvisorySource(Model):
    """Where known weaknesses are read: docs/advisories.md."""

    kind: Literal["friends-of-presta", "wordfence", "team"] = Field(description="who writes them, and in which form")
    at: Annotated[str, AfterValidator(_advisory_place)] | None = Field(
        None,
        description="a folder or git address (friends-of-presta), a file or https address (wordfence), "
        "a YAML file (team); default: the publisher's own address",
    )
    key: SecretReference | None = Field(None, description="where Wordfence's API key is found")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "team" and self.at is None:
            raise ValueError("the team's own advisories need the path of their file as at")
        return self


class Approvals(Model):
    """Who must have signed the release's manifest before it is promoted.

    In an inventory: the least that holds for every playbook of the shop, whatever is written on the shop's host.
    """

    required: int = Field(
        1,
        ge=0,
        le=9,
        description="how many people's signatures promote wants; 0 counts as 1 where the inventory names "
        "allowed_signers and does not say 0 itself",
    )
    four_eyes: bool = Field(
        True, description="whoever ran the update does not count; false: one person may run and approve alone"
    )
    roles: tuple[str, ...] = Field(
        (), description="only people of these roles count, which the inventory names as approvers; default: everybody"
    )


class Inventory(Model):
    """One shop."""

    shop: str = Field(pattern=IDENTIFIER, description="the shop's name; the file is called inventories/SHOP.yml")
    brand: str = Field("", description="the name on the maintenance page; default: the shop's")
    language: Literal["en", "fr"] = Field("en", description="the language of reports for approvers")
    contact: str = Field("", description="an address or a telephone number for the maintenance page")
    platform: Literal["wordpress", "woocommerce", "prestashop"] = Field(
        "wordpress", description="what the shop is built on"
    )
    production: Production = Field(description="the shop that customers see")
    staging: Staging = Field(description="the clone that updates are tried on")
    allowed_signers: LocalPath | None = Field(None, description="ssh allowed_signers file of those who may approve")
    approvers: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="role → the people of that role, by their names in allowed_signers"
    )
    approvals: Approvals | None = Field(
        None, description="the least that every playbook asks for; default: one signature if allowed_signers is given"
    )
    packages: tuple[PackageSource, ...] = Field(
        (),
        description="where newer packages are found: a folder of zips, `https://…`, `wordpress.org:SLUG[@VERSION]`, "
        "`github:OWNER/REPOSITORY[@TAG][#ASSET]`",
    )
    advisories: tuple[AdvisorySource, ...] = Field((), description="where known weaknesses of modules are read")
    minimum_release_age: int = Field(
        7, ge=0, le=365, description="days that a release must be old to be planned, unless it mends a known weakness"
    )
    tables: Tables = Field(Tables(), description="what the shop's own tables hold")
    journeys: Journeys = Field(Journeys(), description="what the smoke suites need to know")
    modules: dict[str, ModuleHints] = Field(
        default_factory=dict, description="module → what cannot be found out about it"
    )

    @property
    def least_approvals(self) -> Approvals:
        """What every release of this shop must have, whatever its own manifest asks for."""
        return self.approvals or Approvals(required=1 if self.allowed_signers else 0, four_eyes=False)

    @property
    def shown_brand(self) -> str:
        return self.brand or re.sub(r"[-_]+", " ", self.shop).title()
