"""What a fingerprint may leave unread: nothing that was written, emptied, built anew or given a trigger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.database import checkpoint, footprint, put_back
from pipeline.database.connection import Credentials, Database
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost
from pipeline.steps.golden import return_to

pytestmark = pytest.mark.integration


@pytest.fixture
def db(mariadb: MariaDB, tmp_path: Path) -> Iterator[Database]:
    mariadb.create("stamps", "stamps", "geheim")
    database = Database(
        LocalHost(), Credentials("stamps", "stamps", Secret("geheim"), port=mariadb.port), str(tmp_path / "cnf")
    )
    with database.connected() as connected:
        for statement in (
            "CREATE TABLE plain (id INT PRIMARY KEY, v INT)",
            "INSERT INTO plain VALUES (1,1),(2,2)",
            "CREATE TABLE other (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
            "INSERT INTO other (v) VALUES (5),(6)",
            "CREATE TABLE myisam (id INT PRIMARY KEY) ENGINE=MyISAM",
            "CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2",
            "CREATE VIEW seen AS SELECT id FROM plain",
        ):
            connected.execute(statement)
        time.sleep(1.1)
        yield connected
    mariadb.admin("DROP DATABASE stamps")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE plain SET v=7 WHERE id=1", ("plain",)),
        ("TRUNCATE TABLE plain", ("plain",)),
        ("CREATE OR REPLACE TABLE plain (id INT PRIMARY KEY, v INT)", ("plain",)),
        ("CREATE TRIGGER t BEFORE INSERT ON plain FOR EACH ROW SET NEW.v=1", ("plain",)),
        ("INSERT INTO myisam VALUES (1)", ("myisam",)),
        ("INSERT INTO parts VALUES (1)", ("parts",)),
        ("ALTER TABLE other ADD COLUMN w INT", ("other",)),
        ("CREATE OR REPLACE VIEW seen AS SELECT v FROM plain", ("seen",)),
        ("RENAME TABLE plain TO moved", ("moved", "plain", "seen")),
        ("DROP TABLE other", ("other",)),
        ("DO 0", ()),
    ],
)
def test_what_moved_is_found_by_reading_only_what_may_have_moved(
    db: Database, statement: str, expected: tuple[str, ...]
) -> None:
    before = footprint.fingerprint(db)
    db.execute(statement)
    after = footprint.fingerprint(db, since=before)
    found = set(footprint.changed(before, after).tables)
    assert set(expected) - {"seen"} <= found <= set(expected)
    if not expected:
        assert set(after.read) == {"myisam", "parts"}
    assert set(expected) - {"seen"} <= set(footprint.suspected(db, before).tables)


def test_a_table_written_in_this_very_second_is_read_again(db: Database) -> None:
    db.execute("UPDATE plain SET v=10 WHERE id=1")
    before = footprint.fingerprint(db)
    db.execute("UPDATE plain SET v=11 WHERE id=1")
    assert footprint.changed(before, footprint.fingerprint(db, since=before)).rewritten == ("plain",)


def test_without_a_budget_for_reading_the_stamps_alone_find_what_was_written(db: Database) -> None:
    db.execute("UPDATE other SET v=1")
    before = footprint.fingerprint(db, budget=0.0)
    assert {"plain", "other"} <= set(before.stamped)
    db.execute("UPDATE plain SET v=11 WHERE id=1")
    after = footprint.fingerprint(db, since=before, budget=0.0)
    assert footprint.changed(before, after).rewritten == ("plain",)


def test_going_back_puts_right_what_moved_and_believes_only_checksums(db: Database) -> None:
    base = checkpoint.take(db, None, "base")
    known = footprint.fingerprint(db)
    db.execute("UPDATE other SET v=100 WHERE id=1")
    db.execute("INSERT INTO other (v) VALUES (9)")
    db.execute("CREATE TABLE extra (id INT)")
    db.execute("ALTER TABLE plain ADD COLUMN w INT")
    after = return_to(db, base, known)
    assert not footprint.changed(known, after)
    assert put_back.differences(db, base) == []
    assert db.rows("SELECT id, v FROM other ORDER BY 1") == [(1, 5), (2, 6)]


def test_copies_are_adopted_by_name(db: Database) -> None:
    kept = checkpoint.take(db, [], "kept")
    db.execute("UPDATE plain SET v=50 WHERE id=1")
    tried = checkpoint.take(db, ["plain"], "tried")
    kept = checkpoint.adopt(db, kept, tried)
    db.execute("DELETE FROM plain")
    put_back.restore(db, kept, ["plain"])
    assert db.rows("SELECT id, v FROM plain ORDER BY 1") == [(1, 50), (2, 2)]
    assert db.rows("SHOW TABLES LIKE '%tried%'") == []
