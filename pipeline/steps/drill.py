"""A drill's own steps: staging plays production, and what the rollback left is compared with what it should be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx

from pipeline.database import checkpoint, footprint, keeping, rows, synthetic
from pipeline.database.schema import read as read_schema
from pipeline.engine import Act, Step
from pipeline.platforms.maintenance import COOKIE, MARK
from pipeline.record import Record
from pipeline.remote.command import Secret
from pipeline.remote.host import Host
from pipeline.steps import maintenance, tables
from pipeline.steps.golden import Golden, ignored, push_code
from pipeline.steps.maintenance import NotAsExpected
from pipeline.steps.site import Shop
from pipeline.steps.staging import gate_password

AFTER = "drill"
"""The checkpoint of what the rollback left, of tables in which some rows are noise."""
MARGIN = 2.0
"""What is promised is so many times what was measured: production has customers."""
STEP = 5


def rehearsal(shop: Shop) -> Shop:
    """The shop with staging in production's place. Its record is a folder of staging's record."""
    stage = replace(shop.staging, role="production", record=f"{shop.staging.record}/drill")
    return replace(shop, production=stage)


def put_up_the_page(shop: Shop, record: Record, host: Host, token: Secret) -> Step:
    """As on production, but seen from behind staging's gate."""
    step = maintenance.put_up_the_page(shop, record, host, token)
    says = "behind the gate: 503 with the page; with the testers' cookie: the shop"
    return replace(step, acts=(step.acts[0], Act(says, lambda: _closed(shop, token))))


def open_the_shop(shop: Shop, record: Record, host: Host, *, client: str, seconds: int) -> Step:
    """As on production, but seen from behind staging's gate."""
    step = maintenance.open_the_shop(shop, record, host, client=client, seconds=seconds)
    return replace(step, acts=(step.acts[0], Act("behind the gate: answered by the shop", lambda: is_open(shop))))


def _look(shop: Shop, token: Secret | None = None) -> httpx.Response:
    user, password = gate_password(shop)
    cookies = {COOKIE: token.reveal()} if token else {}
    url = f"{shop.production.environment.url}/"
    try:
        return httpx.get(url, auth=(user, password.reveal()), cookies=cookies, timeout=30, follow_redirects=False)
    except httpx.HTTPError as error:
        raise NotAsExpected(f"{url} did not answer: {error}.") from error


def _closed(shop: Shop, token: Secret) -> str:
    stranger = _look(shop)
    if stranger.status_code != 503 or MARK not in stranger.text:
        raise NotAsExpected(f"Staging answers {stranger.status_code} where the maintenance page (503) was expected.")
    if MARK in _look(shop, token).text:
        raise NotAsExpected("The testers' cookie does not let testers in.")
    return "503"


def is_open(shop: Shop) -> str:
    """:raises NotAsExpected: unless staging's shop answers."""
    answer = _look(shop)
    if answer.status_code >= 400 or MARK in answer.text:
        raise NotAsExpected(f"Staging answers {answer.status_code} after the page was taken down.")
    return str(answer.status_code)


@dataclass(frozen=True)
class Found:
    """What the comparison after the rollback came to: how many tables were compared, and what is wrong."""

    tables: int
    wrong: tuple[str, ...]


def compare(shop: Shop, golden: Golden, made_of: synthetic.Templates | None, orders: Sequence[int]) -> Found:
    """Hold what the rollback left against a staging that saw the same orders and no update.

    :param shop: as :func:`rehearsal` gives it. Staging is its base with the orders when this returns.
    """
    site = shop.production
    noise = tables.noise(site)
    with site.database.connected() as db:
        left = footprint.fingerprint(db, ignore=ignored(shop, db))
        noisy = [name for name in read_schema(db, noise) if name in left.tables]
        kept = checkpoint.take(db, noisy, AFTER)
        golden.reset_to_base(db)
        if made_of is not None:
            synthetic.place(db, made_of, orders)
        right = footprint.fingerprint(db, ignore=ignored(shop, db))
        found = footprint.changed(right, left)
        live = read_schema(db, noisy)
        quiet = {
            name
            for name in found.rewritten
            if name in kept.copies
            and kept.copies[name].table.key
            and not rows.apart(db, kept.copies[name], live[name], ignore=noise[name])
        }
        checkpoint.drop(db, kept)
    told = {"added": "is new", "removed": "is gone", "altered": "is built differently", "rewritten": "has other rows"}
    wrong = [f"{name} {told[kind]}" for kind in told for name in getattr(found, kind) if name not in quiet]
    return Found(len(left.tables), tuple(sorted(wrong)))


def tidy(shop: Shop, golden: Golden) -> None:
    """Staging is as it was after the clone, and nothing of this or an earlier drill is left in its schema."""
    stage = rehearsal(shop).production
    with shop.staging.database.connected() as db:
        golden.reset_to_base(db)
        checkpoint.clear(db, AFTER)
        for run in Record.list(stage.host, stage.record):
            keeping.give_up(db, keeping.label(run.run))
        keeping.drop_asides(db)
    push_code(shop, "code")


def promise(rollback: float, drain: int) -> int:
    """Seconds within which a rollback can be promised: twice the measured, and requests in flight, rounded up."""
    return math.ceil((rollback * MARGIN + drain) / STEP) * STEP
