"""Prune: what promotions and rollbacks left on production and nobody needs any more is listed, and removed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pipeline import lock
from pipeline.database.rungs import megabytes
from pipeline.record import Record
from pipeline.steps import retention
from pipeline.steps.retention import Found
from pipeline.steps.site import Shop


@dataclass(frozen=True)
class Outcome:
    """What was found, and whether it was removed; ``run`` names the record of the removal."""

    found: Found
    run: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "run": self.run,
            "removed" if self.run else "would_remove": [asdict(each) for each in self.found.goes],
            "kept": [asdict(each) for each in self.found.stays],
            "bytes": self.found.size,
        }

    def text(self) -> str:
        said = "Removed" if self.run else "Would be removed"
        goes = [f"{said}: {each}" for each in self.found.goes] or ["There is nothing that could go."]
        kept = [f"Kept: {each}" for each in self.found.stays]
        total = f"{said}: {megabytes(self.found.size)} in all" + (f". Run {self.run}." if self.run else "")
        return "\n".join([*goes, *kept, *([total] if self.found.goes else [])])


def plan(shop: Shop, *, keep: int, days: int) -> Outcome:
    """What would go, and what stays; nothing is removed."""
    return Outcome(retention.look(shop, keep=keep, days=days))


def run(shop: Shop, *, keep: int, days: int, by: str) -> Outcome:
    """Remove what may go, under the shop's lock, and keep a record of it. The shop stays open.

    :raises Locked: if somebody is at work on the shop.
    """
    site = shop.production
    site.prepare_record()
    with lock.acquire(site.host, site.record, f"prune by {by}", shop=shop.name):
        found = retention.look(shop, keep=keep, days=days)
        if not found.goes:
            return Outcome(found)
        record = Record.create(site.host, site.record, "prune", shop.name, by)
        retention.remove(shop, record, found.goes)
        record.end("done")
    return Outcome(found, record.run)
