"""What the way back after reopening is written from: for each table, what the update did to it and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from pipeline.database.checkpoint import Copy
from pipeline.database.references import Reference
from pipeline.database.schema import Column, Table
from pipeline.database.sql import own

CONFLICTS, STATE = "conflicts", "state"
"""Tables of one run: what a person must know after the way back; which of its parts are done."""
ACTION = "_palier_act"
"""The column of a work table that says what happens to the row: 1 it is put back, 2 it goes, 0 it stays as it is."""


@dataclass(frozen=True)
class MergeTable:
    """What the update did to one table. Without ``before`` it made the table, without ``after`` it removed it."""

    number: int
    name: str
    before: Copy | None
    after: Table | None
    added: int = 0
    changed: int = 0
    removed: int = 0
    columns: tuple[str, ...] = ()
    """Columns that both states have, whose values the update changed in at least one row."""
    counters: tuple[str, ...] = ()
    """Number columns that everybody adds to and takes from: the update's difference is taken back, not its value."""
    references: tuple[Reference, ...] = ()
    """Who refers to this table's rows."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Columns that the update only gave another name: the old one and the new one."""
    of: str = ""
    """The run whose tables these are: every promotion keeps its own."""

    @property
    def key(self) -> tuple[str, ...]:
        return self.before.table.key if self.before and self.after else ()

    @property
    def copy(self) -> Copy:
        """The checkpoint's copy, of a table that was there before."""
        if self.before is None:
            raise ValueError(f"{self.name} was made by the update")
        return self.before

    @property
    def then(self) -> Table:
        """How the table was built before the update."""
        return self.copy.table

    @property
    def now(self) -> Table:
        """How the update left it."""
        if self.after is None:
            raise ValueError(f"{self.name} was removed by the update")
        return self.after

    @property
    def altered(self) -> bool:
        return bool(self.before and self.after and self.before.table.create != self.after.create)

    @property
    def touched(self) -> int:
        return self.added + self.changed + self.removed

    @property
    def post(self) -> str:
        """The images of the rows that the update added or changed; without a key: fingerprints and differences."""
        return own("post", self.of, self.number)

    @property
    def gone(self) -> str:
        """The images of the rows that the update removed."""
        return own("gone", self.of, self.number)

    @property
    def work(self) -> str:
        """Empty until the way back is taken; then what is done to each row."""
        return own("work", self.of, self.number)

    @property
    def wide(self) -> str:
        """What the columns with another type hold just before the reverse ALTER."""
        return own("wide", self.of, self.number)

    @property
    def aside(self) -> str:
        """Where a table goes that the update made, or what others wrote into columns that it added."""
        return own("aside", self.of, self.number)

    @property
    def cells(self) -> str:
        """What the update itself wrote into the columns that it added."""
        return own("cells", self.of, self.number)

    @property
    def conflicts(self) -> str:
        return own(CONFLICTS, self.of)

    @property
    def gained(self) -> tuple[Column, ...]:
        """The columns that the update added, without the generated ones."""
        if self.before is None or self.after is None:
            return ()
        return tuple(column for column in self.after.stored if not self.before.table.has(column.name))


@dataclass(frozen=True)
class MergePlan:
    """All that the way back after reopening is written from."""

    tables: tuple[MergeTable, ...]
    views_before: dict[str, Table]
    views_added: tuple[str, ...]
    map: str
    """The checkpoint's map, which knows the highest AUTO_INCREMENT."""
    of: str = ""

    @property
    def conflicts(self) -> str:
        """The table that lists what a person must know after the way back."""
        return own(CONFLICTS, self.of)

    @property
    def state(self) -> str:
        """The table that says which parts of the way back are done."""
        return own(STATE, self.of)

    def json(self) -> str:
        return _ADAPTER.dump_json(self).decode()

    @staticmethod
    def from_json(content: str | bytes) -> MergePlan:
        return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(MergePlan)
