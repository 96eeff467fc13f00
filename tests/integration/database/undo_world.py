"""A schema that updates and customers write to, and what the way back must make of it: told by a model in Python.

The model knows nothing of Palier's SQL: it is given what each table held before, after and now, cell by cell as the
server's own bytes, and says which rows and which conflicts the way back must end with.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from pipeline.database import conflicts, schema
from pipeline.database.connection import Credentials, Database
from pipeline.database.sql import identifier
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

_NUMBERS = count(1)
Cell = str | None
Row = dict[str, Cell]
Rows = dict[str, Row]
Conflict = tuple[str, str, str, str]
Listed = Counter[frozenset[tuple[str, Cell]]]


@dataclass
class Shop:
    """A schema, a run's folder with the client's option file two levels up, and what runs there."""

    db: Database
    folder: Path

    def sql(self, *statements: str) -> None:
        for statement in statements:
            self.db.execute(statement)

    def undo(self, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "undo.sh").write_text(text)
        return subprocess.run(
            ["/bin/sh", "undo.sh"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **environment},
        )

    def conflicts(self) -> Counter[Conflict]:
        lines = (self.folder / "conflicts.txt").read_text().splitlines()
        cells = (line.replace("\\\\", "\\").split("\t") for line in lines)
        return Counter((row[0], row[1], row[2], row[3]) for row in cells)

    def empty(self) -> None:
        """Take the schema back to nothing, and the run's folder too."""
        self.sql("SET SESSION foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO'")
        sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        for name, kind in self.db.rows(sql):
            self.sql(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} IF EXISTS {identifier(name)}")
        self.sql("SET SESSION foreign_key_checks=1")
        for name in ("opened", "merge.sh", "conflicts.txt"):
            (self.folder / name).unlink(missing_ok=True)


@contextmanager
def shop(server: MariaDB, folder: Path) -> Iterator[Shop]:
    """An empty schema with an account that may do everything in it and nothing outside."""
    name = f"undo_{next(_NUMBERS)}"
    server.create(name, name, "p'a\"s#s\\w é")
    run = folder / "runs" / "r 1"
    run.mkdir(parents=True)
    credentials = Credentials(name, name, Secret("p'a\"s#s\\w é"), port=server.port)
    database = Database(LocalHost(), credentials, str(folder / "client.cnf"))
    database.place_client_file()
    with database.connected() as db:
        yield Shop(db, run)
    server.admin(f"DROP DATABASE `{name}`; DROP USER `{name}`@`%`;")
    shutil.rmtree(folder, ignore_errors=True)


def image(db: Database, table: schema.Table, key: tuple[str, ...] | None = None) -> tuple[Rows, list[Row]]:
    """What a table holds: by key, and (for tables without one) as a list; every cell as the server's bytes.

    Rows are told apart as the server does: by the weight of the key in its collation.
    """
    key = table.key if key is None else key
    cells = ", ".join(_cell(column) for column in table.stored)
    weights = [_weight(table.column(name)) for name in key]
    shown = [_key_text(table.column(name)) for name in key]
    parts = [f"CONCAT_WS('|', {', '.join(item)})" if item else "''" for item in (weights, shown)]
    names = [column.name for column in table.stored]
    keyed: Rows = {}
    listed: list[Row] = []
    for weight, text, *values in db.rows(f"SELECT {', '.join(parts)}, {cells} FROM {identifier(table.name)}"):
        row = dict(zip(names, values, strict=True))
        listed.append(row)
        if key:
            keyed[weight] = {**row, "": text.replace("|", ",")}
    return keyed, listed


def _cell(column: schema.Column) -> str:
    name = identifier(column.name)
    if column.data_type in {"float", "double"}:
        name = f"CONCAT({name} + 0e0)"
    elif column.data_type == "bit":
        name = f"CONCAT({name} + 0)"
    elif column.charset:
        name = f"CONVERT({name} USING utf8mb4)"
    return f"HEX(CAST({name} AS BINARY))"


def _weight(column: schema.Column) -> str:
    name = identifier(column.name)
    return f"HEX(WEIGHT_STRING(RTRIM({name})))" if column.charset else f"HEX(CAST({name} AS BINARY))"


def _key_text(column: schema.Column) -> str:
    name = identifier(column.name)
    return f"HEX({name})" if "binary" in column.data_type else f"CAST({name} AS CHAR)"


@dataclass
class Expected:
    """How a table must end, and what must be reported."""

    rows: Rows = field(default_factory=dict)
    listed: Counter[frozenset[tuple[str, Cell]]] = field(default_factory=Counter)
    conflicts: Counter[Conflict] = field(default_factory=Counter)


@dataclass
class Three:
    """One table before the update, after it, and now. Its other unique keys are of numbers, which need no collation."""

    name: str
    before: schema.Table
    after: schema.Table
    pre: tuple[Rows, list[Row]]
    post: tuple[Rows, list[Row]]
    live: tuple[Rows, list[Row]]

    def expected(self) -> Expected:
        return self._keyed() if self.before.key else self._listed()

    def _keyed(self) -> Expected:
        pre, post, live = self.pre[0], self.post[0], self.live[0]
        said: Counter[Conflict] = Counter()
        goes: set[str] = set()
        wanted: Rows = {}
        for key in {*pre, *post}:
            if key not in pre:
                self._added(key, goes, said)
            elif key not in post:
                self._removed(key, wanted, said)
            else:
                self._changed(key, wanted, said)
        stay = self._collide(wanted, goes)
        for key in stay:
            said[self._said(wanted[key], "", conflicts.COLLIDES)] += 1
        rows = {key: row for key, row in live.items() if key not in goes}
        rows |= {key: row for key, row in wanted.items() if key not in stay}
        return Expected({key: self._back(key, row) for key, row in rows.items()}, conflicts=said)

    @property
    def _shared(self) -> list[str]:
        return [column.name for column in self.after.stored if self.before.has(column.name)]

    def _added(self, key: str, goes: set[str], said: Counter[Conflict]) -> None:
        post, live = self.post[0], self.live[0]
        if key in live and _same(live[key], post[key], self.after.stored_names):
            goes.add(key)
        elif key in live:
            said[self._said(live[key], "", conflicts.KEPT_ADDED)] += 1

    def _removed(self, key: str, wanted: Rows, said: Counter[Conflict]) -> None:
        pre, live = self.pre[0], self.live[0]
        if key not in live:
            wanted[key] = {**dict.fromkeys(self.after.stored_names), **pre[key]}
        elif not _same(live[key], pre[key], self._shared):
            said[self._said(live[key], "", conflicts.CAME_BACK)] += 1

    def _changed(self, key: str, wanted: Rows, said: Counter[Conflict]) -> None:
        pre, post, live = self.pre[0][key], self.post[0][key], self.live[0].get(key)
        moved = [name for name in self._shared if post[name] != pre[name]]
        if moved and live is None:
            said[self._said(post, "", conflicts.STAYS_DELETED)] += 1
        elif moved and live is not None:
            wanted[key] = dict(live)
            for name in moved:
                if live[name] == post[name]:
                    wanted[key][name] = live[name] if self._retyped(name) else pre[name]
                elif live[name] != pre[name] and not self._moved_on(name, pre, post, live):
                    said[self._said(live, name, conflicts.KEPT_CELL)] += 1

    def _moved_on(self, name: str, pre: Row, post: Row, live: Row) -> bool:
        """A time of the last change, which everybody moves on: no news in itself."""
        column, cells = self.after.column(name), [pre[name], post[name], live[name]]
        late = [cell for cell in cells if cell is not None]
        times = column.data_type in {"date", "datetime", "timestamp"} and late == sorted(set(late)) and len(late) == 3
        return column.stamped or (times and not self._retyped(name))

    def _back(self, key: str, row: Row) -> Row:
        """The row after the reverse ALTER: the columns of before; those that were gone or had another type filled."""
        pre, post, live = self.pre[0], self.post[0], self.live[0]
        result: Row = {"": row[""]}
        for column in self.before.stored:
            name = column.name
            if not self.after.has(name):
                result[name] = pre[key][name] if key in pre else "default"
            elif (
                self._retyped(name)
                and key in pre
                and (
                    (key in post and post[key][name] != pre[key][name] and live.get(key, row)[name] == post[key][name])
                    or (key not in post and key not in live)
                )
            ):
                result[name] = pre[key][name]
            else:
                result[name] = row[name]
        return result

    def _retyped(self, name: str) -> bool:
        one, two = self.before.column(name), self.after.column(name)
        return (one.type, one.charset, one.nullable) != (two.type, two.charset, two.nullable)

    def _collide(self, wanted: Rows, goes: set[str]) -> set[str]:
        """Which rows cannot go back: a row that stays holds their value of a unique key. And whoever follows."""
        stay = set[str]()
        unique = [i.columns for i in self.after.indexes if i.unique and set(i.columns) != set(self.before.key)]
        changed = {
            n
            for k, row in self.post[0].items()
            if k in self.pre[0]
            for n in row
            if n in self.pre[0][k] and row[n] != self.pre[0][k][n]
        }
        gone = set(self.pre[0]) - set(self.post[0])
        for _ in range(40):
            for columns in unique:
                if gone or changed.intersection(columns):
                    self._round(columns, wanted, goes, stay)
        return stay

    def _round(self, columns: tuple[str, ...], wanted: Rows, goes: set[str], stay: set[str]) -> None:
        live = self.live[0]
        still = {key: row for key, row in live.items() if key not in goes and (key not in wanted or key in stay)}
        held = {self._value(row, columns): key for key, row in still.items()}
        values = {key: self._value(row, columns) for key, row in wanted.items()}
        stay |= {key for key, value in values.items() if value is not None and held.get(value, key) != key}
        many = Counter(value for key, value in values.items() if key not in stay and value is not None)
        stay |= {
            key
            for key, value in values.items()
            if key not in stay
            and value
            and many[value] > 1
            and (key not in live or self._value(live[key], columns) != value)
        }

    def _value(self, row: Row, columns: tuple[str, ...]) -> tuple[str, ...] | None:
        values = [row.get(name) for name in columns]
        if any(value is None for value in values):
            return None
        return tuple(str(value) for value in values)

    def _said(self, row: Row, column: str, what: str) -> Conflict:
        return self.name, str(row[""]), column, what

    def _listed(self) -> Expected:
        shared = [c.name for c in self.after.stored if self.before.has(c.name)]
        pre, post = (Counter(_frozen(row, shared) for row in rows) for rows in (self.pre[1], self.post[1]))
        live = Counter(_frozen(row, shared) for row in self.live[1])
        said: Counter[Conflict] = Counter()
        result: Counter[frozenset[tuple[str, Cell]]] = Counter()
        for row in {*pre, *post, *live}:
            more = post[row] - pre[row]
            result[row] = max(0, live[row] - max(more, 0)) + max(0, -more)
            if live[row] < more:
                said[self.name, "", "", conflicts.FEWER] += 1
        for row in self._stay_away(pre, post, live):
            result[row] -= 1
            said[self.name, "", "", conflicts.COLLIDES] += 1
        return Expected(listed=+result, conflicts=said)

    def _stay_away(self, pre: Listed, post: Listed, live: Listed) -> Iterator[frozenset[tuple[str, Cell]]]:
        """Rows that would come back and meet, on a unique column, a row that is there."""
        there = [dict(row) for row in live if live[row] > max(0, post[row] - pre[row])]
        for row in pre:
            for columns in (index.columns for index in self.after.indexes if index.unique):
                value = self._value(dict(row), columns)
                if pre[row] > post[row] and value and value in [self._value(other, columns) for other in there]:
                    yield row
                    break

    def aside(self) -> dict[str, Cell]:
        """By key: what others wrote into the column ``n``, which the update added."""
        if not self.before.key or self.before.has("n") or not self.after.has("n"):
            return {}
        default = (
            "37" if self.after.column("n").type.startswith("int") and not self.after.column("n").nullable else None
        )
        post = {key: row["n"] for key, row in self.post[0].items()}
        return {key: row["n"] for key, row in self.live[0].items() if row["n"] != post.get(key, default)}


def _same(one: Row, two: Row, columns: list[str] | tuple[str, ...]) -> bool:
    return all(one[name] == two[name] for name in columns)


def _frozen(row: Row, columns: list[str]) -> frozenset[tuple[str, Cell]]:
    return frozenset((name, row[name]) for name in columns)


def frozen(rows: list[Row], columns: tuple[str, ...]) -> Counter[frozenset[tuple[str, Cell]]]:
    """Rows without a key, as what the model says of them."""
    return Counter(_frozen(row, list(columns)) for row in rows)
