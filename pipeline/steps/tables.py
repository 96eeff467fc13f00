"""Production's tables behind the maintenance page: guarded before the upgrade, compared after it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.database import ahead, footprint, keeping, late, merge, rungs, snapshot, uncopied
from pipeline.database.ahead import Ahead
from pipeline.database.checkpoint import Checkpoint
from pipeline.database.classes import Class
from pipeline.database.connection import Database
from pipeline.database.footprint import Fingerprint, Footprint
from pipeline.database.merge_plan import MergePlan
from pipeline.database.merge_script import MERGE_FILE, data_fragment, merge_script
from pipeline.database.rungs import Ladder
from pipeline.database.schema import read as read_schema
from pipeline.database.schema import table_names
from pipeline.database.shell import empty_tables
from pipeline.database.snapshot import Snapshot
from pipeline.database.sql import own
from pipeline.database.uncopied import Uncopied, list_moved
from pipeline.engine import Act, Step
from pipeline.errors import PalierError, Refused
from pipeline.record import Record
from pipeline.steps import reconciliation
from pipeline.steps.golden import ignored
from pipeline.steps.site import Shop, Site

UNGUARDED = "unguarded"
"""Tables that changed and have no copy, for a person to put right: the undo stops while this file is there."""
COMPARED = "footprint-compared"
"""Every table was compared after the upgrade, and those without a copy had not changed."""
FROM_SNAPSHOT = "from-snapshot.sh"
READING = 2.0
"""Seconds that reading rows for a fingerprint may take behind the page. Larger tables are told by their stamps:
nobody writes, so a table whose UPDATE_TIME moved was written by the upgrade."""
COPYING = 3600.0
"""Seconds after which copying ahead counts as hung. The shop is open meanwhile."""


class Surprise(PalierError):
    """The upgrade changed tables on production that it did not change on staging."""


@dataclass
class Guarded:
    """What a promotion learns about production's tables as it goes."""

    ladder: Ladder | None = None
    ahead: Ahead | None = None
    checkpoint: Checkpoint | None = None
    before: Fingerprint = field(default_factory=lambda: Fingerprint({}))
    found: Footprint = field(default_factory=Footprint)
    uncopied: tuple[Uncopied, ...] = ()
    """The tables that have no copy, as they were before the upgrade."""
    orders_since: str = ""
    """SELECT of the orders that came after the checkpoint; empty: their tables stay as they are."""

    plan: MergePlan | None = None

    @property
    def chosen(self) -> Ladder:
        """The rungs, once copies were taken ahead."""
        if self.ladder is None:
            raise RuntimeError("the copies are taken ahead first")
        return self.ladder

    @property
    def early(self) -> Ahead:
        """The copies that were taken while the shop was open."""
        if self.ahead is None:
            raise RuntimeError("the copies are taken ahead first")
        return self.ahead

    @property
    def taken(self) -> Checkpoint:
        """The checkpoint, once its step was applied."""
        if self.checkpoint is None:
            raise RuntimeError("the checkpoint's step comes first")
        return self.checkpoint


def ladder(shop: Shop, db: Database, expected: Footprint, seconds: int) -> Ladder:
    """How each of production's tables would get back: the footprint's, and what fits into ``seconds`` besides.

    Throw-away tables are not guarded: they are never restored. Nor are those with another account's triggers, which
    putting back would drop and could not make again: if the footprint names one, the promotion is refused.
    """

    def throwaway(name: str) -> bool:
        return shop.classes.classify(name) is Class.THROWAWAY

    left = merge.with_triggers_of_others(db)
    return rungs.choose(rungs.sizes(db), expected, throwaway=throwaway, seconds=seconds, left=left)


def told_rungs(shop: Shop, expected: Footprint, *, seconds: int) -> str:
    """The rungs for people, before anything is done: production is only read."""
    with shop.production.database.connected() as db:
        return ladder(shop, db, expected, seconds).told()


def refuse_what_cannot_be_undone(shop: Shop, expected: Footprint) -> None:
    """Ask before anything is touched. :raises Refused: naming each table that could not be put back exactly."""
    with shop.production.database.connected() as db, shop.staging.database.connected() as tried:
        before, after = read_schema(db), read_schema(tried)
        guarded = {name: before[name] for name in expected.existing if name in before}
        wrong = [*merge.refuse(before, after, expected), *merge.refuse_triggers(db, guarded)]
        wrong += merge.refuse_mute_triggers(before)
    if wrong:
        raise Refused(
            "The updates could not be taken back exactly.",
            why=" ".join(wrong),
            next_step="Leave the module out of the playbook, or promote it by hand with a full snapshot.",
        )


def copy_ahead(shop: Shop, record: Record, expected: Footprint, guarded: Guarded, *, seconds: int) -> Step:
    """Copies inside the server while customers buy; what they write meanwhile is caught up with behind the page.

    :param seconds: for how long tables beyond the footprint may be copied.
    """
    site, of = shop.production, keeping.label(record.run)

    def take() -> str:
        with site.database.connected() as db:
            guarded.ladder = ladder(shop, db, expected, seconds)
            guarded.ahead = ahead.copy(db, guarded.ladder.copied, keeping.kind(of))
            guarded.before = footprint.fingerprint(db, ignore=ignored(shop, db), budget=READING)
        return f"{len(guarded.ahead.checkpoint.copies)} tables ({guarded.ladder})"

    def fragment() -> str:
        return keeping.give_up_fragment(of, site.database.name, program=site.database.program)

    return Step(
        "Copy the footprint ahead",
        (
            Act(
                f"copy {', '.join(expected.existing) or 'no table'} inside the server,"
                f" and what fits into {seconds} s besides, while the shop is open",
                take,
                budget=COPYING,
            ),
        ),
        host=site.host.name,
        undo=fragment,
    )


def checkpoint_tables(shop: Shop, record: Record, guarded: Guarded, *, seconds: int) -> Step:
    """The copies become exact, because nobody writes: only what was written since they were taken is copied again.

    :param seconds: for how long copies of tables beyond the footprint may be brought up to date.
    """
    site = shop.production

    def note() -> str:
        with site.database.connected() as db:
            noted = reconciliation.note_books(shop, record, db)
        guarded.orders_since = reconciliation.orders_since(record, guarded.taken.copies)
        return noted

    def take() -> str:
        early, pace = guarded.early, rungs.Pace(seconds)
        with site.database.connected() as db:
            present = set(table_names(db))
            needed = [name for name in guarded.chosen.must if name in present]
            others = [name for name in guarded.chosen.may if name in present]
            guarded.checkpoint = ahead.bring_up_to_date(db, early, needed, others, pace=pace)
            guarded.before = footprint.fingerprint(db, ignore=ignored(shop, db), since=guarded.before, budget=READING)
            guarded.uncopied = tuple(_uncopied(shop, record, db, guarded))
        rows = sum(copy.rows for copy in guarded.taken.copies.values())
        return f"{len(guarded.taken.copies)} of {len(guarded.taken.present)} tables, {rows:,} rows"

    return Step(
        "Checkpoint the footprint",
        (
            Act("bring the copies up to date with what was written since they were taken", take),
            Act("note the last order's number and what is in stock", note),
        ),
        host=site.host.name,
        critical=True,
    )


def _footprint_now(shop: Shop, db: Database, guarded: Guarded) -> Fingerprint:
    return footprint.fingerprint(db, ignore=ignored(shop, db), since=guarded.before, budget=READING)


def guard_tables(shop: Shop, guarded: Guarded) -> Step:
    """The data's way back lies on the host before anything can change the data."""
    site = shop.production

    def fragment() -> str:
        known, asked = site.database, guarded.orders_since
        back = data_fragment(
            guarded.taken,
            known.name,
            program=known.program,
            prefix=site.prefix,
            emptied=made_by_code(site),
            first=late.put_aside(guarded.taken, asked, business) if asked else "",
        )
        looked = list_moved(guarded.uncopied, UNGUARDED, unless=[COMPARED, "opened"])
        return f"{back}{looked}{_HELD}"

    def business(name: str) -> bool:
        return shop.classes.classify(name) in {Class.BUSINESS, Class.MIXED}  # WordPress may keep orders as posts

    def whole() -> str:
        return f"{len(guarded.taken.copies)} tables can be put back exactly"

    return Step(
        "Write the way back of the data",
        (Act("write it to the host as a shell script", whole),),
        host=site.host.name,
        undo=fragment,
        critical=True,
    )


_HELD = f"""
if [ -e {UNGUARDED} ] && [ ! -e opened ]; then
    echo "Everything that has a copy is put back. These tables were changed and have none:" >&2
    cat {UNGUARDED} >&2
    echo "Put each right (in $(pwd)), then type: rm {UNGUARDED} && sh rollback.sh" >&2
    exit 1
fi
"""


def verify_footprint(shop: Shop, record: Record, expected: Footprint, guarded: Guarded) -> Step:
    """Production's footprint must be staging's. :raises Surprise: (in the act) if it is not.

    Then goes what pages have kept that older code made.
    """
    site, kept = shop.production, shop.production.platform.made_by_code

    def verify() -> str:
        with site.database.connected() as db:
            guarded.found = footprint.changed(guarded.before, _footprint_now(shop, db, guarded))
        surprise = guarded.found.beyond(expected)
        lost = sorted(set(surprise) & set(guarded.taken.present) - set(guarded.taken.copies) - set(guarded.taken.views))
        if lost:
            record.write(UNGUARDED, "".join(f"    {line}\n" for line in _accounted(site, record, lost)))
        if surprise:
            raise Surprise(
                f"The upgrade changed tables on production that it did not change on staging: {', '.join(surprise)}.",
                why=f"Of these, {', '.join(lost)} have no copy." if lost else "All of them have copies.",
            )
        record.write(COMPARED, "")
        return str(guarded.found)

    def empty() -> None:
        with site.database.connected() as db:
            for (statement,) in db.rows(empty_tables(made_by_code(site))):
                db.execute(str(statement).rstrip(";"))

    return Step(
        "Verify the footprint",
        (
            Act("compare every table with its fingerprint, and with staging's footprint", verify),
            *([Act(f"empty {', '.join(kept)}, where there is such a table", empty)] if kept else []),
        ),
        host=site.host.name,
        critical=True,
    )


def _accounted(site: Site, record: Record, lost: Sequence[str]) -> Iterator[str]:
    """Of each table that has no copy: what it holds now, what the snapshot holds, and how to have that beside it."""
    taken = _comparable(site, record)
    with site.database.connected() as db:
        for number, name in enumerate(lost, 1):
            rows = rungs.count(db, name)
            now = "gone" if rows is None else f"{rows:,} rows now"
            yield f"{name}: {now}, {_then(record, taken, name, number)}"


def _comparable(site: Site, record: Record) -> Snapshot | None:
    """The run's snapshot, with the script beside it that lays one table's rows beside the shop's."""
    if not site.host.exists(record.path("snapshot")):
        return None
    taken = snapshot.load(site.host, record.path("snapshot"))
    record.write(FROM_SNAPSHOT, snapshot.table_script(taken, site.client_file, site.database.program))
    return taken


def _then(record: Record, taken: Snapshot | None, name: str, number: int) -> str:
    if taken is None:
        return "no snapshot"
    moving = ", written while it was taken" if name in taken.moving else ""
    typed = f"sh {FROM_SNAPSHOT} {shlex.quote(name)} {beside(record, number)}"
    return f"{taken.rows.get(name, 0):,} in the snapshot of {taken.taken}{moving}; to compare: {typed}"


def _uncopied(shop: Shop, record: Record, db: Database, guarded: Guarded) -> Iterator[Uncopied]:
    """What is known of the tables that have no copy: the upgrade may fail before it is compared."""
    known = guarded.taken
    names = [name for name in known.present if name not in known.copies and name not in known.views]
    names = [name for name in names if shop.classes.classify(name) is not Class.THROWAWAY]
    if not names:
        return
    stamps, taken = uncopied.stamps(db, names), _comparable(shop.production, record)
    for number, name in enumerate(names, 1):
        state = guarded.before.tables.get(name)
        told = _then(record, taken, name, number)
        yield Uncopied(name, stamps.get(name, ""), state.checksum if state else None, told)


def beside(record: Record, number: int) -> str:
    """The table that a human gets an unguarded table's rows of the snapshot into."""
    return own("snapshot", keeping.label(record.run), number)


def record_row_changes(shop: Shop, record: Record, guarded: Guarded) -> Step:
    """What the update did to each row is kept, so that a later rollback can tell it from what customers did."""
    site = shop.production

    def keep() -> str:
        with site.database.connected() as db:
            plan = merge.record(
                db,
                guarded.taken,
                _guarded(guarded.found, guarded.taken),
                ignore=noise(site),
                counters=_counters(shop),
                by_name=[name for name in table_names(db) if shop.classes.classify(name) is not Class.THROWAWAY],
            )
        guarded.plan = plan
        record.write("merge-plan.json", plan.json())
        record.write(MERGE_FILE, merge_script(plan, site.database.name, program=site.database.program))
        return f"{sum(table.touched for table in plan.tables):,} rows in {len(plan.tables)} tables"

    return Step(
        "Record what the update did to each row",
        (Act("keep images of the rows that the update touched", keep),),
        host=site.host.name,
        critical=True,
    )


def _guarded(found: Footprint, copies: Checkpoint) -> Footprint:
    """The part of a footprint that can be merged."""

    def known(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            name for name in names if name in copies.copies or name in copies.views or name not in copies.present
        )

    return Footprint(
        known(found.added), known(found.removed), known(found.altered), known(found.rewritten), found.views
    )


def made_by_code(site: Site) -> tuple[str, ...]:
    """Tables that pages fill as a cache: emptied whenever the code changes."""
    return tuple(f"{site.prefix}{table}" for table in site.platform.made_by_code)


def noise(site: Site) -> Mapping[str, str]:
    """Rows that any request may rewrite: SQL conditions by table."""
    return {f"{site.prefix}{table}": predicate for table, predicate in site.platform.noise.items()}


def _counters(shop: Shop) -> Mapping[str, tuple[str, ...]]:
    """Columns that everybody adds to and takes from, such as stock: a rollback takes back the update's difference."""
    site = shop.production
    known = {**site.platform.known_tables.counters, **shop.inventory.tables.counters}
    return {f"{site.prefix}{table}": columns for table, columns in known.items()}
