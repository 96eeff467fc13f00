"""An account that has one schema and eight rights in it: what works all the same, and what is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.database import checkpoint, footprint, merge, privileges, snapshot
from pipeline.database.footprint import Footprint
from pipeline.database.merge_script import data_fragment, merge_script
from pipeline.database.privileges import NEEDED
from pipeline.demo.mariadb import MariaDB
from pipeline.errors import Refused
from tests.integration.database.undo_world import Shop, shop

pytestmark = pytest.mark.integration

TABLES = (
    "CREATE TABLE products (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), stock INT) ENGINE=InnoDB",
    "INSERT INTO products (name, stock) VALUES ('a', 10), ('b', 20), ('c', 30)",
    "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, product INT, old VARCHAR(5) NOT NULL) ENGINE=InnoDB",
    "INSERT INTO orders (product, old) VALUES (1, 'x'), (2, 'y')",
    "CREATE TABLE tags (a INT, b TEXT) ENGINE=MyISAM",
    "INSERT INTO tags VALUES (1, 'a'), (1, 'a'), (2, NULL)",
    "CREATE TABLE lost (a INT PRIMARY KEY) ENGINE=InnoDB",
    "INSERT INTO lost VALUES (1), (2)",
)
UPDATE = (
    "UPDATE products SET name='new' WHERE id=1",
    "DELETE FROM products WHERE id=3",
    "INSERT INTO products (id, name) VALUES (9, 'added')",
    "ALTER TABLE orders ADD COLUMN points INT, DROP COLUMN old",
    "CREATE INDEX by_product ON orders (product)",
    "DROP TABLE lost",
    "CREATE TABLE made (a INT PRIMARY KEY)",
    "INSERT INTO tags VALUES (3, 'z')",
)


@pytest.fixture
def place(mariadb: MariaDB, tmp_path: Path) -> Iterator[Shop]:
    with shop(mariadb, tmp_path / "record") as made:
        made.sql(*TABLES)
        restrict(mariadb, made)
        with made.db.connected() as db:  # a session of its own: schema rights are read when it begins
            yield Shop(db, made.folder)
        mariadb.admin(f"GRANT ALL PRIVILEGES ON {_schema(made)}.* TO `{made.db.name}`@`%`")


def restrict(server: MariaDB, place: Shop, *more: str) -> None:
    """Leave the account the eight rights that it needs, and ``more``."""
    account = f"`{place.db.name}`@`%`"
    server.admin(
        f"REVOKE ALL PRIVILEGES ON {_schema(place)}.* FROM {account};"
        f"GRANT {', '.join([*NEEDED, *more])} ON {_schema(place)}.* TO {account};"
    )


def _schema(place: Shop) -> str:
    return f"`{place.db.name.replace('_', chr(92) + '_')}`"


def test_the_account_has_one_schema_and_nothing_else(place: Shop) -> None:
    held = privileges.read(place.db)
    assert held.rights == set(NEEDED)
    assert not held.schemas
    assert held.missing() == ()
    for forbidden in ("LOCK TABLES orders READ", "CREATE DATABASE other", "CREATE VIEW v AS SELECT 1 AS one",
                      "CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW SET NEW.old = 'z'"):  # fmt: skip
        with pytest.raises(Exception, match="denied"):
            place.sql(forbidden)


@pytest.mark.parametrize("opened", [False, True], ids=["before-opening", "after-opening"])
def test_promotion_and_both_ways_back_work_with_eight_rights(place: Shop, opened: bool) -> None:
    assert privileges.demand(place.db, Footprint(altered=("orders",))) == "triggers cannot be seen by this account"
    taken, before = checkpoint.take(place.db, None, "pre"), footprint.fingerprint(place.db)
    text = data_fragment(taken, place.db.name)
    place.sql(*UPDATE)
    changes = footprint.changed(before, footprint.fingerprint(place.db))
    assert set(changes.tables) == {"products", "orders", "lost", "made", "tags"}
    plan = merge.record(place.db, taken, changes, counters={"products": ["stock"]})
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    if opened:
        (place.folder / "opened").touch()
        place.sql(
            "INSERT INTO orders (product) VALUES (2)",
            "UPDATE products SET stock=stock-1 WHERE id=2",
            "INSERT INTO made VALUES (7)",
        )
    done = place.undo(text)
    assert done.returncode == 0, done.stderr
    assert place.db.rows("SELECT id, name, stock FROM products ORDER BY id") == [
        (1, "a", 10), (2, "b", 19 if opened else 20), (3, "c", 30),
    ]  # fmt: skip
    assert place.db.rows("SELECT id, product, old FROM orders ORDER BY id") == [
        (1, 1, "x"), (2, 2, "y"), *([(3, 2, "")] if opened else []),
    ]  # fmt: skip
    assert sorted(place.db.rows("SELECT a, b FROM tags"), key=str) == [(1, "a"), (1, "a"), (2, None)]
    assert place.db.rows("SELECT a FROM lost") == [(1,), (2,)]
    assert place.db.rows("SHOW TABLES LIKE 'made'") == []
    if not opened:
        assert not footprint.changed(before, footprint.fingerprint(place.db))


def test_a_snapshot_is_taken_and_checked_with_eight_rights(place: Shop) -> None:
    place.db.place_client_file()
    taken = snapshot.take(place.db, str(place.folder / "snapshot"))
    snapshot.check(place.db.host, taken)
    assert taken.rows == {"products": 3, "orders": 2, "tags": 3, "lost": 2}


def test_a_right_that_is_missing_is_named_before_anything_is_touched(mariadb: MariaDB, place: Shop) -> None:
    mariadb.admin(f"REVOKE ALTER, DROP ON {_schema(place)}.* FROM `{place.db.name}`@`%`")
    with place.db.connected() as db, pytest.raises(Refused) as refused:
        privileges.demand(db, Footprint())
    assert "lacks ALTER, DROP" in refused.value.why


def test_a_view_that_cannot_be_read_is_named(mariadb: MariaDB, place: Shop) -> None:
    mariadb.admin(f"CREATE VIEW `{place.db.name}`.cheap AS SELECT 1 AS one")
    with pytest.raises(Refused) as refused:
        privileges.demand(place.db, Footprint())
    assert "The view cheap could not be put back" in refused.value.why
    assert "SHOW VIEW" in refused.value.why


def test_a_view_of_another_account_is_named_if_the_update_changes_it(mariadb: MariaDB, place: Shop) -> None:
    mariadb.admin(f"CREATE VIEW `{place.db.name}`.cheap AS SELECT 1 AS one")
    restrict(mariadb, place, "SHOW VIEW", "CREATE VIEW")
    with place.db.connected() as db:
        privileges.demand(db, Footprint())
        with pytest.raises(Refused) as refused:
            privileges.demand(db, Footprint(altered=("cheap",), views=("cheap",)))
    assert "The view cheap belongs to" in refused.value.why


def test_a_view_that_could_not_be_made_again_is_named_if_the_update_changes_it(mariadb: MariaDB, place: Shop) -> None:
    mariadb.admin(f"CREATE VIEW `{place.db.name}`.cheap AS SELECT 1 AS one")
    restrict(mariadb, place, "SHOW VIEW")
    with place.db.connected() as db, pytest.raises(Refused) as refused:
        privileges.demand(db, Footprint(altered=("cheap",), views=("cheap",)))
    assert "CREATE VIEW" in refused.value.why


def test_views_and_triggers_of_others_do_not_hinder_an_update_that_leaves_them_alone(
    mariadb: MariaDB, place: Shop
) -> None:
    mariadb.admin(f"CREATE VIEW `{place.db.name}`.cheap AS SELECT 1 AS one")
    restrict(mariadb, place, "SHOW VIEW")
    with place.db.connected() as db:
        taken, before = checkpoint.take(db, None, "pre"), footprint.fingerprint(db)
        text = data_fragment(taken, db.name)
        db.execute("UPDATE products SET name='new'")
        assert footprint.changed(before, footprint.fingerprint(db)).rewritten == ("products",)
        done = place.undo(text)
        assert done.returncode == 0, done.stderr
        assert not footprint.changed(before, footprint.fingerprint(db))
