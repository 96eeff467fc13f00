"""Generated schemas, updates and customers: the way back ends where an independent model says it must.

``PALIER_EXAMPLES=3000`` runs thousands of cases instead of the few that fit a minute.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from pipeline.database import checkpoint, footprint, merge, schema
from pipeline.database.aside import KEPT_ASIDE
from pipeline.database.connection import QueryFailed
from pipeline.database.merge_script import data_fragment, merge_script
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, Three, frozen, image, shop

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("PALIER_EXAMPLES", "0"))
TEXTS = ["''", "'a'", "'A'", "'a '", "'é'", "'e'", "'😀'", "'😁'", "'q''\\\\'", "'abcdefghij'"]
COLUMNS: dict[str, tuple[str, list[str]]] = {
    "i": ("int(11) DEFAULT NULL", ["NULL", "0", "1", "-5", "2147483647"]),
    "s": ("varchar(20) CHARACTER SET utf8mb4 DEFAULT NULL", [*TEXTS, "NULL"]),
    "l": ("varchar(10) CHARACTER SET latin1 NOT NULL DEFAULT 'x'", ["'a'", "'A'", "'é'", "''"]),
    "t": ("text CHARACTER SET utf8mb4 DEFAULT NULL", [*TEXTS, "NULL", "REPEAT('ü',300)"]),
    "d": ("decimal(10,2) NOT NULL DEFAULT 1.50", ["0", "1.5", "-0.01", "99999999.99"]),
    "dt": ("datetime NOT NULL DEFAULT '0000-00-00 00:00:00'", ["0", "'2020-00-00'", "'2021-02-03 04:05:06'"]),
    "ts": (
        "timestamp NOT NULL DEFAULT '2000-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP",
        ["'2020-10-25 01:30:00'", "0"],
    ),
    "b": ("blob DEFAULT NULL", ["NULL", "x''", "x'00'", "x'ff0a27'"]),
    "j": ("longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`j`))", ["'[]'", "NULL"]),
    "f": ("float DEFAULT NULL", ["0", "0.1", "3.4e38", "1e-7", "NULL"]),
    "e": ("enum('','x','y') DEFAULT NULL", ["''", "'x'", "'y'", "NULL"]),
    "bi": ("bit(3) DEFAULT NULL", ["0", "5", "NULL"]),
    "ti": ("time(3) DEFAULT NULL", ["'-01:00:00.5'", "'12:00:00'"]),
    "u": ("int(11) DEFAULT NULL", ["NULL", "1", "2", "3", "4"]),
}
KEYS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "number": ("`id` int(11) NOT NULL AUTO_INCREMENT, PRIMARY KEY (`id`)", {"id": ["1", "2", "3", "4", "9"]}),
    "text": (
        "`k` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL, UNIQUE KEY `k` (`k`)",
        {"k": TEXTS},
    ),
    "both": (
        "`a` int(11) NOT NULL, `c` char(3) CHARACTER SET latin1 NOT NULL, PRIMARY KEY (`a`,`c`)",
        {"a": ["0", "1"], "c": ["'a'", "'B'", "''"]},
    ),
    "time": ("`w` datetime NOT NULL, PRIMARY KEY (`w`)", {"w": ["0", "'2020-00-00'", "'2021-01-01'"]}),
    "bytes": ("`y` varbinary(3) NOT NULL, PRIMARY KEY (`y`)", {"y": ["x''", "x'00'", "x'61'", "x'41'"]}),
    "none": ("", {}),
}


@st.composite
def tables(draw: st.DrawFn, name: str) -> tuple[str, dict[str, list[str]]]:
    """A CREATE TABLE and the values that each of its columns is given."""
    key, values = KEYS[draw(st.sampled_from(sorted(KEYS)))]
    chosen = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=2, max_size=6, unique=True))
    parts = [part for part in (key,) if part] + [f"`{column}` {COLUMNS[column][0]}" for column in chosen]
    if "i" in chosen and draw(st.booleans()):
        parts.append(f"`g` int(11) GENERATED ALWAYS AS (`i` DIV 2) {draw(st.sampled_from(['STORED', 'VIRTUAL']))}")
    if "u" in chosen and draw(st.booleans()):
        parts.append("UNIQUE KEY `uu` (`u`)")
    engine = draw(st.sampled_from(["InnoDB", "InnoDB", "InnoDB", "MyISAM"]))
    letters = draw(st.sampled_from(["utf8mb4", "latin1"]))
    create = f"CREATE TABLE `{name}` ({', '.join(parts)}) ENGINE={engine} DEFAULT CHARSET={letters}"
    return create, {**values, **{column: COLUMNS[column][1] for column in chosen}}


@st.composite
def writes(draw: st.DrawFn, name: str, values: dict[str, list[str]], size: int) -> list[str]:
    """Statements on rows, such as updates and customers write."""
    return [draw(_write(name, values)) for _ in range(draw(st.integers(0, size)))]


@st.composite
def _insert(draw: st.DrawFn, name: str, values: dict[str, list[str]]) -> str:
    chosen = [column for column in values if draw(st.integers(0, 3))] or list(values)[:1]
    cells = [draw(st.sampled_from(values[column])) for column in chosen]
    return f"INSERT IGNORE INTO `{name}` ({_names(chosen)}) VALUES ({', '.join(cells)})"


@st.composite
def _write(draw: st.DrawFn, name: str, values: dict[str, list[str]]) -> str:
    kind = draw(st.sampled_from(["insert", "insert", "update", "update", "update", "delete"]))
    if kind == "insert":
        return draw(_insert(name, values))
    where = draw(st.sampled_from(sorted(values)))
    wanted = draw(st.sampled_from(values[where]))
    condition = draw(st.sampled_from([f"`{where}` <=> {wanted}", f"`{where}` <=> {wanted}", "TRUE"]))
    limit = draw(st.sampled_from(["", " LIMIT 1", " LIMIT 2"]))
    if kind == "delete":
        return f"DELETE FROM `{name}` WHERE {condition}{limit or ' LIMIT 3'}"
    column = draw(st.sampled_from(sorted(values)))
    return f"UPDATE IGNORE `{name}` SET `{column}` = {draw(st.sampled_from(values[column]))} WHERE {condition}{limit}"


def _names(columns: list[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


@st.composite
def alters(draw: st.DrawFn, name: str, values: dict[str, list[str]]) -> list[str]:
    """At most one change of the table itself."""
    found = [
        f"ALTER TABLE `{name}` ADD COLUMN `n` int NOT NULL DEFAULT 7",
        f"ALTER TABLE `{name}` ADD COLUMN `n` varchar(5) FIRST, COMMENT='changed'",
        f"ALTER TABLE `{name}` ADD COLUMN `n` int, ADD KEY `nn` (`n`)",
        f"TRUNCATE TABLE `{name}`",
    ]
    keyed = not set(values).isdisjoint({"id", "k", "a", "w", "y"})
    if keyed and len(set(values) & set(COLUMNS)) > 1:
        lost = draw(st.sampled_from(sorted(set(values) & set(COLUMNS) - {"i", "u"}) or [""]))
        found += [f"ALTER TABLE `{name}` DROP COLUMN `{lost}`"] * 2 if lost else []
    if keyed and "s" in values:
        found += [
            f"ALTER TABLE `{name}` MODIFY `s` varchar(40) CHARACTER SET utf8mb4",
            f"ALTER TABLE `{name}` MODIFY `s` varchar(1) CHARACTER SET utf8mb4",
            f"ALTER TABLE `{name}` MODIFY `s` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin FIRST",
        ]
    return [draw(st.sampled_from(found))] if draw(st.integers(0, 2)) == 0 else []


def bounded(examples: int) -> settings:
    """The few cases that are always the same, or the thousands that were asked for, made small when they fail."""
    quick = (Phase.explicit, Phase.generate)
    return settings(
        max_examples=EXAMPLES or examples,
        deadline=None,
        derandomize=not EXAMPLES,
        phases=tuple(Phase) if os.environ.get("PALIER_SHRINK") else quick,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


Case = tuple[str, dict[str, list[str]], list[str], list[str], list[str]]


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    """Some tables, each with its first rows, the update's statements and the customers'."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        name = f"t{number}"
        create, values = draw(tables(name))
        rows = [draw(_insert(name, values)) for _ in range(5)]
        altered = draw(alters(name, values))
        since = {**values, "n": ["NULL", "1", "7", "''"]} if any("COLUMN `n`" in each for each in altered) else values
        update = draw(writes(name, values, 4)) + altered + draw(writes(name, since, 3))
        made.append((create, values, rows, update, draw(writes(name, since, 5))))
    return made


@pytest.fixture(scope="module")
def place(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("undo") / "record é") as made:
        yield made


def _run(place: Shop, statements: list[str]) -> None:
    for statement in statements:
        try:
            place.sql(statement)
        except QueryFailed as refused:  # a column that the update removed, a value that the type refuses
            note(f"refused: {refused.what}")


def _start(place: Shop, made: list[Case]) -> tuple[checkpoint.Checkpoint, footprint.Fingerprint]:
    place.empty()
    for create, _, rows, _, _ in made:
        _run(place, [create, *rows])
    before = footprint.fingerprint(place.db)
    return checkpoint.take(place.db, None, "pre"), before


@bounded(6)
@given(made=cases())
def test_before_opening_everything_is_as_before(place: Shop, made: list[Case]) -> None:
    taken, before = _start(place, made)
    for _, _, _, update, _ in made:
        _run(place, update)
    done = place.undo(data_fragment(taken, place.db.name))
    assert done.returncode == 0, done.stderr
    assert footprint.changed(before, footprint.fingerprint(place.db)).tables == ()


@bounded(8)
@given(made=cases())
def test_after_opening_the_update_goes_and_what_customers_wrote_stays(place: Shop, made: list[Case]) -> None:
    taken, before = _start(place, made)
    pre = {name: image(place.db, copy.table) for name, copy in taken.copies.items()}
    for _, _, _, update, _ in made:
        _run(place, update)
    changes = footprint.changed(before, footprint.fingerprint(place.db))
    plan = merge.record(place.db, taken, changes)
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    (place.folder / "opened").touch()
    post_tables = schema.read(place.db)
    keys = {name: copy.table.key for name, copy in taken.copies.items()}
    post = {name: image(place.db, table, keys[name]) for name, table in post_tables.items()}
    for _, _, _, _, customers in made:
        _run(place, customers)
    counters = {name: table.auto_increment or 0 for name, table in schema.read(place.db).items()}
    live = {name: image(place.db, table, keys[name]) for name, table in post_tables.items()}
    done = place.undo(data_fragment(taken, place.db.name))
    assert done.returncode == 0, done.stderr
    _check(place, taken, changes, post_tables, (pre, post, live))
    assert all((table.auto_increment or 0) >= counters[name] for name, table in schema.read(place.db).items())
    first = {name: image(place.db, copy.table) for name, copy in taken.copies.items()}
    assert place.undo(data_fragment(taken, place.db.name)).returncode == 0
    assert first == {name: image(place.db, copy.table) for name, copy in taken.copies.items()}


def _check(
    place: Shop,
    taken: checkpoint.Checkpoint,
    changes: footprint.Footprint,
    post_tables: dict[str, schema.Table],
    images: tuple[dict[str, tuple[dict[str, dict[str, str | None]], list[dict[str, str | None]]]], ...],
) -> None:
    pre, post, live = images
    now = schema.read(place.db)
    said: Counter[tuple[str, str, str, str]] = Counter()
    aside: Counter[tuple[str, str, str]] = Counter()
    for name, copy in taken.copies.items():
        assert now[name].signature == copy.table.signature
        keyed, listed = image(place.db, now[name])
        if name not in changes.tables:
            assert sorted(map(str, listed)) == sorted(map(str, live[name][1]))
            continue
        three = Three(name, copy.table, post_tables[name], pre[name], post[name], live[name])
        expected = three.expected()
        said += expected.conflicts
        aside += Counter({(name, f"{len(three.aside())} rows", "n"): 1} if three.aside() else {})
        if copy.table.key:
            assert _settled(keyed, expected.rows) == _settled(expected.rows, expected.rows)
        else:
            assert frozen(listed, copy.table.stored_names) == expected.listed
    found = place.conflicts()
    assert (
        Counter(
            {
                item[:3]: n
                for item, n in found.items()
                if item[3].startswith(KEPT_ASIDE) and taken.copies[item[0]].table.key
            }
        )
        == aside
    )
    found = Counter({item: n for item, n in found.items() if not item[3].startswith(KEPT_ASIDE)})
    hidden = {"the update added such rows and somebody changed or deleted some since"}
    told = Counter({(t, "" if w in hidden else k, c, w): n for (t, k, c, w), n in found.items() if w not in hidden})
    for (table, _, column, what), number in found.items():
        if what in hidden:
            told[table, "", column, what] += number
    shortened = {item: number for item, number in told.items() if item[3].startswith("the value does not fit")}
    assert told - Counter(shortened) == said


PRODUCTS = 4


@st.composite
def stock_moves(draw: st.DrawFn) -> tuple[str, list[str], list[tuple[int, int]]]:
    """The column's type, what the update does to stock, and what customers take and give back, by product."""
    kind = draw(
        st.sampled_from(["INT NOT NULL", "INT UNSIGNED NOT NULL", "BIGINT DEFAULT NULL", "DECIMAL(12,3) NOT NULL"])
    )
    one = st.integers(1, PRODUCTS)
    does = st.sampled_from(
        [
            "UPDATE products SET stock = stock + {n} WHERE id = {id}",
            "UPDATE products SET stock = {n} WHERE id = {id}",
            "UPDATE products SET stock = {n}",
            "UPDATE products SET name = CONCAT(name, '!'), stock = stock - {n} WHERE stock >= {n}",
            "ALTER TABLE products MODIFY stock DECIMAL(20,3) NOT NULL DEFAULT 0",
            "ALTER TABLE products ADD COLUMN extra{n} INT DEFAULT 1",
            "INSERT INTO products (id, stock) VALUES (10{n}, 5)",
        ]
    )
    update = [draw(does).format(n=draw(st.integers(1, 60)), id=draw(one)) for _ in range(draw(st.integers(1, 4)))]
    return kind, update, draw(st.lists(st.tuples(one, st.integers(-30, 10)), max_size=8))


@bounded(8)
@given(case=stock_moves())
def test_stock_after_a_rollback_is_stock_before_and_what_customers_did(
    place: Shop, case: tuple[str, list[str], list[tuple[int, int]]]
) -> None:
    kind, update, moves = case
    place.empty()
    place.sql(f"CREATE TABLE products (id INT PRIMARY KEY, name VARCHAR(200) NOT NULL DEFAULT '', stock {kind})")
    place.sql(
        *(f"INSERT INTO products (id, stock) VALUES ({number}, {number * 10})" for number in range(1, PRODUCTS + 1))
    )
    before = footprint.fingerprint(place.db)
    taken = checkpoint.take(place.db, None, "pre")
    _run(place, update)
    changes = footprint.changed(before, footprint.fingerprint(place.db))
    plan = merge.record(place.db, taken, changes, counters={"products": ["stock"]})
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    (place.folder / "opened").touch()
    wanted = {number: number * 10 for number in range(1, PRODUCTS + 1)}
    for product, move in moves:
        # A shop takes stock only where there is enough of it.
        if place.db.execute(f"UPDATE products SET stock = stock + {move} WHERE id = {product} AND stock >= {-move}"):
            wanted[product] += move
    done = place.undo(data_fragment(taken, place.db.name))
    assert done.returncode == 0, done.stderr
    found = {
        int(key): int(float(stock))
        for key, stock in place.db.rows(f"SELECT id, stock FROM products WHERE id <= {PRODUCTS}")
    }
    overdrawn = {str(key) for key, stock in wanted.items() if stock < 0 and "UNSIGNED" in kind}
    assert found == {key: 0 if str(key) in overdrawn else stock for key, stock in wanted.items()}
    assert {key for table, key, column, what in place.conflicts() if column == "stock"} == overdrawn


def _settled(
    rows: dict[str, dict[str, str | None]], expected: dict[str, dict[str, str | None]]
) -> dict[str, dict[str, str | None]]:
    """Rows without what the model says nothing of: the key as shown, defaults of columns that came back empty."""
    return {
        key: {n: v for n, v in row.items() if n and expected.get(key, row).get(n) != "default"}
        for key, row in rows.items()
    }


CHAIN = (
    "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, v INT, up INT)",
    "CREATE TABLE b (id INT PRIMARY KEY AUTO_INCREMENT, v INT, up INT, FOREIGN KEY (up) REFERENCES a (id))",
    "CREATE TABLE c (id INT PRIMARY KEY AUTO_INCREMENT, v INT, up INT, FOREIGN KEY (up) REFERENCES b (id))",
    "ALTER TABLE a ADD FOREIGN KEY (up) REFERENCES c (id)",
    "INSERT INTO a (id, v) VALUES (1, 1), (2, 2)",
    "INSERT INTO b (id, v, up) VALUES (1, 1, 1), (2, 2, NULL)",
    "INSERT INTO c (id, v, up) VALUES (1, 1, 1), (2, 2, 2)",
)


@st.composite
def family(draw: st.DrawFn) -> list[str]:
    """Statements on the three tables, which hold on to each other in a ring."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        table, number = draw(st.sampled_from("abc")), draw(st.integers(1, 6))
        up = draw(st.sampled_from(["NULL", "1", "2", "3", "4", "5"]))
        made.append(
            draw(
                st.sampled_from(
                    [
                        f"INSERT INTO {table} (v, up) VALUES ({number}, {up})",
                        f"INSERT INTO {table} (v, up) VALUES ({number}, {up})",
                        f"UPDATE {table} SET up = {up} WHERE id = {number}",
                        f"UPDATE {table} SET v = v + 1 WHERE id = {number}",
                        f"DELETE FROM {table} WHERE id = {number}",
                    ]
                )
            )
        )
    return made


@bounded(8)
@given(update=family(), customers=family())
def test_no_reference_dangles_after_a_rollback(place: Shop, update: list[str], customers: list[str]) -> None:
    place.empty()
    place.sql(*CHAIN)
    before = footprint.fingerprint(place.db)
    taken = checkpoint.take(place.db, None, "pre")
    _run(place, update)
    plan = merge.record(place.db, taken, footprint.changed(before, footprint.fingerprint(place.db)))
    (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
    (place.folder / "opened").touch()
    post = {table: set(place.db.rows(f"SELECT id FROM {table}")) for table in "abc"}
    _run(place, customers)
    live = {table: set(place.db.rows(f"SELECT id FROM {table}")) for table in "abc"}
    done = place.undo(data_fragment(taken, place.db.name))
    assert done.returncode == 0, done.stderr
    for child, parent in ("ba", "cb", "ac"):
        there = f"SELECT 1 FROM {parent} y WHERE y.id = x.up"
        sql = f"SELECT x.id FROM {child} x WHERE up IS NOT NULL AND NOT EXISTS ({there})"
        assert place.db.rows(sql) == [], f"{child} refers to rows of {parent} that are gone"
    said = {(table, key) for table, key, _, _ in place.conflicts()}
    for table in "abc":
        pre = set(place.db.rows(f"SELECT id FROM {taken.copies[table].name}"))
        now = set(place.db.rows(f"SELECT id FROM {table}"))
        assert live[table] - post[table] <= now, "a customer's row is lost"
        stayed = (now & post[table]) - pre
        assert {(table, str(number)) for (number,) in stayed} <= said, "a row of the update stayed without a word"
        away = (pre - now) & (pre - post[table])
        assert {(table, str(number)) for (number,) in away} <= said, "a row stayed away without a word"
