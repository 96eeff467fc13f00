"""One run of the bench: the server, the shops, and the figures in an order in which none spoils another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.database.connection import Database
from pipeline.database.footprint import Footprint
from pipeline.demo.mariadb import MariaDB
from pipeline.steps.site import Shop
from tests.bench import copying, promoting, server, shop, updating
from tests.bench.copying import Place
from tests.bench.figure import Point
from tests.bench.ratios import Ratio, over

SMALL_SHOP = 0.01
GUARD = 5
"""Seconds for which a playbook lets tables beyond the footprint be copied, by default."""
NEW_ORDERS = 10_000


class Bench:
    """``scale`` 1 is about 2 GB. ``points`` are what the plot shows."""

    def __init__(self, folder: Path, scale: float, says: Callable[[str], None]) -> None:
        self.folder, self.scale, self.says = folder, scale, says
        self.size = 0
        self.points: list[Point] = []

    def measure(self, parts: Iterable[str]) -> list[Ratio]:
        found: list[Ratio] = []
        with server.serving(self.folder) as running:
            self.says(f"building the shop at scale {self.scale:g}")
            large = self._shop(running, "shop", self.scale)
            with large.connected() as db:
                self.size = shop.size_of(db)
            place = Place(running, self.folder, large)
            if "copying" in parts:
                found += copying.measure(place, self.says)
            if "updating" in parts:
                found += self._update(place)
            if "promoting" in parts:
                found += self._promote(place)
        return found

    def _shop(self, running: MariaDB, name: str, scale: float) -> Database:
        database = server.schema(running, self.folder, name)
        with database.connected() as db:
            shop.build(db, scale)
        return database

    def _update(self, place: Place) -> list[Ratio]:
        """On a staging that is a clone, with its rows of throw-away tables left out."""
        staging = place.anew("staging")
        self.says("update: cloning, and the base")
        copying.cloned(place.shop, staging)
        cost = updating.measure(promoting.shop_of(self.folder, place.shop, staging))
        server.drop(place.server, "staging")
        told = "; ".join(
            f"{name}: " + ", ".join(f"{part} {seconds:.2f}" for part, seconds in parts.items())
            for name, parts in (("set aside", cost.aside), ("kept", cost.kept))
        )
        self.says(f"update's own cost: {told}")
        return [over("update's own cost of a module", cost.worst, 2.0, 1.0, "the goal", told)]

    def _promote(self, place: Place) -> list[Ratio]:
        self.says("the usual restore")
        _, restored = copying.restore(place)
        small = self._shop(place.server, "small", SMALL_SHOP)
        scratch = self._shop(place.server, "scratch", 0.0002)
        with scratch.connected() as db:
            expected = promoting.footprint_of(db, promoting.SMALL)
            orders = promoting.footprint_of(db, promoting.ORDERS)
        there = promoting.shop_of(self.folder, place.shop, scratch)
        self.says("promotion of a small footprint, small shop and large shop")
        little = self._promoted(promoting.shop_of(self.folder, small, scratch), expected, small)
        much = self._promoted(there, expected, place.shop)
        self.says("promotion that alters the orders")
        altering = promoting.promote(there, orders, promoting.ORDERS, guard=0)
        with place.shop.connected() as db:
            promoting.sell(db, 100)
        back = promoting.roll_back(altering)
        self.says(f"steps, altered orders: {_told(altering.steps)}; rollback {back:.2f}")
        megabytes = self.size / 1e6
        self.points.append(Point("restore of a dump", megabytes, restored))
        self.points.append(Point("rollback, orders altered", megabytes, back))
        migration = much[0].migration
        return [
            over(
                "downtime, large ÷ small shop",
                much[0].seconds,
                little[0].seconds,
                1.3,
                "the same at 20 MB",
                _told(much[0].steps),
            ),
            Ratio(
                "downtime beyond 2 s ÷ migration",
                (much[2] - 2) / migration,
                1.5,
                much[2],
                f"migration: {migration:.2f} s",
                "guard 0 s",
            ),
            over("rollback after 10,000 orders", much[1], restored, 1 / 20, "mariadb < dump"),
            over("rollback, orders altered", back, restored, 1 / 5, "mariadb < dump"),
        ]

    def _promoted(
        self, there: Shop, expected: Footprint, database: Database
    ) -> tuple[promoting.Promoted, float, float]:
        """With the default guard, taken back after sales; then once more with nothing guarded beyond the footprint."""
        with database.connected() as db:
            size = shop.size_of(db) / 1e6
        guarded = promoting.promote(there, expected, promoting.SMALL, guard=GUARD)
        with database.connected() as db:
            promoting.sell(db, min(NEW_ORDERS, int(db.value("SELECT COUNT(*) FROM ps_orders"))))
        back = promoting.roll_back(guarded)
        lean = promoting.promote(there, expected, promoting.SMALL, guard=0)
        promoting.roll_back(lean)
        self.says(f"steps at {size:.0f} MB: {_told(guarded.steps)}; rollback {back:.2f}; guard 0: {lean.seconds:.2f}")
        self.points.append(Point("downtime", size, guarded.seconds))
        self.points.append(Point("rollback", size, back))
        return guarded, back, lean.seconds


def _told(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in steps.items())
