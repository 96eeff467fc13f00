"""Production's tables behind the maintenance page: guarded before the upgrade, compared after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.database import checkpoint, footprint, merge
from pipeline.database.checkpoint import Checkpoint
from pipeline.database.classes import Class
from pipeline.database.connection import Database
from pipeline.database.footprint import Fingerprint, Footprint
from pipeline.database.merge_script import MERGE_FILE, data_fragment, merge_script
from pipeline.database.schema import read as read_schema
from pipeline.engine import Act, Step
from pipeline.errors import PalierError, Refused
from pipeline.record import Record
from pipeline.steps.golden import ignored
from pipeline.steps.site import Shop, Site

PRE = "pre"
BYTES_A_SECOND = 30_000_000
"""What copying a table inside the server is reckoned at; measured 32 MB/s on two cores."""
SECONDS_A_TABLE = 0.012
UNGUARDED = "unguarded"


class Surprise(PalierError):
    """The upgrade changed tables on production that it did not change on staging."""


@dataclass
class Guarded:
    """What the critical section learns about production's tables as it goes."""

    checkpoint: Checkpoint | None = None
    before: Fingerprint = field(default_factory=lambda: Fingerprint({}))
    found: Footprint = field(default_factory=Footprint)


def tables_to_guard(shop: Shop, db: Database, expected: Footprint, seconds: int) -> tuple[str, ...]:
    """The footprint's tables, and besides them, smallest first, as many as can be copied in ``seconds``.

    Throw-away tables are not guarded: they are never restored.
    """
    sizes = {
        name: int(size or 0)
        for name, size in db.rows(
            "SELECT table_name, data_length FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT LIKE '\\\\_palier\\\\_%'"
        )
    }
    chosen = [name for name in expected.existing if name in sizes]
    left = float(seconds)
    for name in sorted(sizes.keys() - set(chosen), key=lambda name: sizes[name]):
        if shop.classes.classify(name) is Class.THROWAWAY:
            continue
        left -= SECONDS_A_TABLE + sizes[name] / BYTES_A_SECOND
        if left < 0:
            break
        chosen.append(name)
    return tuple(sorted(chosen))


def refuse_what_cannot_be_undone(shop: Shop, expected: Footprint) -> None:
    """:raises Refused: naming each table of the footprint that could not be put back exactly. Before anything is touched."""
    with shop.production.database.connected() as db, shop.staging.database.connected() as tried:
        before, after = read_schema(db), read_schema(tried)
        guarded = {name: before[name] for name in expected.existing if name in before}
        wrong = [*merge.refuse(before, after, expected), *merge.refuse_triggers(db, guarded)]
    if wrong:
        raise Refused(
            "The updates could not be taken back exactly.",
            why=" ".join(wrong),
            next_step="Leave the module out of the playbook, or promote it by hand with a full snapshot.",
        )


def checkpoint_tables(shop: Shop, expected: Footprint, guarded: Guarded, *, seconds: int) -> Step:
    """Copies inside the server, exact because nobody writes."""
    site = shop.production

    def take() -> str:
        with site.database.connected() as db:
            chosen = tables_to_guard(shop, db, expected, seconds)
            guarded.checkpoint = checkpoint.take(db, chosen, PRE)
            guarded.before = footprint.fingerprint(db, ignore=ignored(shop, db))
        rows = sum(copy.rows for copy in guarded.checkpoint.copies.values())
        return f"{len(chosen)} of {len(guarded.checkpoint.present)} tables, {rows:,} rows"

    return Step(
        "Checkpoint the footprint",
        (
            Act(
                f"copy {', '.join(expected.existing) or 'no table'}, and what fits into {seconds} s besides, inside the server",
                take,
            ),
        ),
        host=site.host.name,
        critical=True,
    )


def guard_tables(shop: Shop, guarded: Guarded) -> Step:
    """The data's way back lies on the host before anything can change the data."""
    site = shop.production

    def fragment() -> str:
        assert guarded.checkpoint is not None, "the step before took it"
        return (
            data_fragment(guarded.checkpoint, site.database.name, program=site.database.program, prefix=site.prefix)
            + _HELD
        )

    def whole() -> str:
        assert guarded.checkpoint is not None, "the step before took it"
        return f"{len(guarded.checkpoint.copies)} tables can be put back exactly"

    return Step(
        "Write the way back of the data",
        (Act("write it to the host as a shell script", whole),),
        host=site.host.name,
        undo=fragment,
        critical=True,
    )


_HELD = f"""
if [ -e {UNGUARDED} ] && [ ! -e opened ]; then
    echo "These tables were changed and have no copy; restore them from the snapshot beside this script:" >&2
    cat {UNGUARDED} >&2
    exit 1
fi
"""


def verify_footprint(shop: Shop, record: Record, expected: Footprint, guarded: Guarded) -> Step:
    """Production's footprint must be staging's. :raises Surprise: (in the act) if it is not."""
    site = shop.production

    def verify() -> str:
        assert guarded.checkpoint is not None, "an earlier step took it"
        with site.database.connected() as db:
            guarded.found = footprint.changed(guarded.before, footprint.fingerprint(db, ignore=ignored(shop, db)))
        surprise = guarded.found.beyond(expected)
        lost = sorted(
            set(surprise)
            & set(guarded.checkpoint.present) - set(guarded.checkpoint.copies) - set(guarded.checkpoint.views)
        )
        if lost:
            record.write(UNGUARDED, "\n".join(lost) + "\n")
        if surprise:
            raise Surprise(
                f"The upgrade changed tables on production that it did not change on staging: {', '.join(surprise)}.",
                why=f"Of these, {', '.join(lost)} have no copy." if lost else "All of them have copies.",
            )
        return str(guarded.found)

    return Step(
        "Verify the footprint",
        (Act("compare every table with its fingerprint, and with staging's footprint", verify),),
        host=site.host.name,
        critical=True,
    )


def record_row_changes(shop: Shop, record: Record, guarded: Guarded) -> Step:
    """What the update did to each row is kept, so that a later rollback can tell it from what customers did."""
    site = shop.production

    def keep() -> str:
        assert guarded.checkpoint is not None, "an earlier step took it"
        with site.database.connected() as db:
            found = footprint.changed(guarded.before, footprint.fingerprint(db, ignore=ignored(shop, db)))
            plan = merge.record(
                db,
                guarded.checkpoint,
                _guarded(found, guarded.checkpoint),
                ignore=_noise(site),
                counters=_counters(shop),
            )
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
    """The part of a footprint that can be merged. What the smoke suites wrote elsewhere (a basket) is no update's."""

    def known(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            name for name in names if name in copies.copies or name in copies.views or name not in copies.present
        )

    return Footprint(
        known(found.added), known(found.removed), known(found.altered), known(found.rewritten), found.views
    )


def _noise(site: Site) -> Mapping[str, str]:
    return {f"{site.prefix}{table}": predicate for table, predicate in site.platform.noise.items()}


def _counters(shop: Shop) -> Mapping[str, tuple[str, ...]]:
    """Columns that everybody adds to and takes from, such as stock: a rollback takes back the update's difference."""
    site = shop.production
    known = {**site.platform.known_tables.counters, **shop.inventory.tables.counters}
    return {f"{site.prefix}{table}": columns for table, columns in known.items()}
