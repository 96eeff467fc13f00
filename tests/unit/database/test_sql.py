from __future__ import annotations

from pipeline.database.sql import identifier, names, text, texts


def test_a_backtick_in_a_name_is_doubled() -> None:
    assert identifier("we`ird") == "`we``ird`"


def test_names_stand_behind_their_alias() -> None:
    assert names(["a", "b`"], "l") == "l.`a`, l.`b```"


def test_a_value_cannot_end_its_literal() -> None:
    assert text("a'; DROP TABLE x; -- \\") == r"'a\'; DROP TABLE x; -- \\'"


def test_no_values_make_a_list_that_is_still_sql() -> None:
    assert texts([]) == "''"
