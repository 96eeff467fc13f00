"""Somebody else holds a lock: no statement of Palier waits longer than three seconds, and none gives up at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from pipeline.database import checkpoint, connection, footprint, merge, put_back, snapshot, snapshot_state
from pipeline.database.checkpoint import Checkpoint
from pipeline.database.connection import LOCK_SECONDS, QueryFailed
from pipeline.database.merge_script import data_fragment, merge_script
from pipeline.database.shell import TRIES
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, shop

pytestmark = pytest.mark.integration

HELD = 8.0
"""Seconds for which somebody holds the lock: two tries fail, a third one passes."""
AT_MOST = LOCK_SECONDS + 1.0
SHOP = (
    "CREATE TABLE products (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), stock INT) ENGINE=InnoDB",
    "INSERT INTO products (name, stock) VALUES ('a', 10), ('b', 20)",
    "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, product INT) ENGINE=InnoDB",
    "INSERT INTO orders (product) VALUES (1), (2)",
)
TABLE_LOCK = ("LOCK TABLES products WRITE, orders WRITE",)
ROW_LOCK = ("START TRANSACTION", "SELECT * FROM products FOR UPDATE", "SELECT * FROM orders FOR UPDATE")
"""Keeps everybody from writing the rows, and from altering the tables."""
READER = ("START TRANSACTION", "SELECT * FROM products", "SELECT * FROM orders")
"""Keeps everybody from altering the tables, and nobody from their rows."""


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("locks") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    emptied.sql(*SHOP)
    return emptied


@contextmanager
def held(place: Shop, statements: tuple[str, ...], seconds: float = HELD) -> Iterator[None]:
    """Somebody else's session has run these statements, and goes away after so many seconds."""
    begun, over = threading.Event(), threading.Event()

    def hold() -> None:
        with place.db.connected() as other:
            for statement in statements:
                other.rows(statement)
            begun.set()
            over.wait(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert begun.wait(10)
        yield
    finally:
        over.set()
        thread.join()


class Queue:
    """Who waits for a lock in this schema, and for how long at most, in seconds."""

    def __init__(self, server: MariaDB, place: Shop) -> None:
        self._server, self._schema = server, place.db.name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.longest = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        sql = (
            "SELECT COALESCE(MAX(p.TIME_MS), 0) FROM information_schema.PROCESSLIST p LEFT JOIN"
            " information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID"
            f" WHERE p.DB = '{self._schema}' AND (p.STATE LIKE 'Waiting for table%' OR t.trx_state = 'LOCK WAIT')"
        )
        while not self._over.wait(0.1):
            self.longest = max(self.longest, float(self._server.admin(sql)) / 1000)


def updated(place: Shop, taken: Checkpoint, before: footprint.Fingerprint) -> str:
    """An update that changes rows and a definition, and whose way back after opening lies in the run's folder."""
    place.sql("UPDATE products SET name='new' WHERE id=1", "ALTER TABLE orders ADD COLUMN points INT")
    changes = footprint.changed(before, footprint.fingerprint(place.db))
    plan = merge.record(place.db, taken, changes)
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    return data_fragment(taken, place.db.name)


def require_as_before(place: Shop) -> None:
    assert place.db.rows("SELECT id, name FROM products") == [(1, "a"), (2, "b")]
    assert place.db.rows("SHOW COLUMNS FROM orders LIKE 'points'") == []


def test_a_checkpoint_is_taken_as_soon_as_somebody_lets_go_of_the_table(mariadb: MariaDB, place: Shop) -> None:
    began = time.monotonic()
    with held(place, TABLE_LOCK), Queue(mariadb, place) as queue:
        taken = checkpoint.take(place.db, None, "pre")
    assert time.monotonic() - began > HELD - 1
    assert 1 < queue.longest < AT_MOST
    assert {copy.rows for copy in taken.copies.values()} == {2}
    assert put_back.differences(place.db, taken) == []


def test_what_the_update_did_is_recorded_although_somebody_holds_its_rows(mariadb: MariaDB, place: Shop) -> None:
    taken, before = checkpoint.take(place.db, None, "pre"), footprint.fingerprint(place.db)
    place.sql("UPDATE products SET name='new' WHERE id=1", "DELETE FROM orders WHERE id=2")
    with held(place, ROW_LOCK), Queue(mariadb, place) as queue:
        changes = footprint.changed(before, footprint.fingerprint(place.db))
        plan = merge.record(place.db, taken, changes)
    assert queue.longest < AT_MOST
    assert {table.name: (table.changed, table.removed) for table in plan.tables} == {
        "products": (1, 0),
        "orders": (0, 1),
    }


@pytest.mark.parametrize("lock", [TABLE_LOCK, ROW_LOCK, READER], ids=["table", "rows", "reader"])
@pytest.mark.parametrize("opened", [False, True], ids=["before-opening", "after-opening"])
def test_the_way_back_outlasts_a_lock(mariadb: MariaDB, place: Shop, lock: tuple[str, ...], opened: bool) -> None:
    taken, before = checkpoint.take(place.db, None, "pre"), footprint.fingerprint(place.db)
    text = updated(place, taken, before)
    if opened:
        (place.folder / "opened").touch()
        place.sql("INSERT INTO orders (product) VALUES (1)")
    with held(place, lock), Queue(mariadb, place) as queue:
        done = place.undo(text)
    assert done.returncode == 0, done.stderr
    assert 1 < queue.longest < AT_MOST
    require_as_before(place)
    assert place.db.value("SELECT COUNT(*) FROM orders") == (3 if opened else 2)


def test_customers_do_not_queue_behind_a_statement_that_waits(place: Shop) -> None:
    """A waiting ALTER lets nobody pass; it must give up before customers do."""
    taken, before = checkpoint.take(place.db, None, "pre"), footprint.fingerprint(place.db)
    text = updated(place, taken, before)
    (place.folder / "opened").touch()
    waited: list[float] = []
    over = threading.Event()

    def buy() -> None:
        with place.db.connected() as other:
            while not over.is_set():
                began = time.monotonic()
                other.rows("SELECT COUNT(*) FROM orders")
                waited.append(time.monotonic() - began)
                over.wait(0.05)

    customer = threading.Thread(target=buy)
    with held(place, READER):
        customer.start()
        done = place.undo(text)
        over.set()
        customer.join()
    assert done.returncode == 0, done.stderr
    assert 1 < max(waited) < AT_MOST
    assert sum(each > 1 for each in waited) >= 2, "the statement was tried again"


def test_a_lock_that_nobody_lets_go_of_ends_in_a_sentence(place: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOCK_PATIENCE", 5)
    with held(place, TABLE_LOCK, 60), pytest.raises(QueryFailed) as refused:
        checkpoint.take(place.db, None, "pre")
    assert refused.value.locked
    assert "Another session holds a lock" in str(refused.value)
    assert "PROCESSLIST" in refused.value.next_step


def test_a_way_back_that_never_gets_the_lock_says_so_and_works_later(place: Shop) -> None:
    taken, before = checkpoint.take(place.db, None, "pre"), footprint.fingerprint(place.db)
    text = updated(place, taken, before)
    impatient = text.replace(f"-lt {TRIES} ]", "-lt 2 ]")
    assert impatient != text
    with held(place, TABLE_LOCK, 60):
        refused = place.undo(impatient)
    assert refused.returncode != 0
    assert "Lock wait timeout" in refused.stderr
    assert place.undo(text).returncode == 0
    require_as_before(place)


def test_inside_a_transaction_nothing_is_tried_again(place: Shop) -> None:
    """The server may have taken back what came before it."""
    with held(place, ROW_LOCK, 60), place.db.connected() as db:
        db.execute("START TRANSACTION")
        began = time.monotonic()
        with pytest.raises(QueryFailed) as refused:
            db.execute("UPDATE products SET stock=0")
    assert refused.value.locked
    assert time.monotonic() - began < 2 * LOCK_SECONDS


def test_rows_are_counted_without_keeping_anybody_from_a_table(place: Shop) -> None:
    """The snapshot's counts are of one moment; yet no table is held once it was counted."""
    with place.db.connected() as counting:
        counting.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        counting.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        found = {}
        for name, rows in snapshot_state.counted(counting, ["products", "orders"]):
            found[name] = rows
            place.sql(f"ALTER TABLE {name} COMMENT='altered meanwhile'", "INSERT INTO orders (product) VALUES (1)")
        counting.execute("COMMIT")
    assert found == {"products": 2, "orders": 2}


def test_no_snapshot_is_kept_of_a_schema_that_somebody_locks(place: Shop, tmp_path: Path) -> None:
    with held(place, TABLE_LOCK, 60), pytest.raises(QueryFailed) as refused:
        snapshot.take(place.db, str(tmp_path / "snapshot"))
    assert refused.value.locked
    assert list((tmp_path / "snapshot").iterdir()) == []


def test_a_clone_lets_each_table_go_when_it_is_read() -> None:
    from pipeline.database.transcript import HOLD, LET_GO, Source, printed
    from pipeline.remote.command import Secret

    parts = printed([Source("a", ()), Source("b", ())], {}, salt=Secret("s"), chunk=1000)
    text = "".join(part for part in parts if isinstance(part, str))
    assert text.count(f"\n{HOLD}") == text.count(f"\n{LET_GO}") == 2
    assert text.index(LET_GO) < text.index("`b`")
