from __future__ import annotations

from pipeline.database.alter import obstacles, reverse
from tests.unit.database.tables import column, table

ID = column("id", nullable=False)


def test_an_added_column_is_dropped() -> None:
    before, after = table("t", ID, key=("id",)), table("t", ID, column("n"), key=("id",))
    back = reverse(before, after)
    assert back.alter == "ALTER TABLE `t` DROP COLUMN `n`"
    assert (back.late, back.retyped, back.refill) == ((), (), ())


def test_a_removed_column_comes_back_to_its_place_and_is_to_be_filled() -> None:
    before = table("t", ID, column("n"), column("z"), key=("id",))
    back = reverse(before, table("t", ID, column("z"), key=("id",)))
    assert back.alter == "ALTER TABLE `t` ADD COLUMN `n` int(11) DEFAULT NULL AFTER `id`"
    assert back.refill == ("n",)


def test_a_column_with_another_type_gets_its_old_one_with_its_letters_said_aloud() -> None:
    before = table("t", ID, column("s", "varchar(9)"), key=("id",))
    back = reverse(before, table("t", ID, column("s", "varchar(99)"), key=("id",)))
    letters = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    assert back.alter == f"ALTER TABLE `t` MODIFY COLUMN `s` varchar(9) {letters} DEFAULT NULL"
    assert back.retyped == ("s",)


def test_a_comment_that_the_update_gave_is_taken_away() -> None:
    before, after = table("t", ID, key=("id",)), table("t", ID, key=("id",), options="ENGINE=InnoDB COMMENT='x'")
    assert reverse(before, after).alter == "ALTER TABLE `t` ENGINE=InnoDB COMMENT=''"


def test_nothing_to_do_is_no_alter() -> None:
    one = table("t", ID, key=("id",))
    assert not reverse(one, one).alter
    assert not obstacles(one, one)


def test_a_table_without_a_key_cannot_get_values_back() -> None:
    said = obstacles(table("t", column("a"), column("b")), table("t", column("a")))
    assert said == ["it has no key, and columns were removed or given another type"]


def test_a_key_that_is_gone_is_an_obstacle() -> None:
    said = obstacles(table("t", ID, column("a"), key=("id",)), table("t", column("a")))
    assert "a column of its primary key was removed" in said


def test_other_partitions_are_an_obstacle() -> None:
    options = "ENGINE=InnoDB\n PARTITION BY HASH (`id`)\nPARTITIONS 2"
    said = obstacles(table("t", ID, key=("id",)), table("t", ID, key=("id",), options=options))
    assert said == ["its partitions were changed"]
