"""The ways back of a shop whose own text is made to break them: nothing of it is run, and it comes back as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.database import checkpoint, footprint, merge, put_back, schema
from pipeline.database.merge_script import data_fragment, merge_script
from pipeline.database.restore import DEFAULTS
from pipeline.database.shell import is_defined, preamble
from pipeline.demo.mariadb import MariaDB
from tests.integration.database.undo_world import Shop, shop

pytestmark = pytest.mark.integration

LINES = "PALIER_SQL\ntouch ran\nEOF\n$(touch ran)\n`touch ran`\n_palier_end\n\\\\! touch ran\n''; touch ran; \\\\"
"""As text between quotes of SQL."""
COUNTED = "\\n) ENGINE=InnoDB AUTO_INCREMENT=5 \\'$(touch ran)"
HOSTILE = (
    (
        f"CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT COMMENT '{COUNTED}', a TEXT,"
        f" b VARCHAR(200) DEFAULT '{LINES}', `PALIER_SQL $(touch ran)` INT, c ENUM('{LINES}', 'x'))"
        f" ENGINE=InnoDB AUTO_INCREMENT=9 COMMENT '{COUNTED}'"
    ),
    f"INSERT INTO t (a) VALUES ('{LINES}')",
    "CREATE TABLE `n\nPALIER_SQL\ntouch ran\n'$(touch ran)` (id INT PRIMARY KEY)",
    (
        f"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN\n-- it's `one`\nSET NEW.a = '{LINES}';\n"
        "/* PALIER_SQL\nPALIER_SQL\ntouch ran */\nEND -- the end's comment"
    ),
    f"CREATE VIEW v AS SELECT '{LINES}' AS `x\nPALIER_SQL\ntouch ran\ny`, id FROM t",
)
UPDATE = (
    "DROP TRIGGER tr",
    "ALTER TABLE t COMMENT 'plain', ADD COLUMN n INT, DROP COLUMN b, MODIFY id BIGINT AUTO_INCREMENT",
    "ALTER TABLE `n\nPALIER_SQL\ntouch ran\n'$(touch ran)` ADD COLUMN n INT",
    "DROP VIEW v",
    "UPDATE t SET a = 'changed'",
    "CREATE TABLE `made\nPALIER_SQL\ntouch ran\n'$(touch ran)` (id INT)",
)


@pytest.fixture(scope="module")
def emptied(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(mariadb, tmp_path_factory.mktemp("hostile") / "record") as made:
        yield made


@pytest.fixture
def place(emptied: Shop) -> Shop:
    emptied.empty()
    emptied.sql(*HOSTILE)
    return emptied


@pytest.mark.parametrize("opened", [False, True], ids=["before opening", "after opening"])
def test_hostile_text_comes_back_as_it_was_and_is_never_run(place: Shop, *, opened: bool) -> None:
    before = footprint.fingerprint(place.db)
    triggers = [trigger.create for trigger in schema.read(place.db)["t"].triggers]
    taken = checkpoint.take(place.db, None, "pre_run")
    place.sql(*UPDATE)
    changes = footprint.changed(before, footprint.fingerprint(place.db))
    if opened:
        plan = merge.record(place.db, taken, changes)
        (place.folder / "merge.sh").write_text(merge_script(plan, place.db.name))
        (place.folder / "opened").touch()
    done = place.undo(data_fragment(taken, place.db.name))
    assert done.returncode == 0, done.stderr
    assert not list(place.folder.rglob("ran"))
    assert not footprint.changed(before, footprint.fingerprint(place.db))
    assert not put_back.differences(place.db, taken)
    assert [trigger.create for trigger in schema.read(place.db)["t"].triggers] == triggers


def test_a_definition_is_known_again_although_its_comment_looks_like_a_running_number(place: Shop) -> None:
    known = [f"if {is_defined(table)}then echo yes; else echo no; fi\n" for table in schema.read(place.db).values()]
    done = place.undo(
        preamble(place.db.name, DEFAULTS, "mariadb") + "palier_live=$(palier_definitions)\n" + "".join(known)
    )
    assert done.stdout.split() == ["yes"] * len(known), done.stderr


def test_a_trigger_that_no_script_can_hold_is_refused_by_name(place: Shop) -> None:
    place.sql("DROP TRIGGER tr", "CREATE TRIGGER zero BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 'x\0y'")
    (said,) = merge.refuse_mute_triggers(schema.read(place.db))
    assert "zero" in said
    assert "NUL" in said
