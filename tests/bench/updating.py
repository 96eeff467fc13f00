"""What ``update`` itself costs for one module: fingerprints, the copy of the footprint, and going back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.database import checkpoint, footprint
from pipeline.database.connection import Database
from pipeline.database.schema import read
from pipeline.steps import golden, trial
from pipeline.steps.golden import CloneState, Golden
from pipeline.steps.site import Shop
from tests.bench.promoting import SMALL, sell
from tests.bench.shop import PREFIX


@dataclass(frozen=True)
class Cost:
    """Seconds, by part, of one module that is set aside and of one that is kept."""

    aside: dict[str, float]
    kept: dict[str, float]

    @property
    def worst(self) -> float:
        return max(sum(self.aside.values()), sum(self.kept.values()))


def measure(shop: Shop) -> Cost:
    """Two modules on a staging whose base was taken: the first fails its smoke tests, the second is kept."""
    import datetime as dt

    with shop.staging.database.connected() as db:
        base = golden.take_base(db)
        golden.write_fingerprint(shop, db)
        state = CloneState("bench", dt.datetime.now(dt.UTC), "", {}, {}, "", "", base)
        kept = Golden(shop, state)
        aside = _module(db, kept, SMALL, keep=False)
        cost = Cost(aside, _module(db, kept, SMALL, keep=True))
        kept.prove(db)
        checkpoint.clear(db, golden.BASE)
        kept.drop(db)
    return cost


def _module(db: Database, state: Golden, migration: Sequence[str], *, keep: bool) -> dict[str, float]:
    took: dict[str, float] = {}
    began = time.monotonic()

    def lap(name: str) -> None:
        nonlocal began
        took[name] = took.get(name, 0.0) + time.monotonic() - began
        began = time.monotonic()

    before = state.fingerprint(db)
    lap("fingerprint before")
    for statement in migration:
        db.execute(statement)
    began = time.monotonic()
    found = footprint.changed(before, state.fingerprint(db))
    lap("footprint")
    trial.row_changes(db, state.state, found)
    lap("row changes")
    tried = state.hold(db, found)
    lap("copy of the footprint")
    sell(db, 1)  # what the smoke suites leave: an order, its lines, a cart and a customer
    for name in ("cart", "customer", "stock_available"):
        _touch(db, f"{PREFIX}{name}")
    began = time.monotonic()
    if keep:
        state.keep(db, tried)
    else:
        state.reset(db)
    lap("keep" if keep else "reset")
    return took


def _touch(db: Database, name: str) -> None:
    table = read(db, [name])[name]
    columns = ", ".join(
        "REPLACE(email, '@', CONCAT(UUID_SHORT(), '@'))" if column.name == "email" else f"`{column.name}`"
        for column in table.stored
        if column.name not in table.key
    )
    listed = ", ".join(f"`{column.name}`" for column in table.stored if column.name not in table.key)
    key = table.key[0]
    db.execute(f"INSERT INTO `{name}` ({listed}) SELECT {columns} FROM `{name}` ORDER BY `{key}` DESC LIMIT 1")
