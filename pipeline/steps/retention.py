"""What promotions and rollbacks leave on production: what is still needed, and what may go.

Nothing goes by itself but the copies of ways back that were given up. Everything else goes when somebody asks for it:
rows that customers wrote into a table which a rollback has set aside may be the only ones there are.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.database import keeping, rungs
from pipeline.database.connection import Database
from pipeline.database.rungs import megabytes
from pipeline.database.sql import OWN, identifier
from pipeline.record import Record, RunSummary
from pipeline.remote.command import command, script
from pipeline.steps import ways_back
from pipeline.steps.site import Shop, Site

KEEP, DAYS = 3, 30
"""Promotions whose snapshot and code are kept, and days for which set-aside tables are, unless one says otherwise."""

_FOLDERS = """
cd "$1/runs" 2>/dev/null || exit 0
for folder in *-promote-*/snapshot *-promote-*/code "$2"/.palier-*-promote-*; do
    [ -d "$folder" ] || continue
    case $folder in /*) path=$folder ;; *) path=$1/runs/$folder ;; esac
    size=$(du -sk "$path" 2>/dev/null | cut -f 1)
    printf '%s\\t%s\\n' "${size:-0}" "$path"
done
"""
_RUN = re.compile(r"\d{8}T\d{6}Z-promote-[0-9a-f]+")
_OF_A_RUN = re.compile(OWN + r"(?:pre|post|gone|work|wide|cells|state|conflicts)_([0-9a-z]{17,32})(?:_[0-9]+|_map)?")
_SET_ASIDE = re.compile(OWN + r"(aside|snapshot|proof)(?:_[0-9a-z]{17,32})?_[0-9]+")


@dataclass(frozen=True)
class Leftover:
    """A folder on the host, or a table in the shop's schema; ``size`` in bytes."""

    name: str
    size: int
    why: str
    """Why it may go, or why it stays."""
    table: bool = False

    def __str__(self) -> str:
        return f"{self.name}  {megabytes(self.size)}  {self.why}"


@dataclass(frozen=True)
class Found:
    """What Palier left on production: ``goes`` may be removed, ``stays`` may not."""

    goes: tuple[Leftover, ...]
    stays: tuple[Leftover, ...]

    @property
    def size(self) -> int:
        return sum(each.size for each in self.goes)


def look(shop: Shop, *, keep: int = KEEP, days: int = DAYS) -> Found:
    """Everything that promotions and rollbacks have left on production, and whether it may go. Only reads.

    :param keep: of so many promotions, the newest, snapshot and code stay, whatever became of them.
    :param days: for how long after the last rollback the tables stay that a rollback has set aside.
    """
    site = shop.production
    runs = [run for run in Record.list(site.host, site.record) if run.flow == "promote"]
    standing = set(ways_back.standing(site))
    newest = {run.run for run in runs[max(0, len(runs) - keep) :]}
    recent = _days_since_rollback(site, runs)
    with site.database.connected() as db:
        found = [
            *_folders(site, runs, standing, newest),
            *_tables(db, standing, stay_aside=recent is not None and recent < days, days=days),
        ]
    return Found(tuple(each for goes, each in found if goes), tuple(each for goes, each in found if not goes))


def remove(shop: Shop, record: Record, leftovers: tuple[Leftover, ...]) -> int:
    """Remove them, each one noted in the journal of ``record`` first. :returns: bytes."""
    site = shop.production
    with site.database.connected() as db:
        for each in leftovers:
            record.journal.append("removes", name=each.name, size=each.size, why=each.why)
            if each.table:
                db.execute(f"DROP TABLE IF EXISTS {identifier(each.name)}")
            else:
                site.host.run(command("rm", "-rf", "--", each.name))
    return sum(each.size for each in leftovers)


def _folders(
    site: Site, runs: list[RunSummary], standing: set[str], newest: set[str]
) -> Iterator[tuple[bool, Leftover]]:
    parent = f"{site.root}/{site.platform.modules_path}"
    told = site.host.run(script(_FOLDERS, site.host.expand(site.record), site.host.expand(parent))).stdout
    outcomes = {run.run: run.outcome for run in runs}
    for line in told.splitlines():
        size, path = line.split("\t", 1)
        run = _RUN.search(path)
        if run is None or run[0] not in outcomes:
            yield False, Leftover(path, int(size) * 1024, "of no run on record")
        elif run[0] in standing:
            yield False, Leftover(path, int(size) * 1024, "the way back of a promotion that stands")
        elif run[0] in newest:
            yield False, Leftover(path, int(size) * 1024, "of one of the newest promotions")
        else:
            yield True, Leftover(path, int(size) * 1024, f"{run[0]} is {outcomes[run[0]]}")


def _tables(db: Database, standing: set[str], *, stay_aside: bool, days: int) -> Iterator[tuple[bool, Leftover]]:
    needed = {keeping.label(run): run for run in standing}
    for name, size in rungs.own_sizes(db).items():
        of, aside = _OF_A_RUN.fullmatch(name), _SET_ASIDE.fullmatch(name)
        if of is not None and of[1] in needed:
            yield False, Leftover(name, size, f"the way back of {needed[of[1]]}", table=True)
        elif of is not None:
            yield True, Leftover(name, size, "of a promotion that no longer can be taken back", table=True)
        elif aside is not None:
            rows = rungs.count(db, name) or 0
            held = f"set aside with {rows:,} rows" if aside[1] == "aside" else f"{rows:,} rows laid beside the shop's"
            since = f"the last rollback is {'less' if stay_aside else 'more'} than {days} days ago"
            yield not stay_aside, Leftover(name, size, f"{held}; {since}", table=True)


def _days_since_rollback(site: Site, runs: list[RunSummary]) -> float | None:
    """Days since a promotion was last taken back; ``None``: none ever was."""
    text = 'cd "$1/runs" && cat -- *-promote-*/rolled-back 2>/dev/null; :'
    told = site.host.run(script(text, site.host.expand(site.record))).stdout if runs else ""
    moments = re.findall(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told, re.MULTILINE)
    if not moments:
        return None
    last = dt.datetime.strptime(max(moments), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    return (dt.datetime.now(dt.UTC) - last).total_seconds() / 86400
