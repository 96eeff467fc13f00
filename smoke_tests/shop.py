"""What a run is told about the shop: from a file that only its owner can read, or from the command line."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, urlsplit

Mode = Literal["staging", "production", "production-order"]
MODES: tuple[Mode, ...] = get_args(Mode)
SECTIONS = ("cookie", "basic_auth", "database", "account")


@dataclass(frozen=True)
class AccessCookie:
    """The cookie that lets testers through the maintenance page."""

    name: str
    value: str = field(repr=False)
    domain: str


@dataclass(frozen=True)
class BasicAuth:
    """What stands in front of staging."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """A customer account that is there for tests."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Database:
    """Where the shop's tables can be read, as seen from this machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    prefix: str


@dataclass(frozen=True)
class Shop:
    """One shop as the journeys know it.

    In mode "production" they leave no trace: nothing is bought or sent. In mode "production-order" one order is placed,
    which whoever started the run removes again; nothing else is left.
    """

    base_url: str
    mode: Mode = "production"
    pages: str = "demo"
    selectors: Mapping[str, str] = field(default_factory=dict)
    search_term: str = "a"
    product_path: str | None = None
    category_path: str | None = None
    payment: str | None = None
    visitor: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    mobile: tuple[str, ...] = ()
    """Suites that are walked on a phone too."""
    customer_email: str = "palier-test@example.com"
    cookie: AccessCookie | None = None
    basic_auth: BasicAuth | None = None
    database: Database | None = None
    maildir: Path | None = None
    chromium: Path | None = None
    known_faults: tuple[str, ...] = ()
    """Parts of console errors and failed requests that this shop is known for: evidence, but not held against it."""

    @property
    def buys(self) -> bool:
        """Whether journeys may order."""
        return self.mode != "production"

    @property
    def keeps_traces(self) -> bool:
        """Whether what journeys send and register may stay."""
        return self.mode == "staging"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what is the shop's own and what is somebody else's."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not stay in a trace, in each form that a browser writes it in; longest first."""
        found: set[str] = set()
        if self.cookie is not None:
            found |= _forms(self.cookie.value)
        if self.basic_auth is not None:
            pair = f"{self.basic_auth.user}:{self.basic_auth.password}"
            found |= _forms(self.basic_auth.password) | {base64.b64encode(pair.encode()).decode()}
        if self.account is not None:
            found |= _forms(self.account.password)
        if self.database is not None:
            found |= _forms(self.database.password)
        return tuple(sorted((text for text in found if text), key=len, reverse=True))


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


def read_shop(path: Path) -> Shop:
    """The shop of a JSON file.

    :raises ValueError: with one sentence, if others than its owner can read it, or if a key is missing or unknown.
    """
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        message = f"{path} can be read by others than its owner and may hold secrets; run: chmod 600 {path}"
        raise ValueError(message)
    return shop_of(json.loads(path.read_text("utf-8")))


def shop_of(data: dict[str, Any]) -> Shop:
    """The shop of the file's content. :raises ValueError: if a key is missing or unknown."""
    kept = {key: value for key, value in data.items() if value is not None}
    try:
        for key, kind in zip(SECTIONS, (AccessCookie, BasicAuth, Database, Account), strict=True):
            if key in kept:
                kept[key] = kind(**kept[key])
        for key in ("maildir", "chromium"):
            if key in kept:
                kept[key] = Path(kept[key])
        for key in ("known_faults", "mobile"):
            kept[key] = tuple(kept.get(key, ()))
        shop = Shop(**kept)
    except TypeError as error:
        message = f"the shop file is wrong: {error}"
        raise ValueError(message) from None
    if shop.mode not in MODES:
        message = f"the shop file is wrong: mode is one of {', '.join(MODES)}, not {shop.mode!r}"
        raise ValueError(message)
    return shop
