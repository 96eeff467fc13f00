"""The golden state of staging: what it was after the clone, and what it is with the updates that were kept.

The *base* is a full copy of every table, taken once after the clone. The *kept* overlay copies the tables that kept
updates have changed since. Together they are what staging returns to before each module is tried.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from pipeline.code.ledger import NEVER
from pipeline.code.tree import as_exclusions
from pipeline.database import checkpoint, footprint, put_back, stamps
from pipeline.database.checkpoint import Checkpoint
from pipeline.database.classes import Class
from pipeline.database.connection import Database
from pipeline.database.footprint import Fingerprint, Footprint
from pipeline.errors import PalierError, Refused
from pipeline.evidence.baseline import Baseline
from pipeline.remote.connect import copy_tree
from pipeline.remote.local import LocalHost
from pipeline.steps.site import Shop

CLONE = "clone.json"
BASELINE = "baseline.json"
FINGERPRINT = "fingerprint.json"
BASE, KEPT, TRIED = "base", "kept", "tried"


def code_exclusions(shop: Shop) -> tuple[str, ...]:
    """What is left out wherever code is hashed, compared or committed."""
    return (*as_exclusions(shop.production.platform.not_code), *NEVER)


def _not_mirrored(shop: Shop) -> tuple[str, ...]:
    """The same, wherever code is copied, as rsync takes it."""
    return (*shop.production.platform.not_code, ".git")


@dataclass(frozen=True)
class CloneState:
    """What staging is a clone of: written when a clone is whole and harmless, removed when the next one begins."""

    run: str
    made: dt.datetime
    production: str
    versions: dict[str, str]
    data_versions: dict[str, str | None]
    base_commit: str
    base_tree: str
    checkpoint: Checkpoint

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return (dt.datetime.now(dt.UTC) - self.made).total_seconds()


_ADAPTER = TypeAdapter(CloneState)


def write_state(shop: Shop, state: CloneState) -> None:
    shop.staging.host.write(f"{shop.staging.record}/{CLONE}", _ADAPTER.dump_json(state))


def forget_state(shop: Shop) -> None:
    """From here on staging is no clone until a new one is whole."""
    from pipeline.remote.command import command

    shop.staging.host.run(command("rm", "-f", *(f"{shop.staging.record}/{name}" for name in (CLONE, FINGERPRINT))))


def read_state(shop: Shop) -> CloneState | None:
    """What staging is a clone of; ``None`` if it is none, or an unfinished one."""
    path = f"{shop.staging.record}/{CLONE}"
    if not shop.staging.host.exists(path):
        return None
    try:
        return _ADAPTER.validate_json(shop.staging.host.read(path))
    except ValueError:
        return None


def require_state(shop: Shop) -> CloneState:
    """What staging is a clone of. :raises Refused: if it is none."""
    state = read_state(shop)
    if state is None:
        raise Refused("Staging is no finished clone.", next_step=f"palier clone {shop.name}")
    return state


def take_base(db: Database) -> Checkpoint:
    """A copy of every table; whatever earlier updates left of copies is dropped."""
    checkpoint.clear(db, KEPT)
    checkpoint.clear(db, TRIED)
    return checkpoint.take(db, None, BASE)


def write_fingerprint(shop: Shop, db: Database) -> None:
    """Remember what staging is, just after its base was taken: the next ``update`` then reads only what moved."""
    shop.staging.host.write(f"{shop.staging.record}/{FINGERPRINT}", footprint.fingerprint(db).json())


def read_fingerprint(shop: Shop) -> Fingerprint | None:
    """What staging was when its base was taken; ``None`` if that was not written down."""
    path = f"{shop.staging.record}/{FINGERPRINT}"
    if not shop.staging.host.exists(path):
        return None
    try:
        return Fingerprint.from_json(shop.staging.host.read(path))
    except ValueError:
        return None


def write_baseline(shop: Shop, found: Baseline) -> None:
    """Remember what the shop showed before any update."""
    shop.staging.host.write(f"{shop.staging.record}/{BASELINE}", found.json())


def read_baseline(shop: Shop) -> Baseline:
    """What the shop showed before any update; nothing if there was no baseline."""
    path = f"{shop.staging.record}/{BASELINE}"
    return Baseline.from_json(shop.staging.host.read(path)) if shop.staging.host.exists(path) else Baseline()


def ignored(shop: Shop, db: Database) -> tuple[str, ...]:
    """The throw-away tables: their changes say nothing about an update."""
    from pipeline.database.schema import table_names

    return tuple(name for name in table_names(db) if shop.classes.classify(name) is Class.THROWAWAY)


class Golden:
    """The golden state of one ``update``: the base, and what was kept so far.

    It remembers the fingerprint of each state, so that going back looks only at tables that may have moved since; which
    those are is told by stamps (:mod:`pipeline.database.stamps`), and what was put back is believed only when its
    checksum is the remembered one. :meth:`prove` reads everything, whatever the stamps say.
    """

    def __init__(self, shop: Shop, state: CloneState) -> None:
        self.shop = shop
        self.base = state.checkpoint
        self.kept: Checkpoint | None = None
        self._base = read_fingerprint(shop)
        self._golden = self._base
        self._tried: Fingerprint | None = None

    @property
    def state(self) -> Checkpoint:
        return self.base if self.kept is None else self.kept.over(self.base)

    def fingerprint(self, db: Database) -> Fingerprint:
        """Staging as it is now, without the throw-away tables. What moved since the golden state was seen is read."""
        self._tried = footprint.fingerprint(db, since=self._tried or self._golden)
        return self._tried.only(self._tried.tables.keys() - set(ignored(self.shop, db)))

    def hold(self, db: Database, found: Footprint) -> Checkpoint:
        """A copy of what an update changed, before any smoke test writes."""
        live = [name for name in found.tables if name not in found.removed and name not in found.views]
        return checkpoint.take(db, live, TRIED)

    def keep(self, db: Database, tried: Checkpoint) -> None:
        """The update is good: staging becomes what it was before the smoke tests, and that is golden from now on."""
        self._golden = return_to(db, tried.over(self.state), self._with_update(db))
        self._tried = None
        if self.kept is None:
            self.kept = checkpoint.take(db, [], KEPT)
        self.kept = checkpoint.adopt(db, self.kept, tried)

    def _with_update(self, db: Database) -> Fingerprint | None:
        """What staging is with this update: throw-away tables have no copy of it, and go back to what they were."""
        if self._tried is None or self._golden is None:
            return None
        thrown = set(ignored(self.shop, db))
        tables = {name: state for name, state in self._tried.tables.items() if name not in thrown}
        tables |= {name: state for name, state in self._golden.tables.items() if name in thrown}
        return replace(self._tried, tables=tables)

    def reset(self, db: Database) -> None:
        """Staging's database becomes golden again."""
        self._golden = return_to(db, self.state, self._golden)
        self._tried = None
        checkpoint.clear(db, TRIED)

    def reset_to_base(self, db: Database) -> None:
        """Staging's database becomes what it was after the clone; what was kept stays known."""
        self._base = return_to(db, self.base, self._base)
        self._golden = self._golden or self._base
        self._tried = None
        checkpoint.clear(db, TRIED)

    def prove(self, db: Database) -> None:
        """Read every table of staging and its copy. :raises PalierError: if staging is not golden."""
        _demand(put_back.differences(db, self.state))

    def drop(self, db: Database) -> None:
        checkpoint.clear(db, KEPT)
        checkpoint.clear(db, TRIED)


LARGE = 16_000_000
"""Bytes from which on a table whose rows are numbered is first relieved of its new rows, and then compared."""


def return_to(db: Database, wanted: Checkpoint, known: Fingerprint | None) -> Fingerprint:
    """Put back every table that may have moved, and believe it only when its checksum is the one that is known.

    :param known: the fingerprint of the state that is ``wanted``; ``None``: everything is put back and read.
    :returns: the same state, with the stamps that its tables have now. :raises PalierError: if they differ.
    """
    if known is None:
        restore(db, wanted)
        return footprint.fingerprint(db)
    found = footprint.suspected(db, known)
    large = {name for name, stamp in stamps.read(db)[0].items() if stamp.size >= LARGE}
    if found:
        put_back.restore(db, wanted, found.tables, appended=large)
    after = footprint.fingerprint(db, since=known)
    if wrong := footprint.changed(known, after):
        put_back.restore(db, wanted, wrong.tables)
        after = footprint.fingerprint(db, since=after)
        _demand([str(footprint.changed(known, after))] if footprint.changed(known, after) else [])
    return after


def restore(db: Database, wanted: Checkpoint, tables: Iterable[str] | None = None) -> None:
    """Put tables back, and believe it only when they have been compared. :raises PalierError: if they differ."""
    put_back.restore(db, wanted, tables)
    _demand(put_back.differences(db, wanted, tables))


def _demand(wrong: Sequence[str]) -> None:
    if wrong:
        raise PalierError(
            "Staging could not be returned to its golden state.",
            why=" ".join(wrong[:5]),
            next_step="Make it anew: palier clone SHOP",
        )


def mirror(shop: Shop, name: str) -> str:
    """A folder here that holds staging's code in a golden state: ``code`` is the base, ``kept`` the kept set."""
    return str(shop.house / name)


def pull_code(shop: Shop, name: str) -> None:
    """Make a mirror what staging's code is now."""
    copy_tree(
        shop.staging.host,
        shop.staging.root,
        LocalHost("here"),
        mirror(shop, name),
        exclude=_not_mirrored(shop),
        delete=True,
        by_content=True,
    )


def push_code(shop: Shop, name: str) -> None:
    """Make staging's code what a mirror holds, and forget what was compiled from other code."""
    copy_tree(
        LocalHost("here"),
        mirror(shop, name),
        shop.staging.host,
        shop.staging.root,
        exclude=_not_mirrored(shop),
        delete=True,
        by_content=True,
    )
    if shop.staging.platform.forget_fragment():
        for each in shop.staging.platform.clear_caches():
            shop.staging.host.run(each)
