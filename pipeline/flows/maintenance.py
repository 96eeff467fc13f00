"""Maintenance by hand: the same page as a promotion's, with a record of its own that can take it down again."""

from __future__ import annotations

import contextlib

from pipeline import engine, lock
from pipeline.errors import PalierError, Refused
from pipeline.events import Emit
from pipeline.platforms.maintenance import COOKIE
from pipeline.record import About, Record
from pipeline.remote.command import Secret
from pipeline.rollback import interrupts_remembered, roll_back
from pipeline.steps import maintenance, ways_back
from pipeline.steps.site import Shop

COOKIE_FILE = "testers-cookie"
HEARTBEAT = 20


def plan(shop: Shop) -> str:
    """What closing would do, and how it is taken back."""
    site = shop.production
    about = About("RUN", "maintenance", shop.name, "", "")
    record = Record(site.host, f"{site.record}/runs/RUN", about)
    return engine.plan([maintenance.put_up_the_page(shop, record, site.host, Secret(""), critical=False)])


def close(shop: Shop, *, by: str, emit: Emit) -> str:
    """Put up the page; returns the file on this machine that holds the testers' cookie.

    :raises Refused: if it is up already.
    """
    site = shop.production
    site.prepare_record()
    with lock.acquire(site.host, site.record, f"maintenance by {by}", shop=shop.name):
        if maintenance.is_closed(site):
            raise Refused(f"{shop.name} is closed already.", next_step=f"palier maintenance off {shop.name}")
        record = Record.create(site.host, site.record, "maintenance", shop.name, by)
        token = maintenance.new_token()
        kept = shop.house / COOKIE_FILE
        kept.touch(mode=0o600)
        kept.write_text(f"{COOKIE}={token.reveal()}\n")
        step = maintenance.put_up_the_page(shop, record, site.host, token, critical=False)
        engine.run([step], record, emit, heartbeat=HEARTBEAT)
        with interrupts_remembered():  # the page is up: from here on it must be on record, so that it can be taken down
            record.end("closed")
    return str(kept)


def reopen(shop: Shop, *, by: str, emit: Emit) -> None:
    """Take down the page that ``close`` put up.

    :raises Refused: if it is not up, or belongs to a promotion.
    :raises Hold: if it could not be taken down.
    """
    site = shop.production
    site.prepare_record()
    with lock.acquire(site.host, site.record, f"maintenance by {by}", shop=shop.name):
        closed = [
            run for run in Record.list(site.host, site.record) if run.flow == "maintenance" and run.outcome == "closed"
        ]
        if not closed:
            raise Refused(
                f"No page put up by hand is on record for {shop.name}.",
                next_step=f"If a promotion closed it, take that back: palier rollback {shop.name}",
            )
        record = Record.open(site.host, site.record, closed[-1].run)
        with interrupts_remembered():
            ways_back.demand_taken_back(shop, record, roll_back(record, emit))
        try:
            maintenance.verify_open(site, record)
        except PalierError as problem:
            problem.production = "The maintenance page was taken down, but the shop does not answer as before."
            raise
    with contextlib.suppress(FileNotFoundError):
        (shop.house / COOKIE_FILE).unlink()


def is_closed(shop: Shop) -> bool:
    """Whether strangers get the page."""
    return maintenance.is_closed(shop.production)
