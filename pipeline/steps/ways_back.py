"""Which promotions can be taken back, in which order, and giving up what is too old to be."""

from __future__ import annotations

from pipeline.database import keeping
from pipeline.errors import Hold, PalierError, Refused
from pipeline.record import Record
from pipeline.remote.command import script
from pipeline.rollback import Undone
from pipeline.steps import maintenance
from pipeline.steps.site import Shop, Site
from pipeline.steps.tables import Guarded

KEPT = 2
"""So many promotions can be taken back, the newest first: each keeps copies in the shop's schema."""
_STANDS = ("promoted", "done", "unfinished", "being rolled back")


def standing(site: Site) -> list[str]:
    """The runs that promoted something, or may have, and were not taken back; oldest first."""
    runs = [run for run in Record.list(site.host, site.record) if run.flow == "promote"]
    return [run.run for run in runs if run.outcome in _STANDS or run.outcome.startswith("hold")]


_WITHOUT_FRAGMENTS = """\
cd -- "$1/runs" 2>/dev/null || exit 0
for run in *-promote-*; do
    [ -f "$run/journal.jsonl" ] && [ ! -e "$run/halted" ] || continue
    for fragment in "$run"/undo.d/[0-9][0-9]-*.sh; do [ ! -f "$fragment" ] || continue 2; done
    printf '%s\\n' "$run"
done
"""


def end_what_never_began(site: Site) -> None:
    """Promotions that died before there was anything to take back are over: they stand in nobody's way.

    Whatever a promotion changes has its fragment before. Only for whoever holds the lock: then none is at work.
    """
    bare = set(site.host.run(script(_WITHOUT_FRAGMENTS, site.host.expand(site.record))).stdout.split())
    for run in Record.list(site.host, site.record):
        if run.flow == "promote" and run.outcome == "unfinished" and run.run in bare:
            Record.open(site.host, site.record, run.run).end("not begun")


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


def demand_taken_back(shop: Shop, record: Record, undone: Undone) -> None:
    """:raises Hold: if a fragment failed: what strangers see now, what remains, and how to go on."""
    if undone.ok:
        return
    try:
        closed = maintenance.is_closed(shop.production)
        seen = "Production is closed: the maintenance page is on" if closed else "Production is open"
    except PalierError:
        seen = "Production does not answer"
    raise Hold(
        f"{undone.failed} could not be taken back." if undone.failed else f"Taking {record.run} back was stopped.",
        why=f"Still to be taken back: {', '.join(undone.remaining)}.\n"
        + "\n".join(undone.said.strip().splitlines()[-8:]),
        next_step=f"On {record.host.name}, mend the cause and type: sh {record.path('rollback.sh')}\n"
        f"Then: palier lock release {shop.name}",
        production=f"{seen}, and {record.run} is taken back only in part.",
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
