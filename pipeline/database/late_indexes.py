"""Indexes that are made when the rows are there: one sort for each, instead of a place to be found for every row."""

from __future__ import annotations

import re

from pipeline.database.schema import Table

_INDEX_LINE = re.compile(r"^  (?:UNIQUE )?KEY ", re.MULTILINE)


def may_wait(table: Table) -> bool:
    """Whether all indexes but the primary key can be made afterwards, and the table is then as if they never were."""
    counted = {column.name for column in table.columns if column.counts}
    others = [index for index in table.indexes if index.name != "PRIMARY"]
    return (
        len(others) < len(table.indexes)
        and bool(others)
        and all(_INDEX_LINE.match(f"  {index.definition}") and index.whole for index in others)
        and counted.issubset(table.key[:1])
        and not (table.foreign_keys or table.partitioned or table.versioned)
        and len(table.stored) == len(table.columns)
    )


def index_lines(table: Table) -> list[str]:
    """The indexes besides the primary key, in the order of the definition."""
    lines = [line.rstrip(",").strip() for line in table.create.split("\n")]
    wanted = {index.definition for index in table.indexes if index.name != "PRIMARY"}
    return [line for line in lines if line in wanted]


def bare(table: Table) -> str:
    """The CREATE TABLE without those indexes."""
    wanted = set(index_lines(table))
    kept = [line for line in table.create.split("\n") if line.rstrip(",").strip() not in wanted]
    end = next(number for number, line in enumerate(kept) if line.startswith(")"))
    kept[end - 1] = kept[end - 1].rstrip(",")
    return "\n".join(kept)
