"""Smoke runs on a shop's two sites: what the suites are told, and the ways to database and mail trap that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from pipeline.config.secrets import resolve
from pipeline.errors import PalierError
from pipeline.events import Emit, Note
from pipeline.evidence import phplog, smoke
from pipeline.evidence.phplog import Fault
from pipeline.evidence.smoke import AccessCookie, BasicAuth, CustomerAccount, Mode, ShopDatabase, SmokeSettings
from pipeline.evidence.verdicts import SmokeRun
from pipeline.platforms import maintenance
from pipeline.remote.command import Secret
from pipeline.steps import traces
from pipeline.steps.site import Shop, Site
from pipeline.steps.staging import gate_password, mail_trap

_T = TypeVar("_T")

LOGGED = 6
"""Entries of production's log that are told."""
FIRST_LOOK = 60
"""Seconds that a shop may take to compile itself."""


def on_staging(
    shop: Shop, suites: Sequence[str], folder: Path, *, budget: float, emit: Emit, again: bool = True
) -> SmokeRun:
    """Run the suites on staging, where they really buy: orders are looked up in the database, mail in the trap.

    :param again: whether what fails is tried once more before it is believed.
    """
    user, password = gate_password(shop)
    with mail_trap(shop, folder / "mail"), reachable(shop.staging) as database:
        settings = replace(
            _settings(shop, str(shop.staging.environment.url), "staging"),
            basic_auth=BasicAuth(user, password),
            database=database,
            maildir=folder / "mail",
        )
        look_once(settings)
        return smoke.run(settings, suites, folder, budget=budget, emit=emit, again=again)


def watched_on_staging(
    shop: Shop, suites: Sequence[str], folder: Path, *, budget: float, emit: Emit
) -> tuple[SmokeRun, tuple[Fault, ...]]:
    """Run the suites on staging, and read what PHP logged there meanwhile.

    Where the inventory names no log, or it cannot be read, nothing is known to have been logged; the latter is said.
    """
    since = _watching_log(shop.staging, emit)
    run = on_staging(shop, suites, folder, budget=budget, emit=emit)
    # A log may be both sites': customers' requests are no update's fault.
    faults = phplog.without_others(since(), shop.staging.root, shop.production.root)
    if faults:
        (folder / "php-errors.txt").write_text("".join(f"{fault}\n" for fault in faults), "utf-8", "replace")
    return run, faults


@contextmanager
def telling_log(site: Site, emit: Emit) -> Iterator[None]:
    """Tell what PHP logs on a site while the block runs. It is no reason to fail: customers' requests log there too."""
    since = _watching_log(site, emit)
    yield
    for fault in since()[:LOGGED]:
        emit(Note(f"PHP logged on {site.role} meanwhile: {fault}", "warning" if fault.fatal else "info"))


def _watching_log(site: Site, emit: Emit) -> Callable[[], tuple[Fault, ...]]:
    """What tells the entries since now of the site's log; none where the inventory names no log."""
    path, host = site.environment.php_error_log, site.host
    place = _read(site, emit, lambda: phplog.mark(host, path)) if path else None

    def since() -> tuple[Fault, ...]:
        return (_read(site, emit, lambda: phplog.since(host, place)) if place else None) or ()

    return since


def _read(site: Site, emit: Emit, reads: Callable[[], _T]) -> _T | None:
    try:
        return reads()
    except PalierError as problem:
        told = f"PHP's log {site.environment.php_error_log} on {site.role} cannot be read: {problem.what}"
        emit(Note(told, "warning"))
        return None


def look_once(settings: SmokeSettings) -> None:
    """Ask for the home page once, whatever it answers: its first visitor after a change waits for what is compiled.

    Without it the first journey would wait, which takes the shop's compiling for a page that does not answer.
    """
    gate, cookie = settings.basic_auth, settings.cookie
    with suppress(httpx.HTTPError):
        httpx.get(
            f"{settings.base_url}/",
            auth=(gate.user, gate.password.reveal()) if gate else None,
            cookies={cookie.name: cookie.value.reveal()} if cookie else None,
            timeout=FIRST_LOOK,
            follow_redirects=True,
        )


def production_settings(shop: Shop, token: Secret | None) -> SmokeSettings:
    """What the suites are told of production, where they leave no trace; ``token`` lets them behind the page."""
    url = str(shop.production.environment.url)
    cookie = AccessCookie(maintenance.COOKIE, token, urlsplit(url).hostname or "") if token else None
    told = shop.inventory.journeys.account
    account = CustomerAccount(told.email, resolve(told.password)) if told else None
    return replace(_settings(shop, url, "production"), cookie=cookie, account=account)


@contextmanager
def on_production(shop: Shop, token: Secret | None, *, orders: bool) -> Iterator[SmokeSettings]:
    """What the suites are told of production, and for as long as they run the ways that they need.

    :param orders: whether they place one order, looked up in the database: whoever runs them then uses
        :func:`removing_orders` around the run.
    """
    settings = production_settings(shop, token)
    if not orders:
        yield settings
        return
    with reachable(shop.production) as database:
        yield replace(settings, mode="production-order", database=database)


@contextmanager
def removing_orders(shop: Shop, *, orders: bool, emit: Emit) -> Iterator[None]:
    """Remove what test visitors left on production when the block ends, however it ends.

    What cannot be removed is said and stays: an order of a test's is no reason to take a promotion back.
    """
    try:
        yield
    finally:
        if orders:
            emit(_tidied(shop))


def _tidied(shop: Shop) -> Note:
    try:
        return Note(traces.remove(shop, shop.production).summary)
    except PalierError as problem:
        text = f"The test's order is still on production: {problem.what} {problem.why}"
        return Note(f"{text.strip()}\nRemove it: palier smoke {shop.name} --clean --environment production", "warning")


def _settings(shop: Shop, url: str, mode: Mode) -> SmokeSettings:
    """Without the account: it is production's, and a clone masks its password."""
    told = shop.inventory.journeys
    return SmokeSettings(
        base_url=url,
        mode=mode,
        pages=told.pages,
        selectors=told.selectors,
        search_term=told.search_term,
        product_path=told.product_path,
        category_path=told.category_path,
        payment=told.payment,
        visitor=told.visitor.model_dump(exclude_none=True),
        mobile=told.mobile,
        customer_email=told.customer_email,
        own_tests=told.own_tests,
    )


@contextmanager
def reachable(site: Site) -> Iterator[ShopDatabase]:
    """The site's database as a port of this machine, for as long as the suites run."""
    where = site.database.credentials
    way = site.host.forward_socket(where.socket) if where.socket else site.host.forward(where.host, where.port)
    with way as (address, port):
        yield ShopDatabase(address, port, where.user, where.password, where.name, site.prefix)
