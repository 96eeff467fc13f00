"""What the way back makes sure of: nobody is still at work, every table is built as before, nothing newer is left."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.database import checkpoint, footprint, keeping, merge, rungs, schema
from pipeline.database.merge_script import OTHERWISE, data_fragment, merge_script
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, shop

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("verified") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    (emptied.folder / OTHERWISE).unlink(missing_ok=True)
    emptied.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), KEY n (name), KEY m (name, id))",
        "INSERT INTO orders (name) VALUES ('a'), ('b'), ('c')",
        "CREATE TABLE kept_by_pages (id INT PRIMARY KEY AUTO_INCREMENT, page TEXT)",
        "INSERT INTO kept_by_pages (page) VALUES ('made by newer code')",
    )
    return emptied


@contextmanager
def orphan(place: Shop, statement: str, slow: str) -> Iterator[None]:
    """A statement that the server still runs although its client was killed: it is as long as we want it to be."""
    client = ["mariadb", f"--defaults-file={place.folder.parent.parent}/client.cnf", place.db.name, "-e", statement]
    others = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()"
    running = f"{others} AND INFO LIKE '%{slow}%'"
    with subprocess.Popen(client, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not place.db.value(running):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
    assert place.db.value(running), "the server has noticed the client's death: nothing is proved"
    yield
    assert not place.db.value(running), "it is still at work"


def test_a_statement_that_outlived_its_client_ends_before_anything_is_put_back(place: Shop) -> None:
    taken = checkpoint.take(place.db, ["orders"], "pre_run")
    slow = "INSERT INTO orders (name) SELECT CONCAT('late', SLEEP(4)) FROM orders"
    with orphan(place, slow, "SLEEP(4)"):
        began = time.monotonic()
        done = place.undo(data_fragment(taken, place.db.name))
        assert done.returncode == 0, done.stderr
        assert time.monotonic() - began < 10, "it was waited for, and not ended"
    assert place.db.rows("SELECT name FROM orders ORDER BY id") == [("a",), ("b",), ("c",)]


def test_an_alter_that_outlived_its_client_does_not_come_after_its_undo(place: Shop) -> None:
    """The table is copied row by row, which would be through long after the undo."""
    slow = "ALTER TABLE orders ADD COLUMN late INT, ALGORITHM=COPY"
    place.sql("INSERT INTO orders (name) SELECT 'x' FROM seq_1_to_300000")
    taken = checkpoint.take(place.db, ["orders"], "pre_run")
    with orphan(place, slow, "ALGORITHM=COPY"):
        done = place.undo(data_fragment(taken, place.db.name))
        assert done.returncode == 0, done.stderr
    assert not schema.read(place.db)["orders"].has("late")
    assert place.db.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE()") == 1


def test_what_customers_do_is_not_ended_once_the_shop_was_open(place: Shop) -> None:
    before = footprint.fingerprint(place.db)
    taken = checkpoint.take(place.db, None, "pre_run")
    place.sql("UPDATE orders SET name = 'new' WHERE id = 1")
    plan = merge.record(place.db, taken, footprint.changed(before, footprint.fingerprint(place.db)))
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    (place.folder / "opened").touch()
    order = "INSERT INTO kept_by_pages (page) SELECT CONCAT('an order', SLEEP(2))"
    client = ["mariadb", f"--defaults-file={place.folder.parent.parent}/client.cnf", place.db.name, "-e", order]
    with subprocess.Popen(client) as customer:
        time.sleep(0.5)
        done = place.undo(data_fragment(taken, place.db.name))
        assert done.returncode == 0, done.stderr
        assert customer.wait(20) == 0
    assert place.db.value("SELECT COUNT(*) FROM kept_by_pages WHERE page LIKE 'an order%'") == 1


def test_what_still_fills_a_copy_ends_before_the_copies_are_dropped(place: Shop) -> None:
    place.sql("CREATE TABLE _palier_pre_run_1 (id INT, name VARCHAR(20))")
    with orphan(place, "INSERT INTO _palier_pre_run_1 SELECT id, CONCAT(SLEEP(100), name) FROM orders", "SLEEP(100)"):
        done = place.undo(keeping.give_up_fragment("run", place.db.name))
        assert done.returncode == 0, done.stderr
    assert place.db.rows("SHOW TABLES LIKE '_palier%'") == []


def _opened(place: Shop, *update: str) -> str:
    before = footprint.fingerprint(place.db)
    taken = checkpoint.take(place.db, None, "pre_run")
    place.sql(*update)
    plan = merge.record(place.db, taken, footprint.changed(before, footprint.fingerprint(place.db)))
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    (place.folder / "opened").touch()
    return data_fragment(taken, place.db.name)


def test_a_reverse_alter_that_was_skipped_is_told_and_not_passed_over(place: Shop) -> None:
    """Somebody altered the table once more, so that it is not built as the update left it."""
    text = _opened(place, "ALTER TABLE orders ADD COLUMN points INT, DROP KEY n")
    place.sql("ALTER TABLE orders ADD COLUMN theirs INT")
    done = place.undo(text)
    assert done.returncode != 0
    assert "These tables are not built as they were before the update: orders" in done.stderr
    assert (place.folder / "conflicts.txt").exists(), "what is in conflict is told all the same"
    place.sql("ALTER TABLE orders DROP COLUMN theirs, DROP COLUMN points, ADD KEY n (name)")
    assert place.undo(text).returncode == 0, "made right by hand, with the keys in another order"


def test_a_table_that_a_person_lets_be_does_not_stop_the_way_back(place: Shop) -> None:
    text = _opened(place, "ALTER TABLE orders ADD COLUMN points INT")
    place.sql("ALTER TABLE orders ADD COLUMN theirs INT")
    assert f"touch {OTHERWISE} && sh rollback.sh" in place.undo(text).stderr
    (place.folder / OTHERWISE).touch()
    assert place.undo(text).returncode == 0


def test_a_key_that_rows_written_since_forbid_is_a_conflict_and_not_a_failure(place: Shop) -> None:
    place.sql("ALTER TABLE orders ADD UNIQUE KEY u (name)")
    text = _opened(place, "ALTER TABLE orders DROP KEY u")
    place.sql("INSERT INTO orders (name) VALUES ('a')")
    for _ in range(2):
        done = place.undo(text)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("opened", [False, True], ids=["before opening", "after opening"])
def test_what_newer_pages_have_kept_goes_when_the_code_goes_back(place: Shop, *, opened: bool) -> None:
    if opened:
        _opened(place, "UPDATE orders SET name = 'new' WHERE id = 1")
    taken = checkpoint.take(place.db, ["orders"], "pre_other")
    place.sql("CREATE TABLE `ke``pt` (a INT)", "INSERT INTO `ke``pt` VALUES (1)")
    emptied = ["kept_by_pages", "ke`pt", "never_there", "$(touch ran)"]
    done = place.undo(data_fragment(taken, place.db.name, prefix="no_", emptied=emptied))
    assert done.returncode == 0, done.stderr
    assert place.db.value("SELECT COUNT(*) FROM kept_by_pages") == 0
    assert place.db.value("SELECT COUNT(*) FROM `ke``pt`") == 0
    assert place.db.value("SELECT COUNT(*) FROM orders") == 3
    assert not (place.folder / "ran").exists()


def test_a_trigger_of_another_account_outlives_the_undo_of_an_update_that_left_its_table_alone(
    mariadb: MariaDB, place: Shop
) -> None:
    """This account may drop it, and could not make it again."""
    mariadb.admin(f"CREATE TRIGGER `{place.db.name}`.theirs BEFORE INSERT ON `{place.db.name}`.orders"
                  " FOR EACH ROW SET NEW.name = LOWER(NEW.name)")  # fmt: skip
    expected, others = footprint.Footprint(rewritten=("kept_by_pages",)), merge.with_triggers_of_others(place.db)
    assert others == {"orders"}
    ladder = rungs.choose(rungs.sizes(place.db), expected, throwaway=lambda _: False, seconds=9, left=others)
    taken = checkpoint.take(place.db, ladder.copied, "pre_run")
    place.sql("UPDATE kept_by_pages SET page = 'new'")
    done = place.undo(data_fragment(taken, place.db.name))
    assert done.returncode == 0, done.stderr
    assert place.db.value("SELECT page FROM kept_by_pages") == "made by newer code"
    assert [trigger.name for trigger in schema.read(place.db)["orders"].triggers] == ["theirs"]
