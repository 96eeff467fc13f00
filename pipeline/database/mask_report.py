"""What a clone has masked, counted by column where it arrived: masks keep NULL and '', so every other value is one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.database.connection import Database
from pipeline.database.mask_expressions import BYTES, TEXTS, Kind, mask
from pipeline.database.masks import fields
from pipeline.database.schema import Table
from pipeline.database.sql import identifier

SEARCHED: frozenset[Kind] = frozenset({"inside", "keyed", "setting"})
"""Kinds whose values are looked into, and changed only where there is something in them."""


@dataclass(frozen=True)
class ColumnMasked:
    """One column: its kind, and how many of its values went through the mask."""

    table: str
    column: str
    kind: Kind
    values: int

    @property
    def replaced(self) -> bool:
        """Whether every value was replaced; otherwise they were searched for people and keys."""
        return self.kind not in SEARCHED


@dataclass(frozen=True)
class MaskReport:
    """Every masked column that has values, and the tables whose rows were left out."""

    columns: tuple[ColumnMasked, ...]
    emptied: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "replaced": self._totals(replaced=True)[0],
            "searched": self._totals(replaced=False)[0],
            "columns": [
                {
                    "table": each.table,
                    "column": each.column,
                    "kind": each.kind,
                    "values": each.values,
                    "done": "replaced" if each.replaced else "searched for people and keys",
                }
                for each in self.columns
            ],
            "emptied_tables": list(self.emptied),
        }

    def __str__(self) -> str:
        (values, columns), (looked, more) = self._totals(replaced=True), self._totals(replaced=False)
        return (
            f"masked {values:,} values in {columns} columns, searched {looked:,} values in {more} more "
            f"for people and keys, left out the rows of {len(self.emptied)} tables"
        )

    def _totals(self, *, replaced: bool) -> tuple[int, int]:
        found = [each.values for each in self.columns if each.replaced is replaced]
        return sum(found), len(found)


def read(
    db: Database, tables: Mapping[str, Table], masks: Mapping[str, Mapping[str, Kind]], throwaway: Collection[str]
) -> MaskReport:
    """Count on the receiving side: one look at each table that has a mask."""
    columns = tuple(
        found
        for name in sorted(masks)
        if name in tables and name not in throwaway and not tables[name].is_view
        for found in _columns(db, tables[name], masks[name])
    )
    return MaskReport(columns, tuple(sorted(name for name in throwaway if name in tables)))


def _columns(db: Database, table: Table, masks: Mapping[str, Kind]) -> Iterator[ColumnMasked]:
    # A number called after an address has a kind, and stays as it is.
    changing = {
        field.name: masks[field.name]
        for field in fields(table)
        if field.name in masks and mask(masks[field.name], field) != identifier(field.name)
    }
    if not changing:
        return
    sums = ",".join(f"COALESCE(SUM({_there(table, column)}),0)" for column in changing)
    (counts,) = db.rows(f"SELECT {sums} FROM {identifier(table.name)}")
    for (column, kind), count in zip(changing.items(), counts, strict=True):
        if int(count):
            yield ColumnMasked(table.name, column, kind, int(count))


def _there(table: Table, column: str) -> str:
    """Whether a row has a value there. Numbers and dates have one unless they are NULL."""
    name = identifier(column)
    text = table.column(column).data_type in TEXTS | BYTES
    return f"({name} IS NOT NULL AND {name}<>'')" if text else f"({name} IS NOT NULL)"
