"""The script that makes a server print its own rows as SQL, for another server's client program to run.

Pure text. Everything is decided inside the server that is read: values become literals there (masked there, too), so
that nothing else has to understand them. The printed SQL also writes down, in the table :data:`LEDGER` of the schema
that receives it, which table it is at and how many rows it should have: progress, proof and marker in one.

Large tables of plain columns are printed as lines for LOAD DATA instead, which the receiving server reads in half the
time; lines that begin with the run's *token* say what follows them (see :mod:`pipeline.database.receiving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.database.mask_expressions import SALT, Field, Kind, mask
from pipeline.database.ranges import Known, Range, sum_of
from pipeline.database.sql import identifier
from pipeline.database.sql import text as literal
from pipeline.database.transcript_values import FLOATS, NUMBERS, TEXTS, value
from pipeline.remote.command import Secret

LEDGER = "_palier_clone"
"""While this table exists, the schema that holds it is not a whole clone and must not be used."""

LEDGER_DDL = (
    f"CREATE TABLE {LEDGER} (name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,"
    " copied BIGINT NOT NULL DEFAULT 0, expected BIGINT NULL, done TINYINT NOT NULL DEFAULT 0) ENGINE=InnoDB"
)
_LOADED = frozenset({"char", "varchar", "tinytext", "text", "enum", "set", "date", "time", "datetime", "timestamp"})
GATE_SECONDS = 60
"""How long a session waits at the gate before it goes on without the others; they are stopped long before."""

OPENING = """\
/*M!100100 SET SESSION max_statement_time=0 */;
/*!80000 SET SESSION max_execution_time=0 */;
SET SESSION sql_mode='', time_zone='+00:00', net_write_timeout=7200, wait_timeout=28800;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
"""
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;\n"
HOLD, LET_GO = "SAVEPOINT palier_table;\n", "ROLLBACK TO SAVEPOINT palier_table;\n"
"""A transaction keeps every table that it has read from being altered until its end, and a waiting ALTER keeps
everybody from that table. This lets each table go as soon as it is read; the snapshot stays."""
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
    load: int | None = None
    """Its number among the tables that are printed for LOAD DATA; ``None``: as INSERT statements."""
    known: Known | None = None
    """What the receiving table holds; ``None``: it is empty."""
    afterwards: str = ""
    """A statement for when its rows are there, such as one that makes its indexes."""


@dataclass(frozen=True)
class Gate:
    """How several sessions come by one snapshot: each says that it is there, waits to be let go, takes its snapshot,
    says so, and waits for the word to begin. Whoever lets them go keeps everybody from writing between the snapshots.
    The properties are names of user-level locks."""

    name: str
    number: int

    @property
    def here(self) -> str:
        return f"{self.name}_here_{self.number}"

    @property
    def go(self) -> str:
        return f"{self.name}_go_{self.number}"

    @property
    def taken(self) -> str:
        return f"{self.name}_taken_{self.number}"

    @property
    def begin(self) -> str:
        return f"{self.name}_begin_{self.number}"

    def snapshot(self) -> str:
        wait = f"DO GET_LOCK('{self.here}',0);\nDO GET_LOCK('{self.go}',{GATE_SECONDS});\n"
        return f"{wait}{SNAPSHOT}DO GET_LOCK('{self.taken}',0);\nDO GET_LOCK('{self.begin}',{GATE_SECONDS});\n"


def printed(
    tables: Iterable[Source],
    masks: Mapping[str, Mapping[str, Kind]],
    *,
    salt: Secret,
    chunk: int,
    token: str = "",
    gate: Gate | None = None,
) -> tuple[str | Secret, ...]:
    """The whole script for the client of the server that is read, in parts: the salt is a secret.

    :param masks: table -> column -> kind.
    :param salt: letters and digits.
    :param chunk: bytes after which an INSERT ends; a single larger row still makes one INSERT.
    :param token: what the lines between sections begin with; empty: there is one section, of SQL.
    """
    rows = "".join(f"{HOLD}{_table(table, masks.get(table.name, {}), chunk, token)}{LET_GO}" for table in tables)
    snapshot = gate.snapshot() if gate else SNAPSHOT
    return f"{OPENING}SET {SALT}='", salt, f"', @palier_digest='', @palier_row='';\n{snapshot}{rows}COMMIT;\n"


def _table(table: Source, masks: Mapping[str, Kind], chunk: int, token: str) -> str:
    if table.known is not None:
        return _again(table, table.known, masks, chunk, token)
    name = literal(table.name)
    begin = f"{RECEIVING}\nINSERT INTO {LEDGER} (name) VALUES ({name});"
    count = f"(SELECT COUNT(*) FROM {identifier(table.name)})" if table.transactional else "@palier_rows"
    note = f"UPDATE {LEDGER} SET done=1,copied="
    noted = f"{literal(note)},@palier_rows,',expected=',{count},{literal(f' WHERE name={name};')}"
    rows = _lines(table, masks, token) if table.load is not None else _inserts(table, masks, chunk)
    last = (
        f"CONCAT({noted})" if table.load is not None else f"CONCAT(IF(@palier_rows>0,';\\n',''),{noted},'\\nCOMMIT;')"
    )
    return "\n".join(
        (
            *([f"SELECT {literal(token + ' SQL')};"] if token else []),
            f"SELECT {literal(begin if table.load is not None else begin + chr(10) + 'BEGIN;')};",
            *rows,
            f"SELECT {last};",
            *([f"SELECT {literal(table.afterwards + ';')};"] if table.afterwards else []),
            "",
        )
    )


def _again(table: Source, known: Known, masks: Mapping[str, Kind], chunk: int, token: str) -> str:
    """Only the ranges whose sums differ; the sum is read in the same snapshot as the rows."""
    name, to = literal(table.name), identifier(table.name)
    summed = sum_of([value(field, mask(masks.get(field.name, "keep"), field)) for field in table.fields])
    noted = f"UPDATE {LEDGER} SET done=1,copied="
    lines = [f"SELECT {literal(token + ' SQL')};"] if token else []
    lines.append(f"SELECT {literal(f'{RECEIVING}{chr(10)}INSERT INTO {LEDGER} (name) VALUES ({name});')};")
    for each in known.ranges:
        lines += _range(table, each, masks, chunk, summed)
    lines.append(f"SET @palier_rows=(SELECT COUNT(*) FROM {to});")
    end = literal(f" WHERE name={name};")
    lines.append(f"SELECT CONCAT({literal(noted)},@palier_rows,',expected=',@palier_rows,{end});")
    return "\n".join([*lines, ""])


def _range(table: Source, part: Range, masks: Mapping[str, Kind], chunk: int, summed: str) -> tuple[str, ...]:
    to, sent = identifier(table.name), "@palier_sent"
    differs = f"(SELECT {summed} FROM {to} WHERE {part.condition})<>{literal(part.sum)}"
    # The table is the second one of a join: it is not read at all where the first has no row.
    only_if = f"(SELECT 1 AS palier_sent FROM DUAL WHERE {sent}) palier_sent"
    return (
        f"SET {sent}={differs}, @palier_rows=0, @palier_bytes=0;",
        f"SELECT {literal(f'BEGIN;{chr(10)}DELETE FROM {to} WHERE {part.condition};')} FROM DUAL WHERE {sent};",
        f"SELECT {_row(table, masks, chunk)} FROM {only_if} STRAIGHT_JOIN {to} WHERE {part.condition};",
        f"SELECT IF(@palier_rows>0,';\\nCOMMIT;','COMMIT;') FROM DUAL WHERE {sent};",
    )


def _inserts(table: Source, masks: Mapping[str, Kind], chunk: int) -> tuple[str, ...]:
    rows = f"SELECT {_row(table, masks, chunk)} FROM {identifier(table.name)};"
    return "SET @palier_rows=0, @palier_bytes=0;", rows


def _lines(table: Source, masks: Mapping[str, Kind], token: str) -> tuple[str, ...]:
    """One line for each row: numbers and dates as they are, texts quoted, NULL as the bare word, bytes as digits."""
    cells = ",".join(_cell(field, mask(masks.get(field.name, "keep"), field)) for field in table.fields)
    return (
        f"SELECT {literal(f'{token} {table.load}')};",
        f"SELECT {cells} FROM {identifier(table.name)};",
        "SET @palier_rows=FOUND_ROWS();",
        f"SELECT {literal(f'{token} SQL')};",
        f"SELECT {literal(RECEIVING)};",
    )


def _cell(field: Field, expression: str) -> str:
    if field.type in TEXTS:
        return f"QUOTE(CONVERT({expression} USING utf8mb4))"
    return f"{expression}+0e0" if field.type in FLOATS else expression


def loadable(fields: Iterable[Field]) -> bool:
    """Whether LOAD DATA brings every value back exactly. Texts that may outgrow a packet go by INSERT, which notices.

    So do bytes: they would need the SET clause, with which LOAD DATA numbers a row whose number is 0 anew.
    """
    return all(field.type in NUMBERS | FLOATS | _LOADED for field in fields)


def load_statement(table: Source) -> str:
    """The statement that reads, from standard input, the lines printed for ``table``."""
    return (
        f"{RECEIVING} SET SESSION net_read_timeout=86400;"
        f" LOAD DATA LOCAL INFILE '/dev/stdin' INTO TABLE {identifier(table.name)} CHARACTER SET utf8mb4"
        r" FIELDS TERMINATED BY '\t' OPTIONALLY ENCLOSED BY '\'' ESCAPED BY '\\' LINES TERMINATED BY '\n'"
        f" ({_names(table.fields)})"
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
