"""Copies taken while customers write: behind the page they are exact, whatever was written in between."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.database import ahead, checkpoint, keeping, put_back, rungs, stamps
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, shop

pytestmark = pytest.mark.integration

KIND = keeping.kind("20261121t190102z3f2a")
TABLES = (
    "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(40)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "INSERT INTO orders (note) VALUES ('a'), ('b'), (NULL)",
    "CREATE TABLE options (name VARCHAR(20) PRIMARY KEY, value TEXT) ENGINE=InnoDB",
    "INSERT INTO options VALUES ('version', '1'), ('theme', 'x')",
    "CREATE TABLE loose (a INT, b INT) ENGINE=InnoDB",
    "INSERT INTO loose VALUES (1, 1), (1, 1), (2, NULL)",
    "CREATE TABLE old (id INT PRIMARY KEY, v INT) ENGINE=MyISAM",
    "INSERT INTO old VALUES (1, 1)",
    "CREATE TABLE quiet (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
    "INSERT INTO quiet VALUES (1, 1), (2, 2)",
)
NAMES = ("loose", "old", "options", "orders", "quiet")
WRITES = (
    "INSERT INTO orders (note) VALUES ('Łódź 😀')",
    "UPDATE orders SET note='A' WHERE id=1",
    "DELETE FROM orders WHERE id=2",
    "TRUNCATE TABLE orders",
    "UPDATE options SET value='2' WHERE name='version'",
    "DELETE FROM loose LIMIT 1",
    "INSERT INTO loose VALUES (2, NULL)",
    "UPDATE old SET v=v+1",
    "ALTER TABLE options ADD COLUMN IF NOT EXISTS more INT NOT NULL DEFAULT 7",
    "CREATE OR REPLACE TABLE loose (a INT, b INT) ENGINE=InnoDB",
    "CREATE OR REPLACE TRIGGER before_loose BEFORE INSERT ON loose FOR EACH ROW SET NEW.a=1",
    "ALTER TABLE orders AUTO_INCREMENT=100",
)


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("ahead") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    emptied.sql(*TABLES)
    return emptied


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=st.lists(st.sampled_from(WRITES), max_size=5), settled=st.booleans())
def test_whatever_was_written_in_between_the_copies_are_exact(
    emptied: Shop, writes: list[str], *, settled: bool
) -> None:
    emptied.empty()
    emptied.sql(*TABLES)
    if settled:
        time.sleep(1.1)
    early = ahead.copy(emptied.db, NAMES, KIND)
    emptied.sql(*writes)
    taken = ahead.bring_up_to_date(emptied.db, early, NAMES)
    assert put_back.differences(emptied.db, taken) == []
    assert taken.tables == NAMES
    counters = dict(emptied.db.rows(f"SELECT name, counter FROM {taken.map} WHERE name='orders'"))
    assert counters["orders"] == emptied.db.value(
        "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='orders'"
    )


def test_a_stamp_that_knows_no_time_is_not_believed(place: Shop) -> None:
    """A table that had no UPDATE_TIME, was written, and was forgotten by the server again has the stamp that it had."""
    early = ahead.copy(place.db, ["quiet"], KIND)
    place.sql("UPDATE quiet SET v=9 WHERE id=2", "ALTER TABLE quiet FORCE")
    time.sleep(1.1)
    marks, moment = stamps.read(place.db)
    assert not marks["quiet"].written
    taken = ahead.bring_up_to_date(place.db, ahead.Ahead(early.checkpoint, marks, moment), ["quiet"])
    assert place.db.rows(f"SELECT v FROM {taken.copies['quiet'].name} ORDER BY id") == [(1,), (9,)]


def written(place: Shop, taken: checkpoint.Checkpoint) -> dict[str, str]:
    """When the copy of each table was last written."""
    sql = "SELECT TABLE_NAME, CONCAT(CREATE_TIME, IFNULL(UPDATE_TIME, '')) FROM information_schema.TABLES"
    times = dict(place.db.rows(f"{sql} WHERE TABLE_SCHEMA=DATABASE()"))
    return {name: times[copy.name] for name, copy in taken.copies.items()}


def test_what_nobody_wrote_is_not_copied_again(place: Shop) -> None:
    time.sleep(1.1)
    early = ahead.copy(place.db, NAMES, KIND)
    before = written(place, early.checkpoint)
    time.sleep(1.1)
    place.sql("UPDATE options SET value='2' WHERE name='version'")
    taken = ahead.bring_up_to_date(place.db, early, NAMES)
    assert put_back.differences(place.db, taken) == []
    after = written(place, taken)
    assert {name for name in NAMES if before.get(name) != after[name]} == {"old", "options"}  # MyISAM has no stamp


def test_beyond_what_is_needed_the_clock_decides(place: Shop) -> None:
    early = ahead.copy(place.db, NAMES, KIND)
    place.sql("UPDATE orders SET note='A' WHERE id=1", "UPDATE options SET value='2' WHERE name='version'")
    taken = ahead.bring_up_to_date(place.db, early, ["options"], ["orders", "old"], pace=rungs.Pace(0))
    assert taken.tables == ("options",)
    assert set(NAMES) <= set(taken.present)
    assert put_back.differences(place.db, taken) == []


def test_a_table_that_came_or_went_in_between_is_told(place: Shop) -> None:
    early = ahead.copy(place.db, NAMES, KIND)
    place.sql("DROP TABLE quiet", "CREATE TABLE fresh (id INT PRIMARY KEY)", "INSERT INTO fresh VALUES (5)")
    taken = ahead.bring_up_to_date(place.db, early, ["fresh", "quiet"])
    assert taken.tables == ("fresh",)
    assert "quiet" not in taken.present
    assert put_back.differences(place.db, taken) == []


def test_each_run_keeps_its_own_and_gives_up_no_other(place: Shop) -> None:
    other = keeping.kind("20261122t080000zbeef")
    first, second = (ahead.copy(place.db, NAMES, kind).checkpoint for kind in (KIND, other))
    place.undo(keeping.give_up_fragment(second.of, place.db.name))
    assert place.db.rows(f"SHOW TABLES LIKE '\\_palier%{second.of}%'") == []
    assert len(place.db.rows(f"SHOW TABLES LIKE '\\_palier%{first.of}%'")) == len(first.copies) + 1
    needed = {first.copies["orders"].name}
    assert keeping.give_up_others(place.db, first.of, needed) == len(first.copies) - 1
    assert keeping.give_up(place.db, first.of) == 2
    assert place.db.rows("SHOW TABLES LIKE '\\_palier%'") == []
