"""Which rows others refer to: a row that the update added stays if a row written since needs it.

Two kinds of reference are known. Foreign keys say so themselves. Most shops have none and go by the name of the
column instead: ``id_product`` or ``product_id`` beside a table whose rows are numbered by the server. A name counts
only where the server numbers the parent's key: then no row that was there before can hold the number by chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.database.schema import Table
from pipeline.database.sql import identifier

_WHOLE = {"tinyint", "smallint", "mediumint", "int", "bigint"}


@dataclass(frozen=True)
class Reference:
    """Rows of ``child`` hold in ``columns`` what the parent's rows hold in ``parent_columns``."""

    child: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]


def references(tables: Mapping[str, Table], parent: str, by_name: Collection[str] = ()) -> tuple[Reference, ...]:
    """Who refers to ``parent``: by foreign key, and the tables of ``by_name`` also by their columns' names."""
    declared = [
        Reference(child.name, key.columns, key.parent_columns)
        for child in tables.values()
        for key in child.foreign_keys
        if key.parent == parent
    ]
    named = [found for name in by_name if name in tables for found in _named(tables[parent], tables[name])]
    return tuple(dict.fromkeys([*declared, *named]))


def _named(parent: Table, child: Table) -> Iterator[Reference]:
    number = next((column for column in parent.columns if column.counts), None)
    if number is None or parent.key != (number.name,) or child.is_view:
        return
    wanted = set(_names(parent.name, number.name))
    for column in child.stored:
        own = child.name == parent.name and column.name == number.name
        if column.name.lower() in wanted and column.data_type in _WHOLE and not own and not column.counts:
            yield Reference(child.name, (column.name,), (number.name,))


def _names(table: str, key: str) -> Iterator[str]:
    """What a column that holds this table's numbers may be called, in lower case."""
    if key.lower() != "id":
        yield key.lower()
    words = table.lower().split("_")
    for count in range(1, len(words) + 1):
        one = _singular("_".join(words[-count:]))
        yield from (f"{one}_id", f"id_{one}")


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("s")


def columns_match(left: str, right: str, one: Sequence[str], two: Sequence[str]) -> str:
    """A condition: the columns ``one`` behind ``left`` hold what ``two`` hold behind ``right``."""
    return " AND ".join(f"{left}.{identifier(a)} = {right}.{identifier(b)}" for a, b in zip(one, two, strict=True))
