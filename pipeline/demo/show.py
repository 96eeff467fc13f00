"""The whole job on the demo's shop, while a buyer keeps buying and a prober measures from outside."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.config.loader import load_inventory, load_playbook
from pipeline.demo.buyer import Buyer
from pipeline.demo.prober import Prober
from pipeline.demo.world import World
from pipeline.errors import PalierError
from pipeline.events import Emit, Note
from pipeline.flows import approve, clone, promote, rollback, update
from pipeline.steps.site import Shop, opened

T = TypeVar("T")

WHO = "palier demo"
SOME_ORDERS = 12
"""Orders that are waited for between one act and the next, so that each finds customers at work."""
PATIENCE = 120.0


@dataclass(frozen=True)
class Result:
    """What the demo came to; times in seconds, as measured from outside."""

    kept: dict[str, str]
    quarantined: dict[str, str]
    orders_confirmed: int
    orders_found: int
    orders_doubled: int
    downtime_promote_s: float
    downtime_rollback_s: float
    smoke_runs: int
    versions_before: dict[str, str]
    versions_promoted: dict[str, str]
    versions_after_rollback: dict[str, str]
    duration_s: float
    report: str
    rollback_script: str

    @property
    def orders_lost(self) -> int:
        return self.orders_confirmed - self.orders_found

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def summary(self) -> str:
        kept = "\n".join(f"    kept       {name} {version}" for name, version in self.kept.items())
        aside = "\n".join(f"    set aside  {name}: {why}" for name, why in self.quarantined.items())
        return (
            f"{len(self.kept)} kept, {len(self.quarantined)} set aside\n{kept}\n{aside}\n"
            f"{self.orders_confirmed} orders confirmed while promoting and rolling back: "
            f"{self.orders_lost} lost, {self.orders_doubled} doubled\n"
            f"Downtime, from outside: promotion {self.downtime_promote_s:.1f} s, "
            f"rollback {self.downtime_rollback_s:.1f} s\n"
            f"{self.smoke_runs} smoke runs; everything took {self.duration_s:.0f} s\n"
            f"Report for approvers: {self.report}"
        )

    def require(self) -> None:
        """:raises PalierError: if an order was lost or doubled, or the shop did not come back to its old versions."""
        if self.orders_lost or self.orders_doubled:
            raise PalierError(
                f"{self.orders_lost} orders were lost and {self.orders_doubled} doubled.",
                production="The demo's production was promoted and rolled back.",
            )
        if self.versions_after_rollback != self.versions_before:
            raise PalierError(
                "After the rollback the modules are not at their old versions.",
                production="The demo's production was promoted and rolled back.",
            )


def run(world: World, *, orders: int | None, emit: Emit) -> Result:
    """Build the world if it is not there, then clone, update, approve, promote and roll back."""
    began = time.monotonic()
    world.start(orders=orders, emit=emit)
    inventory, playbook = load_inventory(world.inventory), load_playbook(world.playbook)
    with opened(inventory, world.folder / ".palier") as shop:
        before = versions(shop)
        emit(Note(f"\nClone: {world.production.url} to {world.staging.url}"))
        clone.run(shop, by=WHO, emit=emit)
        emit(Note("\nUpdate: six modules, one at a time"))
        tried = update.run(shop, playbook, by=WHO, emit=emit)
        emit(Note("\nApprove: the demo signs with a key of its own"))
        approve.sign(shop, approve.pending(shop, tried.run), world.approver_key)
        with customers(world) as (buyer, prober):
            _wait(buyer, SOME_ORDERS)
            emit(Note(f"\nPromote, while customers buy ({len(buyer.confirmed)} orders so far)"))
            promoted, promoting = _timed(lambda: promote.run(shop, tried.run, by=WHO, emit=emit))
            at_the_top = versions(shop)
            _wait(buyer, SOME_ORDERS)
            emit(Note(f"\nRoll back, while customers buy ({len(buyer.confirmed)} orders so far)"))
            _, rolling = _timed(lambda: rollback.run(shop, promoted.run, by=WHO, emit=emit))
            _wait(buyer, SOME_ORDERS)
        found, doubled = count(shop, buyer)
        return Result(
            kept={each.candidate.module: each.candidate.target.version for each in tried.kept},
            quarantined={each.candidate.module: each.reason for each in tried.aside},
            orders_confirmed=len(buyer.confirmed),
            orders_found=found,
            orders_doubled=doubled,
            downtime_promote_s=round(prober.downtime(between=promoting), 2),
            downtime_rollback_s=round(prober.downtime(between=rolling), 2),
            smoke_runs=tried.smoke_runs + 3,
            versions_before=before,
            versions_promoted=at_the_top,
            versions_after_rollback=versions(shop),
            duration_s=round(time.monotonic() - began, 1),
            report=str(tried.report),
            rollback_script=f"{promoted.record}/rollback.sh",
        )


@contextmanager
def customers(world: World) -> Iterator[tuple[Buyer, Prober]]:
    """A buyer at work and a prober beside it, both knowing nothing of the pipeline."""
    prober = Prober(f"{world.production.url}/")
    with Buyer(world.production.url) as buyer:
        prober.start()
        try:
            yield buyer, prober
        finally:
            prober.stop()


def _wait(buyer: Buyer, more: int) -> None:
    wanted = len(buyer.confirmed) + more
    deadline = time.monotonic() + PATIENCE
    while len(buyer.confirmed) < wanted:
        if time.monotonic() > deadline:
            raise PalierError(
                f"The demo's buyer came to no {more} orders in {PATIENCE:.0f} s.", why="; ".join(buyer.errors[-3:])
            )
        time.sleep(0.1)


def _timed(job: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    """What ``job`` returned, and when it began and ended, in Unix seconds."""
    began = time.time()
    done = job()
    return done, (began, time.time())


def versions(shop: Shop) -> dict[str, str]:
    """The versions of production's modules, on disk."""
    site = shop.production
    found = site.platform.read_modules(site.host.run(site.platform.modules()).stdout)
    return {name: module.version for name, module in sorted(found.items()) if name in shop.inventory.modules}


def count(shop: Shop, buyer: Buyer) -> tuple[int, int]:
    """How many confirmed orders production's database holds, and how many customers' purchases it holds twice."""
    with shop.production.database.connected() as db:
        rows = db.rows(f"SELECT reference, email FROM `{shop.production.prefix}shop_orders`")  # noqa: S608
    references = Counter(str(reference) for reference, _ in rows)
    emails = Counter(str(email) for _, email in rows)
    found = sum(1 for order in buyer.confirmed if references[order.reference] == 1)
    doubled = sum(1 for order in buyer.confirmed if references[order.reference] > 1 or emails[order.email] > 1)
    return found, doubled


def folder(root: Path) -> Path:
    """Where the demo's world lives below a project."""
    return root / ".demo"
