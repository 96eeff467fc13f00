"""The full snapshot before a promotion: taken online and checked. The last rung of the ladder, not the first."""

from __future__ import annotations

from pipeline.database import restoring, snapshot
from pipeline.engine import Act, Step
from pipeline.events import Emit
from pipeline.record import Record
from pipeline.steps.site import Shop


def take_snapshot(shop: Shop, record: Record, emit: Emit, *, restored: bool = False) -> Step:
    """Production stays open meanwhile.

    :param restored: the snapshot is also restored once, beside or into a schema of its own, and counted there.
    """
    site = shop.production

    def take() -> str:
        with site.database.connected() as db:
            taken = snapshot.take(db, record.path("snapshot"), emit=emit)
            snapshot.check(site.host, taken)
            if restored:
                taken = restoring.prove(db, taken)
        return f"{taken}{', restored once' if taken.proved else ''}"

    says = f"dump {site.database.name} to {record.path('snapshot')}; check end marker, tables, row counts and hash"
    says += "; restore it once and count" if restored else ""
    return Step("Take a full snapshot", (Act(says, take, budget=6 * 3600),), host=site.host.name)
