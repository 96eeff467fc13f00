"""Smoke runs on a shop's two sites: what the suites are told, and the ways to database and mail trap that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pipeline.events import Emit
from pipeline.evidence import smoke
from pipeline.evidence.smoke import AccessCookie, BasicAuth, ShopDatabase, SmokeSettings
from pipeline.evidence.verdicts import SmokeRun
from pipeline.platforms import maintenance
from pipeline.remote.command import Secret
from pipeline.steps.site import Shop, Site
from pipeline.steps.staging import gate_password, mail_trap


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
        return smoke.run(settings, suites, folder, budget=budget, emit=emit, again=again)


def production_settings(shop: Shop, token: Secret | None) -> SmokeSettings:
    """What the suites are told of production, where they leave no trace; ``token`` lets them behind the page."""
    url = str(shop.production.environment.url)
    cookie = AccessCookie(maintenance.COOKIE, token, urlsplit(url).hostname or "") if token else None
    return replace(_settings(shop, url, "production"), cookie=cookie)


def _settings(shop: Shop, url: str, mode: Literal["staging", "production"]) -> SmokeSettings:
    told = shop.inventory.journeys
    return SmokeSettings(
        base_url=url,
        mode=mode,
        pages=told.pages,
        selectors=told.selectors,
        search_term=told.search_term,
        product_path=told.product_path,
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
