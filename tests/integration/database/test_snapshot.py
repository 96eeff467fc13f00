# ruff: noqa: E501 - dumps and SQL are easier to read unbroken
"""Snapshots of a real schema: taken while the shop is open, and refused for every way in which a file can be wrong."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from pipeline.database import schema
from pipeline.database.connection import Credentials, Database
from pipeline.database.restoring import prove, restore_into
from pipeline.database.snapshot import (
    Snapshot,
    SnapshotBroken,
    SnapshotFailed,
    check,
    load,
    restore_command,
    take,
)
from pipeline.demo.mariadb import MariaDB
from pipeline.errors import Refused
from pipeline.events import Event, Progress
from pipeline.remote.command import Command, Secret
from pipeline.remote.host import Result
from pipeline.remote.local import LocalHost

pytestmark = pytest.mark.integration
_NUMBERS = count(1)

SHOP = [
    "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, reference VARCHAR(20) UNIQUE, note LONGTEXT, raw BLOB)",
    "CREATE TABLE `odd ``name` (a INT, b INT AS (a+1) VIRTUAL, c VARCHAR(50))",
    "CREATE TABLE isam (id INT) ENGINE=MyISAM",
    "CREATE TABLE nothing (id INT)",
    "CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3",
    "CREATE TABLE _palier_checkpoint_1 (id INT)",
    "CREATE VIEW shown AS SELECT id FROM orders",
    "CREATE TRIGGER busy BEFORE INSERT ON nothing FOR EACH ROW BEGIN\nINSERT INTO `isam` VALUES\n(1);\nINSERT INTO `isam` VALUES (2),(3);\nEND",
    "CREATE PROCEDURE told() BEGIN\n-- Dump completed\nSELECT 1;\nEND",
    "INSERT INTO `odd ``name` (a,c) VALUES (1,'x'),(2,'(1),(2);'),(3,NULL)",
    "INSERT INTO isam VALUES (1),(2)",
    "INSERT INTO parts SELECT seq FROM seq_1_to_10",
]
NOTES = [
    "plain",
    "it's\n(1,2);\n-- Dump completed on 2026",
    "\\'),('",
    "INSERT INTO `isam` VALUES\n(1);",
    "😀\0\x1a",
    ");",
    "(",
]


@pytest.fixture
def shop(mariadb: MariaDB, scratch: Path) -> Iterator[Database]:
    with _database(mariadb, f"snap_{next(_NUMBERS)}", scratch) as db:
        for statement in SHOP:
            db.execute(statement)
        for number, note in enumerate(NOTES):
            db.execute("INSERT INTO orders (reference,note,raw) VALUES (%s,%s,%s)", (f"R{number}", note, note.encode()))
        yield db


class _database(ExitStack):  # noqa: N801 - reads as a verb in `with`
    def __init__(self, mariadb: MariaDB, name: str, folder: Path) -> None:
        super().__init__()
        mariadb.create(name, name, "geheim")
        self.callback(mariadb.admin, f"DROP DATABASE {name}")
        self.database = Database(
            LocalHost("production"),
            Credentials(name, name, Secret("geheim"), port=mariadb.port),
            str(folder / f"{name}.cnf"),
        )
        self.database.place_client_file()

    def __enter__(self) -> Database:  # type: ignore[override]
        return self.enter_context(self.database.connected())


def test_a_snapshot_holds_every_table_with_its_rows(shop: Database, scratch: Path) -> None:
    events: list[Event] = []

    snapshot = take(shop, str(scratch / "snapshot"), emit=events.append)

    assert dict(snapshot.rows) == {"orders": 7, "odd `name": 3, "isam": 2, "nothing": 0, "parts": 10}
    assert snapshot.views == ("shown",)
    assert snapshot.inexact == ("isam",)
    assert snapshot.moving == ()
    assert sorted(path.name for path in (scratch / "snapshot").iterdir()) == ["production.sql.zst", "snapshot.json"]
    assert hashlib.sha256(Path(snapshot.path).read_bytes()).hexdigest() == snapshot.sha256
    assert Path(snapshot.path).stat().st_mode & 0o077 == 0
    assert load(shop.host, str(scratch / "snapshot")) == snapshot
    check(shop.host, snapshot)


def test_an_account_with_one_schema_proves_a_snapshot_beside_its_tables(shop: Database, scratch: Path) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    before = {name: shop.value(f"SELECT COUNT(*) FROM `{name.replace('`', '``')}`") for name in snapshot.rows}
    assert prove(shop, snapshot).proved
    assert load(shop.host, str(scratch / "snapshot")).proved
    own = shop.rows("SHOW TABLES LIKE '%proof%'")
    assert own == []
    assert before == {name: shop.value(f"SELECT COUNT(*) FROM `{name.replace('`', '``')}`") for name in snapshot.rows}


def test_an_account_that_may_make_a_schema_proves_a_snapshot_there(
    shop: Database, mariadb: MariaDB, scratch: Path
) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    mariadb.admin(f"GRANT ALL ON `{shop.name}_palier_proof`.* TO `{shop.credentials.user}`@`%`")
    assert prove(shop, snapshot).proved
    assert mariadb.admin("SHOW DATABASES LIKE '%palier_proof'").strip() == ""


def test_a_snapshot_that_lost_rows_is_not_proved_beside(shop: Database, scratch: Path) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    claimed = replace(snapshot, rows={**snapshot.rows, "isam": 3})
    with pytest.raises(SnapshotBroken, match="does not restore the rows"):
        prove(shop, claimed)
    assert not load(shop.host, str(scratch / "snapshot")).proved
    assert shop.rows("SHOW TABLES LIKE '%proof%'") == []


def test_a_snapshot_is_proved_by_restoring_it(shop: Database, mariadb: MariaDB, scratch: Path) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    with _database(mariadb, f"scratch_{next(_NUMBERS)}", scratch) as empty:
        proved = restore_into(empty, snapshot)
        assert schema.table_names(empty, views=True) == ()
    assert proved.proved
    assert load(shop.host, str(scratch / "snapshot")).proved


def test_the_documented_command_brings_everything_back(shop: Database, scratch: Path) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    before = [shop.rows("SELECT * FROM orders"), shop.rows("SHOW CREATE TABLE orders"), shop.rows("SHOW TRIGGERS")]
    shop.execute("ALTER TABLE orders ADD COLUMN extra INT, DROP COLUMN note")
    shop.execute("DELETE FROM orders WHERE id > 3")

    done = subprocess.run(["bash", "-o", "pipefail", "-c", restore_command(snapshot, shop.client_file)], check=False)

    assert done.returncode == 0
    assert [shop.rows("SELECT * FROM orders"), shop.rows("SHOW CREATE TABLE orders")] == before[:2]
    assert len(shop.rows("SHOW TRIGGERS")) == len(before[2]) == 1


def test_only_a_schema_that_is_empty_is_restored_into(shop: Database, scratch: Path) -> None:
    with pytest.raises(Refused, match="not an empty one"):
        restore_into(shop, take(shop, str(scratch / "snapshot")))


# --- every way in which a file can be wrong ---------------------------------------------------------------------

Edit = Callable[[str], str]


def rewritten(snapshot: Snapshot, edit: Edit) -> Snapshot:
    """The same snapshot with its text edited and its size and hash made to fit: only the content can give it away."""
    text = subprocess.run(["zstd", "-dcq", snapshot.path], capture_output=True, check=True).stdout.decode()
    edited = edit(text)
    assert edited != text
    packed = subprocess.run(["zstd", "-q"], input=edited.encode(), capture_output=True, check=True).stdout
    Path(snapshot.path).write_bytes(packed)
    return replace(snapshot, size=len(packed), sha256=hashlib.sha256(packed).hexdigest())


def without_table(text: str) -> str:
    start = text.index("DROP TABLE IF EXISTS `parts`")
    return text[:start] + text[text.index("UNLOCK TABLES;", start) :]


EXTRA = "CREATE TABLE `x` (\n  `id` int\n) ENGINE=InnoDB;\n"
CONTENTS: dict[str, tuple[Edit, str]] = {
    "no end marker": (lambda text: text[: text.rindex("-- Dump completed")], "end marker is missing"),
    "text after the end marker": (lambda text: text + "DROP TABLE orders;\n", "follows its end marker"),
    "two dumps in one": (lambda text: text + text, "more than one"),
    "no beginning": (lambda text: text[text.index("DROP TABLE") :], "does not begin as a dump does"),
    "another database": (lambda text: text.replace("    Database: snap_", "    Database: other_"), "another database"),
    "a table missing": (without_table, "tables are missing: parts"),
    "a table too many": (lambda text: EXTRA + text, "too many: x"),
    "a row missing": (lambda text: text.replace("(2,3,'(1),(2);'),\n", ""), "row counts differ: odd `name"),
    "a row twice": (
        lambda text: text.replace("(2,3,'(1),(2);'),\n", "(2,3,'(1),(2);'),\n" * 2),
        "row counts differ: odd `name",
    ),
    "rows of a table missing": (
        lambda text: text.replace("INSERT INTO `parts` VALUES", "INSERT INTO `other` VALUES"),
        "too many: other",
    ),
    "a definition changed": (
        lambda text: text.replace("`reference` varchar(20)", "`reference` varchar(19)"),
        "definitions differ: orders",
    ),
    "a view missing": (lambda text: text.replace("/*!50001 VIEW `shown`", "-- "), "views differ: shown"),
    "cut in the middle": (lambda text: text[: len(text) // 2], "is not whole"),
    "nothing in it": (lambda _: "", "is empty"),
}


@pytest.mark.parametrize("wrong", CONTENTS)
def test_content_that_is_wrong_is_told(shop: Database, scratch: Path, wrong: str) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    edit, sentence = CONTENTS[wrong]
    with pytest.raises(SnapshotBroken, match=sentence):
        check(shop.host, rewritten(snapshot, edit))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped byte": (flip, "has been changed"),
    "a cut tail": (lambda path: os.truncate(path, path.stat().st_size - 1), "was cut off"),
    "an empty file": (lambda path: os.truncate(path, 0), "is empty"),
    "bytes appended": (lambda path: path.write_bytes(path.read_bytes() + b"x"), "has grown"),
    "half-written": (lambda path: path.rename(f"{path}.partial"), "only a half-written one"),
    "removed": (lambda path: path.unlink(), "is not there"),
}


@pytest.mark.parametrize("wrong", FILES)
def test_a_file_that_is_wrong_is_told(shop: Database, scratch: Path, wrong: str) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    spoil, sentence = FILES[wrong]
    spoil(Path(snapshot.path))
    with pytest.raises(SnapshotBroken, match=sentence):
        check(shop.host, snapshot)


def test_what_is_not_compressed_data_is_told(shop: Database, scratch: Path) -> None:
    snapshot = take(shop, str(scratch / "snapshot"))
    Path(snapshot.path).write_bytes(b"not zstd at all")
    spoilt = replace(snapshot, size=15, sha256=hashlib.sha256(b"not zstd at all").hexdigest())
    with pytest.raises(SnapshotBroken, match="cannot be decompressed"):
        check(shop.host, spoilt)


def test_a_record_that_is_missing_or_mangled_is_told(shop: Database, scratch: Path) -> None:
    folder = scratch / "snapshot"
    with pytest.raises(SnapshotBroken, match="no record"):
        load(shop.host, str(folder))
    take(shop, str(folder))
    for text in (
        "{",
        "[]",
        "{}",
        '{"format": 99}',
        '{"format": 1, "views": [], "moving": [], "inexact": [], "surprise": 1}',
    ):
        (folder / "snapshot.json").write_text(text)
        with pytest.raises(SnapshotBroken, match="cannot be read"):
            load(shop.host, str(folder))
    for file in folder.iterdir():
        file.unlink()
    (folder / "production.sql.zst.partial").touch()
    with pytest.raises(SnapshotBroken, match="half-written"):
        load(shop.host, str(folder))


class Meddling(LocalHost):
    """A host on which something happens while, or instead of when, the dump runs."""

    def __init__(self, before: Callable[[], object], after: Callable[[], object] = lambda: None) -> None:
        super().__init__("production")
        self._before, self._after = before, after

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        dumping = "mariadb-dump" in command.shell()
        if dumping:
            self._before()
        result = super().run(command, check=check, timeout=timeout)
        if dumping:
            self._after()
        return result


def while_dumping(shop: Database, folder: Path, before: list[str], after: list[str]) -> Snapshot:
    with shop.connected() as buyer, ExitStack() as stack:
        host = Meddling(lambda: [buyer.execute(sql) for sql in before], lambda: [buyer.execute(sql) for sql in after])
        db = stack.enter_context(Database(host, shop.credentials, shop.client_file).connected())
        return take(db, str(folder))


def test_orders_placed_while_it_is_taken_are_allowed_for(shop: Database, scratch: Path) -> None:
    order = "INSERT INTO orders (note) SELECT 'new' FROM seq_1_to_5"
    snapshot = while_dumping(shop, scratch / "s", [order], [order])
    assert snapshot.rows["orders"] == 12
    assert snapshot.moving == ("orders",)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ALTER TABLE orders ADD COLUMN extra INT", ""),
        ("", "CREATE TABLE late (id INT)"),
        ("DROP VIEW shown", ""),
        ("ALTER TABLE orders ADD COLUMN extra INT, ALGORITHM=INSTANT", "ALTER TABLE orders DROP COLUMN extra"),
    ],
)
def test_a_definition_that_changes_while_it_is_taken_is_refused(
    shop: Database, scratch: Path, before: str, after: str
) -> None:
    with pytest.raises(SnapshotFailed, match=r"Production changed its tables|definitions differ"):
        while_dumping(shop, scratch / "s", [before] if before else [], [after] if after else [])
    assert list((scratch / "s").iterdir()) == []


def test_rows_that_are_missing_from_the_file_alone_are_refused(shop: Database, scratch: Path) -> None:
    """Status 0, an end marker, the right tables: only the count tells."""
    partial = scratch / "s" / "production.sql.zst.partial"

    def lose_a_row() -> None:
        text = subprocess.run(["zstd", "-dq"], input=partial.read_bytes(), capture_output=True, check=True).stdout
        partial.write_bytes(
            subprocess.run(["zstd", "-q"], input=text.replace(b"\n(4),", b""), capture_output=True, check=True).stdout
        )

    with shop.connected() as db:
        db.host = Meddling(lambda: None, lose_a_row)
        with pytest.raises(SnapshotFailed, match=r"row counts differ: parts \(9 instead of 10\)"):
            take(db, str(scratch / "s"))
    assert list((scratch / "s").iterdir()) == []


@pytest.mark.parametrize("damage", ["wrong password", "no zstd in the middle"])
def test_a_dump_that_fails_leaves_nothing(shop: Database, scratch: Path, damage: str) -> None:
    def spoil() -> None:
        if damage == "wrong password":
            Path(shop.client_file).write_text("[client]\nuser=nobody\npassword=wrong\nport=1\nprotocol=tcp\n")
        else:
            shutil.rmtree(scratch / "s")

    with shop.connected() as db:
        db.host = Meddling(spoil)
        with pytest.raises(SnapshotFailed, match="the dump program failed"):
            take(db, str(scratch / "s"))
    assert not (scratch / "s").exists() or list((scratch / "s").iterdir()) == []


def test_without_zstd_it_is_gzip(shop: Database, scratch: Path) -> None:
    class Bare(LocalHost):
        def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
            if "command -v zstd" in command.shell():
                return Result(127, b"", "", 0.0)
            return super().run(command, check=check, timeout=timeout)

    with shop.connected() as db:
        db.host = Bare("production")
        snapshot = take(db, str(scratch / "s"))
        check(db.host, snapshot)
    assert snapshot.path.endswith(".sql.gz")
    assert b"-- Dump completed" in gzip.decompress(Path(snapshot.path).read_bytes())


def test_too_little_space_is_refused_before_anything_is_written(shop: Database, scratch: Path) -> None:
    class Full(LocalHost):
        def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
            if command.words[0] == "df":
                return Result(
                    0, b"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 9 8 1000 99% /\n", "", 0.0
                )
            return super().run(command, check=check, timeout=timeout)

    with shop.connected() as db:
        db.host = Full("production")
        with pytest.raises(Refused, match="no room"):
            take(db, str(scratch / "s"))
    assert list((scratch / "s").iterdir()) == []


def test_a_long_snapshot_tells_how_far_it_is(shop: Database, scratch: Path) -> None:
    shop.execute("CREATE TABLE big (id INT PRIMARY KEY, v VARCHAR(2000))")
    shop.execute("INSERT INTO big SELECT seq, SHA2(seq, 512) FROM seq_1_to_2000")
    events: list[Event] = []

    class Slow(LocalHost):
        def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
            if "mariadb-dump" in command.shell():
                super().run(Command(("sleep", "2")))
            return super().run(command, check=check, timeout=timeout)

    with shop.connected() as db:
        db.host = Slow("production")
        take(db, str(scratch / "s"), emit=events.append)
    assert [event for event in events if isinstance(event, Progress) and event.unit == "bytes"]
