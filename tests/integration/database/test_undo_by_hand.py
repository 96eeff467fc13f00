"""The two ways back on a shop that an engineer could have: each promise by its name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.database import aside as aside_of
from pipeline.database import checkpoint, footprint, merge, merge_plan, put_back, rows, schema
from pipeline.database import conflicts as told
from pipeline.database.merge_script import data_fragment, merge_script
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, shop

pytestmark = pytest.mark.integration

SHOP = (
    (
        "CREATE TABLE products (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL, stock INT NOT NULL"
        " DEFAULT 0, price DECIMAL(10,2), UNIQUE KEY (name)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    ),
    "INSERT INTO products (name, stock) VALUES ('a', 10), ('b', 20), ('c', 30), ('d', 40), ('e', 50)",
    (
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, product INT, reference VARCHAR(20), old VARCHAR(20)"
        " NOT NULL DEFAULT 'x', note VARCHAR(10) CHARACTER SET utf8mb4, UNIQUE KEY reference (reference),"
        " FOREIGN KEY (product) REFERENCES products (id)) ENGINE=InnoDB"
    ),
    "INSERT INTO orders (product, reference, old) VALUES (1, 'r1', 'o1'), (2, 'r2', 'o2')",
    "CREATE TABLE tags (a INT, b TEXT) ENGINE=MyISAM",
    "INSERT INTO tags VALUES (1, 'a'), (1, 'a'), (2, NULL)",
    "CREATE TABLE settings (name VARCHAR(20) PRIMARY KEY, value TEXT) ENGINE=InnoDB",
    "INSERT INTO settings VALUES ('version', '1'), ('_transient_x', '1')",
    "CREATE VIEW cheap AS SELECT id, name FROM products WHERE price < 10",
    "CREATE VIEW cheapest AS SELECT * FROM cheap LIMIT 1",
    "CREATE TRIGGER lower_name BEFORE INSERT ON products FOR EACH ROW BEGIN SET NEW.name = LOWER(NEW.name); END",
)


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("undo") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    emptied.sql(*SHOP)
    return emptied


class Promotion:
    """One promotion's data: checkpoint, update, recording, opening, way back."""

    def __init__(self, place: Shop, kind: str = "pre") -> None:
        self.place = place
        self.before = footprint.fingerprint(place.db)
        self.taken = checkpoint.take(place.db, None, kind)
        self.text = data_fragment(self.taken, place.db.name)

    def update(self, *statements: str) -> footprint.Footprint:
        self.place.sql("SET foreign_key_checks=0", *statements, "SET foreign_key_checks=1")
        return footprint.changed(self.before, footprint.fingerprint(self.place.db))

    def open(
        self,
        changes: footprint.Footprint,
        counters: dict[str, list[str]] | None = None,
        ignore: dict[str, str] | None = None,
        by_name: tuple[str, ...] = (),
    ) -> merge_plan.MergePlan:
        plan = merge.record(self.place.db, self.taken, changes, counters=counters, ignore=ignore, by_name=by_name)
        plan = merge_plan.MergePlan.from_json(plan.json())
        (self.place.folder / "merge.sh").write_text(merge_script(plan, self.place.db.name))
        (self.place.folder / "opened").touch()
        return plan

    def back(self) -> str:
        done = self.place.undo(self.text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def remains(self) -> footprint.Footprint:
        return footprint.changed(self.before, footprint.fingerprint(self.place.db))


def test_everything_an_update_may_do_is_taken_back_before_opening(place: Shop) -> None:
    run = Promotion(place)
    changes = run.update(
        "UPDATE products SET name='t' WHERE id=1",
        "UPDATE products SET name='a' WHERE id=2",
        "UPDATE products SET name='b' WHERE id=1",
        "DELETE FROM products WHERE id IN (3, 5)",
        "ALTER TABLE orders ADD COLUMN points INT, DROP COLUMN old, DROP INDEX reference",
        "DROP TABLE tags",
        "CREATE TABLE made (product INT, FOREIGN KEY (product) REFERENCES products (id))",
        "DROP VIEW cheapest",
        "ALTER VIEW cheap AS SELECT 1 AS one",
        "CREATE VIEW extra AS SELECT 2 AS two",
        "DROP TRIGGER lower_name",
    )
    assert set(changes.tables) == {"products", "orders", "tags", "made", "cheap", "cheapest", "extra"}
    run.back()
    assert not run.remains()
    assert not put_back.differences(place.db, run.taken)
    assert place.db.value("SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA=DATABASE()"
                          " AND TABLE_NAME='orders' AND REFERENCED_TABLE_NAME='products'") == 1  # fmt: skip


def test_customers_keep_everything_and_the_update_goes_after_opening(place: Shop) -> None:
    run = Promotion(place)
    changes = run.update(
        "UPDATE products SET name=CONCAT(name, '!'), price=9 WHERE id IN (1, 2)",
        "DELETE FROM products WHERE id=3",
        "INSERT INTO products (id, name) VALUES (10, 'new'), (11, 'newer')",
        "UPDATE settings SET value='2' WHERE name='version'",
    )
    run.open(changes)
    place.sql(
        "UPDATE products SET stock=stock-3 WHERE id=1",
        "UPDATE products SET price=5 WHERE id=2",
        "UPDATE products SET stock=1 WHERE id=11",
        "INSERT INTO products (name) VALUES ('mine')",
        "INSERT INTO orders (product, reference) VALUES (1, 'r3')",
    )
    run.back()
    assert place.db.rows("SELECT id, name, stock, price FROM products ORDER BY id") == [
        (1, "a", 7, None),
        (2, "b", 20, "5.00"),
        (3, "c", 30, None),
        (4, "d", 40, None),
        (5, "e", 50, None),
        (11, "newer", 1, None),
        (12, "mine", 0, None),
    ]
    assert place.db.value("SELECT value FROM settings WHERE name='version'") == "1"
    assert place.db.value("SELECT COUNT(*) FROM orders WHERE reference='r3'") == 1
    assert {(table, key, column) for table, key, column, _ in place.conflicts()} == {
        ("products", "2", "price"),
        ("products", "11", ""),
    }


def test_a_column_that_everybody_counts_in_keeps_everybodys_count(place: Shop) -> None:
    run = Promotion(place)
    run.open(run.update("UPDATE products SET stock=stock+100"), counters={"products": ["stock"]})
    place.sql("UPDATE products SET stock=stock-3 WHERE id=1", "UPDATE products SET stock=stock-60 WHERE id=2")
    run.back()
    assert place.db.rows("SELECT stock FROM products ORDER BY id") == [(7,), (-40,), (30,), (40,), (50,)]
    assert not place.conflicts()


def test_rows_declared_noise_are_left_as_they_are(place: Shop) -> None:
    run = Promotion(place)
    changes = run.update("UPDATE settings SET value='2'", "INSERT INTO settings VALUES ('_transient_y', '1')")
    run.open(changes, ignore={"settings": r"name LIKE '\_transient%'"})
    run.back()
    assert sorted(place.db.rows("SELECT * FROM settings")) == [
        ("_transient_x", "2"),
        ("_transient_y", "1"),
        ("version", "1"),
    ]


def test_a_table_that_the_update_made_is_set_aside_with_what_customers_wrote_into_it(place: Shop) -> None:
    run = Promotion(place)
    made = "CREATE TABLE points (id INT PRIMARY KEY, product INT, FOREIGN KEY (product) REFERENCES products (id))"
    plan = run.open(run.update(made, "INSERT INTO points VALUES (1, 1)"))
    place.sql("INSERT INTO points VALUES (2, 2)")
    said = run.back()
    aside = plan.tables[0].aside
    assert f"points is kept as {aside}" in said
    assert place.db.value(f"SELECT COUNT(*) FROM {aside}") == 2
    assert not run.remains()
    place.sql("DELETE FROM orders", "DELETE FROM products")  # nothing set aside holds on to its parents


def test_a_removed_table_comes_back_unless_somebody_made_it_again(place: Shop) -> None:
    run = Promotion(place)
    run.open(run.update("DROP TABLE tags", "DROP TABLE settings"))
    place.sql("CREATE TABLE settings (mine INT)")
    run.back()
    assert place.db.value("SELECT COUNT(*) FROM tags") == 3
    assert [column.name for column in schema.read(place.db)["settings"].columns] == ["mine"]
    assert {table for table, _, _, _ in place.conflicts()} == {"settings"}


def test_a_removed_column_comes_back_filled_and_a_narrower_value_is_reported(place: Shop) -> None:
    run = Promotion(place)
    run.open(run.update("ALTER TABLE orders DROP COLUMN old, MODIFY note VARCHAR(40) CHARACTER SET utf8mb4"))
    place.sql("INSERT INTO orders (reference, note) VALUES ('r3', 'quatorze lettres')")
    run.back()
    assert place.db.rows("SELECT reference, old, note FROM orders ORDER BY id") == [
        ("r1", "o1", None),
        ("r2", "o2", None),
        ("r3", "x", "quatorze l"),
    ]
    assert {(table, key, column) for table, key, column, _ in place.conflicts()} == {("orders", "3", "note")}
    assert schema.read(place.db)["orders"].signature == run.taken.copies["orders"].table.signature


def test_numbers_are_not_issued_twice(place: Shop) -> None:
    run = Promotion(place)
    place.sql("ALTER TABLE orders AUTO_INCREMENT=500")
    run = Promotion(place)
    changes = run.update("TRUNCATE TABLE orders", "INSERT INTO orders (reference) VALUES ('n')")
    run.open(changes)
    place.sql("INSERT INTO orders (reference) VALUES ('mine')")
    assert place.db.value("SELECT id FROM orders WHERE reference='mine'") >= 500
    run.back()
    place.sql("INSERT INTO orders (reference) VALUES ('next')")
    assert place.db.value("SELECT id FROM orders WHERE reference='next'") > 500


def test_a_table_outside_the_checkpoint_is_never_touched(place: Shop) -> None:
    before = checkpoint.take(place.db, ["products"], "pre")
    place.sql("UPDATE settings SET value='9'", "UPDATE products SET stock=0", "CREATE TABLE other (a INT)")
    assert place.undo(data_fragment(before, place.db.name, prefix="wp_")).returncode == 0
    assert place.db.value("SELECT value FROM settings WHERE name='version'") == "9"
    assert place.db.value("SELECT SUM(stock) FROM products") == "150"
    assert "other" in schema.table_names(place.db)


def test_an_opened_shop_without_its_merge_script_is_held(place: Shop) -> None:
    run = Promotion(place)
    run.update("UPDATE products SET stock=0")
    (place.folder / "opened").touch()
    done = place.undo(run.text)
    assert done.returncode != 0
    assert "merge.sh is missing" in done.stderr
    assert place.db.value("SELECT SUM(stock) FROM products") == "0"


def test_the_staging_restore_and_advance_keep_what_was_kept(place: Shop) -> None:
    base = checkpoint.take(place.db, None, "base")
    kept = checkpoint.take(place.db, [], "kept")
    place.sql("ALTER TABLE settings ADD COLUMN extra INT", "CREATE TABLE good (id INT PRIMARY KEY)", "DROP TABLE tags")
    kept = checkpoint.advance(place.db, kept, ["settings", "good", "tags"])
    good = footprint.fingerprint(place.db)
    place.sql("DELETE FROM settings", "DROP TABLE good", "CREATE TABLE bad (id INT)", "UPDATE products SET stock=0")
    changes = footprint.changed(good, footprint.fingerprint(place.db))
    put_back.restore(place.db, kept.over(base), changes.tables)
    assert not footprint.changed(good, footprint.fingerprint(place.db))
    checkpoint.drop(place.db, kept)
    put_back.restore(place.db, base)
    assert not put_back.differences(place.db, base)
    assert "good" not in schema.table_names(place.db)


def test_rows_are_counted_and_told(place: Shop) -> None:
    taken = checkpoint.take(place.db, ["products", "tags"], "pre")
    place.sql("UPDATE products SET price=9, name='A' WHERE id=1", "DELETE FROM products WHERE id=3")
    place.sql("INSERT INTO products (name) VALUES ('z'), ('y')", "INSERT INTO tags VALUES (1, 'a')")
    live = schema.read(place.db)
    found = rows.measure(place.db, taken.copies["products"], live["products"], shown=["price"])
    assert (found.added, found.changed, found.removed, found.columns) == (2, 1, 1, ("name", "price"))
    assert found.samples == (rows.Sample("1", "price", None, "9.00"),)
    assert str(found) == "products: 2 rows added, 1 row changed, 1 row removed"
    tags = rows.measure(place.db, taken.copies["tags"], live["tags"])
    assert (tags.added, tags.changed, tags.removed) == (1, 0, 0)
    assert rows.RowChanges.from_json(found.json()) == found


def test_what_cannot_be_taken_back_is_refused_by_name(place: Shop) -> None:
    place.sql("CREATE TABLE history (id INT PRIMARY KEY) WITH SYSTEM VERSIONING")
    before, old = schema.read(place.db), footprint.fingerprint(place.db)
    place.sql("INSERT INTO history VALUES (1)", "ALTER TABLE tags DROP COLUMN b")
    after = schema.read(place.db)
    said = merge.refuse(before, after, footprint.changed(old, footprint.fingerprint(place.db)))
    assert [sentence.partition(" ")[0] for sentence in said] == ["history", "tags"]


def test_an_added_row_that_customers_rows_refer_to_stays_and_is_reported(place: Shop) -> None:
    run = Promotion(place)
    run.open(run.update("INSERT INTO products (id, name) VALUES (20, 'sold'), (21, 'unsold')"))
    place.sql("INSERT INTO orders (product, reference) VALUES (20, 'r3')")
    run.back()
    assert place.db.rows("SELECT id FROM products WHERE id > 5") == [(20,)]
    assert {(table, key, what) for table, key, _, what in place.conflicts()} == {("products", "20", told.KEPT_REFERRED)}


def test_rows_that_the_update_added_together_go_together(place: Shop) -> None:
    run = Promotion(place)
    added = (
        "INSERT INTO products (id, name) VALUES (20, 'p')",
        "INSERT INTO orders (product, reference) VALUES (20, 'u')",
    )
    run.open(run.update(*added))
    run.back()
    assert not run.remains()
    assert not place.conflicts()


def test_what_an_added_row_needs_stays_with_it(place: Shop) -> None:
    place.sql("CREATE TABLE basket (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id))")
    run = Promotion(place)
    added = (
        "INSERT INTO products (id, name) VALUES (20, 'p')",
        "INSERT INTO orders (id, product, reference) VALUES (30, 20, 'u')",
    )
    run.open(run.update(*added))
    place.sql("INSERT INTO basket VALUES (1, 30)")
    run.back()
    assert place.db.value("SELECT product FROM orders WHERE id = 30") == 20
    assert place.db.value("SELECT COUNT(*) FROM products WHERE id = 20") == 1
    assert {(table, key) for table, key, _, _ in place.conflicts()} == {("products", "20"), ("orders", "30")}


def test_a_column_may_refer_by_its_name_alone(place: Shop) -> None:
    place.sql("CREATE TABLE basket (id INT PRIMARY KEY AUTO_INCREMENT, product_id BIGINT)")
    run = Promotion(place)
    run.open(run.update("INSERT INTO products (id, name) VALUES (20, 'p'), (21, 'q')"), by_name=("basket",))
    place.sql("INSERT INTO basket (product_id) VALUES (20)")
    run.back()
    assert place.db.rows("SELECT id FROM products WHERE id > 5") == [(20,)]


def test_what_others_wrote_into_an_added_column_is_put_aside_and_counted(place: Shop) -> None:
    run = Promotion(place)
    plan = run.open(
        run.update(
            "ALTER TABLE orders ADD COLUMN points INT NOT NULL DEFAULT 5", "UPDATE orders SET points=7 WHERE id=1"
        )
    )
    place.sql(
        "UPDATE orders SET points=9 WHERE id=2", "INSERT INTO orders (reference, points) VALUES ('r3', 5), ('r4', 8)"
    )
    run.back()
    aside = plan.tables[0].aside
    assert place.db.rows(f"SELECT id, points FROM {aside} ORDER BY id") == [(2, 9), (4, 8)]
    assert set(place.conflicts()) == {("orders", "2 rows", "points", f"{aside_of.KEPT_ASIDE} {aside}")}
    assert schema.read(place.db)["orders"].signature == run.taken.copies["orders"].table.signature


def test_a_renamed_column_takes_back_its_name_and_keeps_what_customers_wrote(place: Shop) -> None:
    run = Promotion(place)
    run.open(run.update("ALTER TABLE orders CHANGE old kind VARCHAR(20) NOT NULL DEFAULT 'x'"))
    place.sql("UPDATE orders SET kind='mine' WHERE id=2", "INSERT INTO orders (reference, kind) VALUES ('r3', 'new')")
    run.back()
    assert place.db.rows("SELECT old FROM orders ORDER BY id") == [("o1",), ("mine",), ("new",)]
    assert not place.conflicts()


def test_two_rollbacks_set_aside_two_tables(place: Shop) -> None:
    for number in range(2):
        run = Promotion(place, f"pre_{number}")
        run.open(run.update("CREATE TABLE points (id INT PRIMARY KEY)", "INSERT INTO points VALUES (1)"))
        run.back()
        assert not run.remains()
        (place.folder / "opened").unlink()


def test_two_promotions_that_both_stand_set_aside_under_names_of_their_own(place: Shop) -> None:
    """The later one is recorded before the earlier one has set anything aside."""
    add = "ALTER TABLE orders ADD COLUMN points{0} INT, ADD COLUMN more{0} INT"
    first = Promotion(place, "pre_first")
    earlier = first.open(first.update("CREATE TABLE one (id INT PRIMARY KEY)", add.format(1)))
    place.sql("INSERT INTO one VALUES (1)", "UPDATE orders SET points1=1 WHERE id=1")
    second = Promotion(place, "pre_second")
    later = second.open(second.update("CREATE TABLE two (id INT PRIMARY KEY)", add.format(2)))
    place.sql("INSERT INTO two VALUES (1), (2)", "UPDATE orders SET points2=2")
    second.back()
    (place.folder / "merge.sh").write_text(merge_script(earlier, place.db.name))
    first.back()
    asides = {table.name: table.aside for table in earlier.tables}, {table.name: table.aside for table in later.tables}
    counts = [(asides[0]["one"], 1), (asides[0]["orders"], 1), (asides[1]["two"], 2), (asides[1]["orders"], 2)]
    for name, rows_in_it in counts:
        assert place.db.value(f"SELECT COUNT(*) FROM {name}") == rows_in_it, name
    assert not first.remains()


def test_a_value_unique_by_its_beginning_is_a_conflict_and_no_dead_end(place: Shop) -> None:
    place.sql("CREATE TABLE codes (id INT PRIMARY KEY, code VARCHAR(20), UNIQUE KEY c (code(3)))")
    place.sql("INSERT INTO codes VALUES (1, 'abc-old'), (2, 'def-old')")
    run = Promotion(place)
    run.open(run.update("UPDATE codes SET code='xyz' WHERE id=1"))
    place.sql("INSERT INTO codes VALUES (3, 'abc-theirs')")
    run.back()
    assert place.db.rows("SELECT code FROM codes ORDER BY id") == [("xyz",), ("def-old",), ("abc-theirs",)]
    assert {(key, what) for _, key, _, what in place.conflicts()} == {("1", told.COLLIDES)}


def test_a_row_without_a_key_that_meets_another_on_a_unique_column_stays_away(place: Shop) -> None:
    place.sql("CREATE TABLE loose (u INT UNIQUE, v INT)", "INSERT INTO loose VALUES (1, 1), (2, 2), (NULL, 3)")
    run = Promotion(place)
    run.open(run.update("DELETE FROM loose WHERE u <= 2"))
    place.sql("INSERT INTO loose VALUES (1, 100)")
    run.back()
    assert sorted(map(str, place.db.rows("SELECT u, v FROM loose"))) == ["(1, 100)", "(2, 2)", "(None, 3)"]
    assert {what for _, _, _, what in place.conflicts()} == {told.COLLIDES}


def test_a_count_that_cannot_go_below_zero_is_reported(place: Shop) -> None:
    place.sql("ALTER TABLE products MODIFY stock INT UNSIGNED NOT NULL DEFAULT 0")
    run = Promotion(place)
    run.open(run.update("UPDATE products SET stock=stock+100"), counters={"products": ["stock"]})
    place.sql("UPDATE products SET stock=stock-60 WHERE id=1", "UPDATE products SET stock=stock-5 WHERE id=2")
    run.back()
    assert place.db.rows("SELECT stock FROM products ORDER BY id") == [(0,), (15,), (30,), (40,), (50,)]
    assert {(key, column, what) for _, key, column, what in place.conflicts()} == {("1", "stock", told.OVERDRAWN)}


def test_a_count_whose_column_was_widened_keeps_everybodys_count(place: Shop) -> None:
    run = Promotion(place)
    changes = run.update(
        "ALTER TABLE products MODIFY stock BIGINT NOT NULL DEFAULT 0", "UPDATE products SET stock=stock+100"
    )
    run.open(changes, counters={"products": ["stock"]})
    place.sql("UPDATE products SET stock=stock-3 WHERE id=1")
    run.back()
    assert place.db.rows("SELECT stock FROM products ORDER BY id") == [(7,), (20,), (30,), (40,), (50,)]
    assert not place.conflicts()


@pytest.mark.parametrize("opened", [False, True], ids=["before opening", "after opening"])
@pytest.mark.parametrize(
    "update",
    [
        ("UPDATE orders SET old='u'", "INSERT INTO orders (reference) VALUES ('u')"),
        ("ALTER TABLE orders ADD COLUMN points INT", "INSERT INTO orders (reference) VALUES ('u')"),
        ("ALTER TABLE orders MODIFY id BIGINT AUTO_INCREMENT, DROP COLUMN old", "DELETE FROM orders WHERE id=2"),
        ("TRUNCATE TABLE orders",),
        ("DROP TABLE orders",),
    ],
    ids=["rows", "column added", "key widened", "truncated", "dropped"],
)
def test_no_number_is_issued_twice_on_any_way_back(place: Shop, update: tuple[str, ...], *, opened: bool) -> None:
    place.sql("ALTER TABLE orders AUTO_INCREMENT=500")
    run = Promotion(place)
    changes = run.update(*update)
    if opened:
        run.open(changes)
    if update != ("DROP TABLE orders",):
        place.sql("INSERT INTO orders (reference) VALUES ('gone')")
        issued = int(place.db.value("SELECT MAX(id) FROM orders"))
        place.sql("DELETE FROM orders WHERE reference='gone'")
    else:
        issued = 499
    run.back()
    place.sql("INSERT INTO orders (reference) VALUES ('next')")
    assert place.db.value("SELECT id FROM orders WHERE reference='next'") > max(issued, 499)


def test_a_time_of_the_last_change_that_moved_on_twice_is_no_conflict(place: Shop) -> None:
    place.sql("CREATE TABLE cards (id INT PRIMARY KEY, changed DATETIME, seen DATETIME)")
    place.sql("INSERT INTO cards VALUES (1, '2026-01-01', '2026-01-01'), (2, '2026-01-01', NULL)")
    run = Promotion(place)
    run.open(run.update("UPDATE cards SET changed='2026-02-01', seen='2026-02-01'"))
    place.sql("UPDATE cards SET changed='2026-03-01' WHERE id=1", "UPDATE cards SET seen='2025-01-01'")
    run.back()
    assert place.db.rows("SELECT changed FROM cards ORDER BY id") == [
        ("2026-03-01 00:00:00",),
        ("2026-01-01 00:00:00",),
    ]
    assert {(key, column) for _, key, column, _ in place.conflicts()} == {("1", "seen"), ("2", "seen")}


def test_two_promotions_on_one_another_go_back_newest_first(place: Shop) -> None:
    """Each keeps its own images, so the earlier one still has its way back once the later one was taken back."""
    first = Promotion(place, "pre_first")
    earlier = first.open(
        first.update("UPDATE products SET name=CONCAT(name, '1')", "INSERT INTO settings VALUES ('first', '1')")
    )
    place.sql("UPDATE products SET stock=stock-1 WHERE id=1", "INSERT INTO products (name) VALUES ('between')")
    second = Promotion(place, "pre_second")
    second.open(
        second.update(
            "UPDATE products SET name=CONCAT(name, '2') WHERE id<3", "ALTER TABLE settings ADD COLUMN more INT"
        )
    )
    place.sql("UPDATE products SET stock=stock-2 WHERE id=1", "INSERT INTO products (name) VALUES ('last')")
    second.back()
    assert place.db.value("SELECT name FROM products WHERE id=1") == "a1"
    (place.folder / "merge.sh").write_text(merge_script(earlier, place.db.name))
    first.back()
    assert place.db.rows("SELECT name, stock FROM products ORDER BY id") == [
        ("a", 7), ("b", 20), ("c", 30), ("d", 40), ("e", 50), ("between", 0), ("last", 0)
    ]  # fmt: skip
    assert dict(place.db.rows("SELECT * FROM settings")) == {"version": "1", "_transient_x": "1"}
