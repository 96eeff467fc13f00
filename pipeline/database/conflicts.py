"""What a person must know after a way back: each kind of conflict in a sentence, and the statement that lists it."""

from __future__ import annotations

from pipeline.database.merge_plan import MergeTable
from pipeline.database.sql import text

KEPT_ADDED = "the update added this row and somebody wrote it since: it stays"
KEPT_CELL = "the update changed this value and somebody wrote it since: theirs stays"
STAYS_DELETED = "the update changed this row and somebody deleted it since: it stays deleted"
CAME_BACK = "the update removed this row and somebody made it again: theirs stays"
KEPT_REFERRED = "the update added this row and other rows refer to it: it stays"
PARENT_GONE = (
    "the update changed or removed this row, and somebody deleted the row that it referred to: it stays as it is"
)
OVERDRAWN = "without what the update added, this count would be below what the column can hold"
COLLIDES = "another row now holds a value that must be unique: the row stays as it is"
SHORTENED = "the value does not fit the column as it was before: it was shortened"
FEWER = "the update added such rows and somebody changed or deleted some since"
CAME_BACK_TABLE = "the update removed this table and somebody made it again: theirs stays"
NOT_UNIQUE = "rows written since do not allow this unique key: it was not put back"


def conflict(table: MergeTable, key: str, column: str, what: str, stage: str) -> str:
    """The beginning of a statement that reports rows; ``key`` is an expression, a FROM follows."""
    return (
        f"INSERT INTO {table.conflicts} (tab, row_key, col, what, stage)"
        f" SELECT {text(table.name)}, {key}, {text(column)}, {text(what)}, {text(stage)}"
    )
