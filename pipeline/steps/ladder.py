"""The ladder of the way back that a shop can have, told before anything is done: production is only read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pipeline.config.playbook import Budgets
from pipeline.database import privileges, rungs
from pipeline.database.classes import Class
from pipeline.database.connection import Database
from pipeline.database.footprint import Footprint
from pipeline.database.privileges import Privileges
from pipeline.database.rungs import Ladder, megabytes
from pipeline.steps.site import Shop

NAMED = 5
"""How many tables are named before they are only counted."""


@dataclass(frozen=True)
class Rung:
    """One rung and whether this account can have it: what is expected of it, or what follows from its absence."""

    name: str
    state: Literal["OK", "WARN", "FAILED"]
    detail: str
    mend: str = ""


@dataclass(frozen=True)
class _Found:
    held: Privileges
    account: str
    views: int
    statement_log: bool
    ladder: Ladder = field(default_factory=lambda: Ladder(()))


def rungs_of(shop: Shop) -> list[Rung]:
    """What this shop's account can have, the cheapest first, with seconds reckoned from the sizes of its tables."""
    site, seconds = shop.production, Budgets().guard
    with site.database.connected() as db:
        found = _Found(
            privileges.read(db),
            db.credentials.user,
            int(db.value("SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA=DATABASE()")),
            _logs_statements(db),
            rungs.choose(
                rungs.sizes(db),
                Footprint(),
                throwaway=lambda name: shop.classes.classify(name) is Class.THROWAWAY,
                seconds=seconds,
            ),
        )
    return [
        *_rights(found),
        *_triggers_and_views(found),
        _guard(found.ladder, seconds),
        _snapshot(found),
        _clone(found),
    ]


def _logs_statements(db: Database) -> bool:
    """Whether the binary log takes statements only: INSERT ... SELECT at READ COMMITTED is then refused (1665)."""
    return db.rows("SELECT @@log_bin, @@binlog_format")[0] == (1, "STATEMENT")


def _rights(found: _Found) -> Iterator[Rung]:
    name, lacks = "row images and copies", found.held.missing()
    if lacks:
        consequence = f"{found.account} lacks {', '.join(lacks)}: nothing can be copied, so no update can be taken back"
        yield Rung(name, "FAILED", consequence, f"GRANT {', '.join(lacks)} ON the shop's schema to it.")
    elif found.statement_log:
        consequence = "the server logs statements only, and refuses to copy rows inside it"
        yield Rung(name, "FAILED", consequence, "Set binlog_format to MIXED or ROW.")
    else:
        known = "" if found.held.certain else ", as far as its roles can be followed"
        yield Rung(name, "OK", f"CREATE, ALTER, DROP, INDEX are granted{known}; nothing beyond the schema is needed")


def _triggers_and_views(found: _Found) -> Iterator[Rung]:
    if found.held.missing(["TRIGGER"]):
        consequence = "this account cannot see triggers: if another one made some, they are not guarded"
        yield Rung(
            "triggers", "WARN", consequence, "GRANT TRIGGER on the schema, or ask the hoster that there is none."
        )
    else:
        yield Rung("triggers", "OK", "seen, put back, and refused by name where another account made them")
    lacks = found.held.missing(["SHOW VIEW", "CREATE VIEW"])
    if lacks and found.views:
        consequence = f"this account lacks {', '.join(lacks)}, and there are {found.views} views"
        blind = "SHOW VIEW" in lacks
        yield Rung("views", "FAILED" if blind else "WARN", consequence, f"GRANT {', '.join(lacks)} on the schema.")
    else:
        yield Rung("views", "OK", "put back" if found.views else "there are none")


def _guard(ladder: Ladder, seconds: int) -> Rung:
    copied, left = len(ladder.copied), ladder.only_in_snapshot()
    cost = f"{megabytes(ladder.bytes)} in about {ladder.seconds:.1f} s, at {rungs.COPIED // 1_000_000} MB a second"
    if not left:
        return Rung("guard", "OK", f"every table is copied before an update, {copied} of them: {cost}")
    sizes = {choice.table: choice.size for choice in ladder.choices}
    largest = sorted(left, key=lambda name: -sizes[name])[:NAMED]
    named = ", ".join(f"{name} ({rungs.copy_seconds(sizes[name]):.1f} s)" for name in largest)
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    return Rung(
        "guard",
        "OK",
        f"what an update is known to change is copied, and {copied} others: {cost};"
        f" not copied unless an update changes them: {named}{more}",
        f"budgets.guard in the playbook says for how long others may be copied; here: {seconds} s.",
    )


def _snapshot(found: _Found) -> Rung:
    sizes = [choice.size for choice in found.ladder.choices]
    seconds, rate = rungs.restore_seconds(sizes), rungs.RESTORED // 1_000_000
    whole = f"{megabytes(sum(sizes))} restored in about {seconds:.1f} s, at {rate} MB a second"
    where = "in a schema of its own" if found.held.schemas else "beside the shop's tables, for want of a second schema"
    return Rung("full snapshot", "OK", f"{whole}; proved {where}, if the playbook asks for that")


def _clone(found: _Found) -> Rung:
    if found.held.missing(["LOCK TABLES"]):
        return Rung("clone", "WARN", "one session reads, for want of LOCK TABLES: slower, and just as exact")
    return Rung("clone", "OK", "several sessions read, brought to one moment by LOCK TABLES for milliseconds")
