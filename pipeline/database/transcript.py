"""The script that makes a server print its own rows as SQL, for another server's client program to run.

Pure text. Everything is decided inside the server that is read: values become literals there (masked there, too), so
that nothing else has to understand them. The printed SQL also writes down, in the table :data:`LEDGER` of the schema
that receives it, which table it is at and how many rows it should have: progress, proof and marker in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.database.mask_expressions import BYTES, SALT, Field, Kind, mask
from pipeline.database.sql import identifier
from pipeline.database.sql import text as literal
from pipeline.remote.command import Secret

LEDGER = "_palier_clone"
"""While this table exists, the schema that holds it is not a whole clone and must not be used."""

LEDGER_DDL = (
    f"CREATE TABLE {LEDGER} (name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,"
    " copied BIGINT NOT NULL DEFAULT 0, expected BIGINT NULL, done TINYINT NOT NULL DEFAULT 0) ENGINE=InnoDB"
)
_GEOMETRY = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
    | {"geometrycollection", "geomcollection"}
)
_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"})
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_FLOATS = frozenset({"float", "double"})

OPENING = """\
/*M!100100 SET SESSION max_statement_time=0 */;
/*!80000 SET SESSION max_execution_time=0 */;
SET SESSION sql_mode='', time_zone='+00:00', net_write_timeout=7200, wait_timeout=28800;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
"""
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;\n"
RECEIVING = "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00', foreign_key_checks=0, unique_checks=1;"
"""Unique keys are checked while loading: without, a collision of two masked values could go unnoticed. It costs
nothing: on MariaDB 10.11, loading 900,000 rows took 15 s with the checks and 35 s in one transaction without them."""


@dataclass(frozen=True)
class Source:
    """One table to print."""

    name: str
    fields: tuple[Field, ...]
    """The columns that hold values of their own (not the generated ones)."""
    transactional: bool = True
    """Whether its engine takes part in the snapshot; otherwise it may change between reading and counting."""


def printed(
    tables: Iterable[Source], masks: Mapping[str, Mapping[str, Kind]], *, salt: Secret, chunk: int
) -> tuple[str | Secret, ...]:
    """The whole script for the client of the server that is read, in parts: the salt is a secret.

    :param masks: table -> column -> kind.
    :param salt: letters and digits.
    :param chunk: bytes after which an INSERT ends; a single larger row still makes one INSERT.
    """
    rows = "".join(_table(table, masks.get(table.name, {}), chunk) for table in tables)
    return f"{OPENING}SET {SALT}='", salt, f"', @palier_digest='', @palier_row='';\n{SNAPSHOT}{rows}COMMIT;\n"


def _table(table: Source, masks: Mapping[str, Kind], chunk: int) -> str:
    name = literal(table.name)
    begin = f"{RECEIVING}\nINSERT INTO {LEDGER} (name) VALUES ({name});\nBEGIN;"
    count = f"(SELECT COUNT(*) FROM {identifier(table.name)})" if table.transactional else "@palier_rows"
    note = f"UPDATE {LEDGER} SET done=1,copied="
    end = (
        f"CONCAT(IF(@palier_rows>0,';\\n',''),{literal(note)},@palier_rows,',expected=',{count},"
        f"{literal(f' WHERE name={name};')},'\\nCOMMIT;')"
    )
    return "\n".join(
        (
            "SET @palier_rows=0, @palier_bytes=0;",
            f"SELECT {literal(begin)};",
            f"SELECT {_row(table, masks, chunk)} FROM {identifier(table.name)};",
            f"SELECT {end};",
            "",
        )
    )


def _row(table: Source, masks: Mapping[str, Kind], chunk: int) -> str:
    """One printed line for each row. The parts of a CONCAT are evaluated from left to right."""
    insert = literal(f"INSERT INTO {identifier(table.name)} ({_names(table.fields)}) VALUES\n")
    where = literal(f" WHERE name={literal(table.name)};\n")
    progress = f"CONCAT(';\\nUPDATE {LEDGER} SET copied=',@palier_rows,{where},{insert})"
    values = ",',',".join(value(field, mask(masks.get(field.name, "keep"), field)) for field in table.fields)
    too_large = literal(f"\n#\nPalier: a row of the table {table.name} is larger than max_allowed_packet;")
    # Assignments stand in comparisons: "IS NULL" of what can never be NULL is not evaluated at all.
    return (
        f"CONCAT(IF((@palier_row:=CONCAT('(',{values},')'))='','',''),"
        f"CASE WHEN @palier_bytes=0 THEN {insert} WHEN @palier_bytes>{chunk} THEN {progress} ELSE ',' END,"
        f"IFNULL(@palier_row,{too_large}),"
        f"IF((@palier_bytes:=IF(@palier_bytes>{chunk},0,@palier_bytes)+IFNULL(LENGTH(@palier_row),1))<0"
        " OR (@palier_rows:=@palier_rows+1)<0,'',''))"
    )


def _names(fields: Sequence[Field]) -> str:
    return ",".join(identifier(field.name) for field in fields)


def value(field: Field, expression: str) -> str:
    """An expression for the SQL literal of ``expression``, a value of the column ``field``, exactly."""
    if field.type in _NUMBERS:
        return f"IFNULL({expression},'NULL')"
    if field.type in _FLOATS:
        return f"IFNULL({expression}+0e0,'NULL')"  # a FLOAT as such prints six digits only
    if field.type == "bit":
        return f"IFNULL(CONCAT('0x',HEX({expression})),'NULL')"
    if field.type in BYTES or field.type in _GEOMETRY:
        return f"IF({expression} IS NULL,'NULL',IF(LENGTH({expression})=0,'\\'\\'',CONCAT('0x',HEX({expression}))))"
    if field.type in _TEXTS:
        return f"QUOTE(CONVERT({expression} USING utf8mb4))"
    return f"QUOTE(CONVERT(CAST({expression} AS CHAR) USING utf8mb4))"
