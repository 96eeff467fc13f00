# ruff: noqa: E501 - SQL is easier to read unbroken
"""Large tables: two sessions at one snapshot, LOAD DATA, indexes afterwards; and only what changed, the second time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path

import pytest

from pipeline.database import clone as cloning
from pipeline.database import schema
from pipeline.database.clone import CloneReport, clone
from pipeline.database.connection import Credentials, Database
from pipeline.database.mask_expressions import Kind
from pipeline.database.sql import identifier
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

pytestmark = pytest.mark.integration
_NUMBERS = count(1)
SALT = Secret("5a17")
Pair = tuple[Database, Database]

HOSTILE = (
    "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200), t TEXT, d DATE NOT NULL, ts TIMESTAMP NULL, n DECIMAL(20,6), f FLOAT, g DOUBLE, b VARBINARY(40), e ENUM('','x'), s SET('p','q'), ti TIME(3), y YEAR, UNIQUE KEY v (v), KEY n (n, d))",
    "CREATE TABLE b (id INT PRIMARY KEY, a_id INT, KEY (a_id), FOREIGN KEY (a_id) REFERENCES a (id))",
    "CREATE TABLE c (k VARCHAR(40) CHARACTER SET latin1 PRIMARY KEY, v LONGTEXT, j BIT(9))",
    "CREATE TABLE d (v TEXT)",
    "CREATE TABLE empty (id INT AUTO_INCREMENT PRIMARY KEY, v INT, KEY (v)) AUTO_INCREMENT=77",
    "CREATE TABLE generated (id INT PRIMARY KEY, twice INT AS (id * 2) STORED, KEY (twice))",
    r"INSERT INTO a VALUES (0,'NULL','\\N','0000-00-00',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL), (5,'tab\there','new\nline','2024-02-29','2024-05-05 01:02:03',1.5,0.1,1e300,X'00FF270A5C','','p,q','-12:30:00.125',2024), (6,'it''s \\ \"q\" \0 \Z 🙂','a\r\nb','1000-01-01','1970-01-02 00:00:00',-3,-0.0,-0.0,'','x','','00:00:00',1999), (7,'\'','','2024-01-01',NULL,0,0,0,NULL,NULL,NULL,NULL,NULL)",
    "INSERT INTO b VALUES (1,5),(2,6),(3,NULL)",
    "INSERT INTO c VALUES ('é','x',b'101'),('NULL',NULL,NULL),('','\\\\',b'0')",
    "INSERT INTO d VALUES ('same'),('same'),(NULL),('NULL')",
    "INSERT INTO generated (id) VALUES (1),(2)",
)


@pytest.fixture
def pair(mariadb: MariaDB, tmp_path: Path) -> Iterator[Pair]:
    """Two empty schemas with accounts of their own; connected. The server takes LOAD DATA LOCAL."""
    number = next(_NUMBERS)
    mariadb.admin("SET GLOBAL local_infile=1")
    with ExitStack() as stack:
        source, target = (
            stack.enter_context(_database(mariadb, f"twin_{role}_{number}", tmp_path)) for role in ("from", "to")
        )
        yield source, target
    for role in ("from", "to"):
        mariadb.admin(f"DROP DATABASE twin_{role}_{number}")


def _database(mariadb: MariaDB, name: str, folder: Path) -> AbstractContextManager[Database]:
    mariadb.create(name, name, "geheim")
    database = Database(LocalHost(), Credentials(name, name, Secret("geheim"), port=mariadb.port), str(folder / name))
    database.place_client_file()
    return database.connected()


def content(db: Database) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for name, table in schema.read(db).items():
        create = db.rows(f"SHOW CREATE TABLE {identifier(name)}")[0][1]
        found[name] = (create, table.auto_increment, db.rows(f"CHECKSUM TABLE {identifier(name)}")[0][1])
    return found


def copied(pair: Pair, masks: dict[str, dict[str, Kind]] | None = None) -> CloneReport:
    return clone(pair[0], pair[1], masks=masks or {}, salt=SALT, large=0)


@pytest.mark.parametrize("local", [0, 1])
def test_hostile_values_arrive_exactly_by_load_data_and_without(pair: Pair, mariadb: MariaDB, local: int) -> None:
    source, target = pair
    mariadb.admin(f"SET GLOBAL local_infile={local}")
    source.execute("SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO'")
    for statement in HOSTILE:
        source.execute(statement)
    copied(pair)
    assert content(target) == content(source)


def test_a_second_clone_sends_only_the_ranges_that_differ(pair: Pair) -> None:
    source, target = pair
    source.execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(50), KEY (v))")
    source.execute("INSERT INTO t SELECT seq, CONCAT('v', seq) FROM seq_1_to_60000")
    source.execute("CREATE TABLE same (id INT PRIMARY KEY)")
    source.execute("INSERT INTO same VALUES (1)")
    copied(pair)
    target.execute("UPDATE t SET v='staging' WHERE id=30000")
    source.execute("UPDATE t SET v='new' WHERE id=59999")
    source.execute("DELETE FROM t WHERE id=4")
    source.execute("INSERT INTO t (v) VALUES ('added')")
    source.execute("DELETE FROM same")
    assert copied(pair).mended == 2
    assert content(target) == content(source)


def test_a_second_clone_of_what_has_not_changed_writes_no_table(pair: Pair) -> None:
    source, target = pair
    source.execute(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50), email VARCHAR(50), n DOUBLE, b BLOB, at DATETIME)"
    )
    source.execute(
        "INSERT INTO t SELECT seq, IF(seq % 3, CONCAT('é', seq), NULL), CONCAT(seq, '@example.org'), seq / 7, CHAR(seq), NOW()"
        " FROM seq_1_to_60000"
    )
    source.execute("CREATE TABLE loose (a INT, v TEXT)")
    source.execute("INSERT INTO loose VALUES (1, 'x'), (1, 'x'), (NULL, NULL)")
    masks: dict[str, dict[str, Kind]] = {"t": {"email": "email"}}
    copied(pair, masks)
    sql = "SELECT TABLE_NAME, UPDATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() ORDER BY 1"
    before = target.rows(sql)
    assert [name for name, written in before if written] == ["loose", "t"]
    time.sleep(1.1)
    assert copied(pair, masks).mended == 2
    assert target.rows(sql) == before


def test_a_second_clone_follows_definitions_and_masks_alike(pair: Pair) -> None:
    source, target = pair
    for statement in (
        "CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(100), UNIQUE KEY (email))",
        "INSERT INTO people SELECT seq, CONCAT('p', seq, '@example.org') FROM seq_1_to_500",
        "CREATE TABLE old (id INT PRIMARY KEY)",
        "CREATE TABLE shape (id INT PRIMARY KEY)",
        "INSERT INTO shape VALUES (1)",
    ):
        source.execute(statement)
    masks: dict[str, dict[str, Kind]] = {"people": {"email": "email"}}
    copied(pair, masks)
    for statement in (
        "DROP TABLE old",
        "CREATE TABLE fresh (id INT PRIMARY KEY)",
        "ALTER TABLE shape ADD COLUMN v INT NOT NULL DEFAULT 3",
        "UPDATE people SET email='changed@example.org' WHERE id=7",
    ):
        source.execute(statement)
    copied(pair, masks)
    mended = content(target)
    clone(source, target, masks=masks, salt=None, large=0)
    target.execute("CREATE TABLE _palier_clone (name INT)")  # marked unusable: everything is made anew
    copied(pair, masks)
    assert content(target) == mended
    assert "example.org" not in str(target.rows("SELECT email FROM people"))


def test_two_sessions_read_one_moment_whatever_is_bought_meanwhile(pair: Pair) -> None:
    source, target = pair
    source.execute("CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(500))")
    source.execute("CREATE TABLE order_lines (id INT AUTO_INCREMENT PRIMARY KEY, order_id INT)")
    source.execute("INSERT INTO orders SELECT seq, REPEAT('x', 500) FROM seq_1_to_20000")
    source.execute("INSERT INTO order_lines (order_id) SELECT id FROM orders")
    ended = threading.Event()

    def buy() -> None:
        with source.connected() as buyer:
            while not ended.is_set():
                with buyer.transaction():
                    buyer.execute("INSERT INTO orders (v) VALUES ('new')")
                    buyer.execute("INSERT INTO order_lines (order_id) SELECT MAX(id) FROM orders")
                time.sleep(0.002)

    buyer = threading.Thread(target=buy)
    buyer.start()
    try:
        copied(pair)
    finally:
        ended.set()
        buyer.join()
    orders, lines = (target.value(f"SELECT COUNT(*) FROM `{table}`") for table in ("orders", "order_lines"))
    assert orders == lines > 20_000


def test_a_transaction_that_never_ends_is_not_waited_for_and_holds_nobody_up(pair: Pair) -> None:
    """The lock is given up within a second each time; then one session reads alone, without any lock."""
    source, target = pair
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    source.execute("INSERT INTO t VALUES (1,1)")
    waits: list[float] = []
    ended = threading.Event()

    def shop() -> None:
        with source.connected() as other:
            while not ended.wait(0.05):
                began = time.monotonic()
                other.execute("UPDATE t SET v=v+1 WHERE id=2")
                waits.append(time.monotonic() - began)

    with source.connected() as blocking:
        blocking.execute("START TRANSACTION")
        blocking.execute("UPDATE t SET v=2 WHERE id=1")
        customer = threading.Thread(target=shop)
        customer.start()
        try:
            report = copied(pair)
        finally:
            ended.set()
            customer.join()
        blocking.execute("ROLLBACK")
    assert report.rows == 1
    assert target.value("SELECT v FROM t") == 1
    assert max(waits) < 3


def test_an_account_that_may_not_lock_clones_with_one_session(pair: Pair, mariadb: MariaDB) -> None:
    source, target = pair
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    source.execute("INSERT INTO t VALUES (1),(2)")
    mariadb.admin(f"REVOKE LOCK TABLES ON `{source.name.replace('_', chr(92) + '_')}`.* FROM `{source.name}`@`%`")
    with source.connected() as limited:
        assert clone(limited, target, masks={}, large=0).rows == 2


def test_indexes_that_something_stands_on_are_there_from_the_beginning(pair: Pair) -> None:
    source, target = pair
    source.execute("CREATE TABLE parent (id INT PRIMARY KEY, code INT, KEY (code))")
    source.execute("CREATE TABLE child (id INT PRIMARY KEY, code INT, FOREIGN KEY (code) REFERENCES parent (code))")
    source.execute("INSERT INTO parent VALUES (1,1)")
    source.execute("INSERT INTO child VALUES (1,1)")
    copied(pair)
    assert content(target) == content(source)
    assert cloning.unusable(target) is False
