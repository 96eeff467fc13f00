"""Which promotions can be taken back, in which order, and giving up what is too old to be."""

from __future__ import annotations

from pipeline.database import keeping
from pipeline.errors import Refused
from pipeline.record import Record
from pipeline.steps.site import Shop, Site
from pipeline.steps.tables import Guarded

KEPT = 2
"""So many promotions can be taken back, the newest first: each keeps copies in the shop's schema."""
_STANDS = ("promoted", "done", "unfinished", "being rolled back")


def standing(site: Site) -> list[str]:
    """The runs that promoted something, or may have, and were not taken back; oldest first."""
    runs = [run for run in Record.list(site.host, site.record) if run.flow == "promote"]
    return [run.run for run in runs if run.outcome in _STANDS or run.outcome.startswith("hold")]


def last(shop: Shop) -> str:
    """The last promotion that is not rolled back. :raises Refused: if there is none."""
    found = standing(shop.production)
    if not found:
        raise Refused(f"There is no promotion of {shop.name} to roll back.", next_step=f"palier runs {shop.name}")
    return found[-1]


def require_newest(shop: Shop, record: Record) -> None:
    """Promotions stand on one another. :raises Refused: if a later one stands on this, or this was given up."""
    if record.host.exists(record.path("superseded")):
        raise Refused(
            f"The run {record.run} can no longer be rolled back.",
            why=f"Its copies were given up when {record.read('superseded').decode().strip()} had opened.",
            next_step=f"palier runs {shop.name}",
        )
    if later := [run for run in standing(shop.production) if run > record.run]:
        raise Refused(
            f"The run {record.run} cannot be rolled back now.",
            why=f"A later promotion stands on it: {', '.join(later)}.",
            next_step=f"Take that one back first: palier rollback {shop.name} {later[-1]}",
        )


def give_up_what_is_not_needed(shop: Shop, record: Record, guarded: Guarded) -> int:
    """Once the shop is open: the copies that no way back needs, and the ways back of all but the newest promotions.

    :returns: how many tables were dropped.
    """
    site = shop.production
    stands = standing(site)
    for run in stands[:-KEPT]:
        site.host.write(f"{site.host.expand(site.record)}/runs/{run}/superseded", f"{record.run}\n")
    kept = set(stands[-KEPT:]) | {record.run}
    gone = [run.run for run in Record.list(site.host, site.record) if run.flow == "promote" and run.run not in kept]
    needed = {table.copy.name for table in guarded.plan.tables if table.before} if guarded.plan else set()
    with site.database.connected() as db:
        dropped = keeping.give_up_others(db, keeping.label(record.run), needed) if guarded.plan else 0
        return dropped + sum(keeping.give_up(db, keeping.label(run)) for run in gone)
