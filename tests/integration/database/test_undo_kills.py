"""Both ways back, killed between any two statements and run again, end where they would have ended.

``PALIER_EXAMPLES`` set to anything kills at every statement; without it, at some.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.database import checkpoint, footprint, merge, schema
from pipeline.database.merge_script import data_fragment, merge_script
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, image, shop

pytestmark = pytest.mark.integration

EVERYWHERE = bool(os.environ.get("PALIER_EXAMPLES"))
SOME = 4

CLIENT = r"""#!/bin/sh
# The database's client, which dies after so many statements of the whole script, and takes the script with it.
left=$(cat "$PALIER_LEFT")
script=$(cat)
count=$(printf '%s\n' "$script" | grep -c ';$')
if [ "$left" -ge "$count" ]; then
    echo $((left - count)) > "$PALIER_LEFT"
    printf '%s\n' "$script" | exec mariadb "$@"
    exit $?
fi
printf '%s\n' "$script" | awk -v left="$left" 'left < 1 { exit } { print } /;$/ { left-- }' | mariadb "$@"
kill -9 "$PALIER_TOP"
exit 1
"""
SHOP = (
    "CREATE TABLE parents (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), stock INT, UNIQUE KEY (name))",
    "INSERT INTO parents (name, stock) VALUES ('a', 1), ('b', 2), ('c', 3)",
    (
        "CREATE TABLE children (id INT PRIMARY KEY AUTO_INCREMENT, parent INT, old VARCHAR(5) NOT NULL,"
        " FOREIGN KEY (parent) REFERENCES parents (id))"
    ),
    "INSERT INTO children (parent, old) VALUES (1, 'x'), (2, 'y')",
    "CREATE TABLE items (k VARCHAR(5) PRIMARY KEY, v INT) ENGINE=MyISAM",
    "INSERT INTO items VALUES ('a', 1), ('b', 2), ('c', 3)",
    "CREATE TABLE bare (a INT) ENGINE=MyISAM",
    "INSERT INTO bare VALUES (1), (1), (2)",
    "CREATE TABLE lost (a INT PRIMARY KEY)",
    "INSERT INTO lost VALUES (1), (2)",
    "CREATE VIEW seen AS SELECT * FROM parents",
    "CREATE TRIGGER counted BEFORE INSERT ON parents FOR EACH ROW SET NEW.stock = COALESCE(NEW.stock, 0) + 1",
)
UPDATE = (
    "SET foreign_key_checks=0",
    "UPDATE parents SET name='z' WHERE id=1",
    "UPDATE parents SET name='a', stock=9 WHERE id=2",
    "DELETE FROM parents WHERE id=3",
    "INSERT INTO parents (id, name) VALUES (7, 'new')",
    (
        "ALTER TABLE children ADD COLUMN extra INT DEFAULT 5, DROP COLUMN old, MODIFY parent BIGINT,"
        " DROP FOREIGN KEY children_ibfk_1"
    ),
    "UPDATE items SET v=v+10 WHERE k<>'c'",
    "DELETE FROM items WHERE k='c'",
    "INSERT INTO items VALUES ('n', 9)",
    "DELETE FROM bare WHERE a=2",
    "INSERT INTO bare VALUES (5), (1)",
    "DROP TABLE lost",
    "CREATE TABLE made (a INT PRIMARY KEY)",
    "DROP VIEW seen",
    "SET foreign_key_checks=1",
)
CUSTOMERS = (
    "UPDATE parents SET stock=4 WHERE id=2",
    "INSERT INTO parents (name, stock) VALUES ('mine', 1)",
    "INSERT INTO children (parent) VALUES (8)",
    "UPDATE items SET v=77 WHERE k='a'",
    "INSERT INTO items VALUES ('m', 1)",
    "INSERT INTO bare VALUES (8)",
    "INSERT INTO made VALUES (1)",
)


@pytest.fixture(scope="module")
def place(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("kills") / "record"
    with shop(mariadb, folder) as made:
        client = folder / "client"
        client.write_text(CLIENT)
        client.chmod(0o755)
        yield made


def _client(place: Shop) -> Path:
    return place.folder.parent.parent / "client"


def _state(place: Shop) -> dict[str, object]:
    """All that the shop's tables hold and are; the running numbers are not compared."""
    found = schema.read(place.db)
    return {
        name: (
            table.signature,
            [trigger.create for trigger in table.triggers],
            [] if table.is_view else sorted(map(str, image(place.db, table)[1])),
        )
        for name, table in found.items()
    }


def _prepared(place: Shop, *, opened: bool) -> str:
    """A shop after its update (and after customers, if it was opened); the text of the way back."""
    place.empty()
    place.sql(*SHOP)
    before = footprint.fingerprint(place.db)
    taken = checkpoint.take(place.db, None, "pre")
    place.sql(*UPDATE)
    program = str(_client(place))
    if opened:
        plan = merge.record(place.db, taken, footprint.changed(before, footprint.fingerprint(place.db)))
        (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name, program=program))
        (place.folder / "opened").touch()
        place.sql(*CUSTOMERS)
    return data_fragment(taken, place.db.name, program=program)


def _run(place: Shop, text: str, statements: int) -> int:
    """Run the way back until so many statements are done, then kill it; how many were left over."""
    left = place.folder / "left"
    left.write_text(str(statements))
    place.undo("PALIER_TOP=$$; export PALIER_TOP\n" + text, PALIER_LEFT=str(left))
    return int(left.read_text())


@pytest.mark.slow
@pytest.mark.timeout(3600 if EVERYWHERE else 300)
@pytest.mark.parametrize("opened", [False, True], ids=["before opening", "after opening"])
def test_killed_at_any_statement_and_run_again_it_ends_in_the_same_state(place: Shop, *, opened: bool) -> None:
    text = _prepared(place, opened=opened)
    needed = 100_000 - _run(place, text, 100_000)
    right = _state(place)
    said = (place.folder / "conflicts.txt").read_text().splitlines() if opened else []
    assert needed > 30
    stride = 1 if EVERYWHERE else needed // SOME
    for kill_at in range(1 if EVERYWHERE else stride // 2, needed, stride):
        text = _prepared(place, opened=opened)
        _run(place, text, kill_at)
        assert _run(place, text, 100_000) < 100_000, "the second run did nothing"
        assert _state(place) == right, f"killed after statement {kill_at} of {needed}"
        if opened:
            assert sorted((place.folder / "conflicts.txt").read_text().splitlines()) == sorted(said)
