"""The platforms' descriptions of what is a test's: every name that they use is one that was found before."""

from __future__ import annotations

import re

import pytest

from pipeline.platforms import plain
from pipeline.platforms.traces import OWNERS, Traces
from pipeline.steps.traces import PLATFORMS, Removal

ALL = {**PLATFORMS, "plain": plain.TRACES}
NAMES = re.compile(r"\{(?!p\}|view |emails in )(\w+)\}")
VIEWS = re.compile(r"\{view (\w+)\}")


def whole(traces: Traces, sql: str) -> str:
    while found := VIEWS.search(sql):
        sql = sql.replace(found[0], dict(traces.views)[found[1]])
    return sql


@pytest.mark.parametrize("platform", ALL)
def test_every_set_is_found_before_it_is_used(platform: str) -> None:
    traces, known = ALL[platform], {"emails"}
    for each in traces.sets:
        assert set(NAMES.findall(whole(traces, each.query))) <= known, each
        known.add(each.name)
    rest = [doubt.query for doubt in traces.doubts] + [*traces.locks, *traces.stock, *traces.returns]
    rest += [rows.condition for rows in traces.rows]
    for sql in rest:
        assert set(NAMES.findall(whole(traces, sql))) <= known, sql
    assert {owner for _, owner in traces.columns} <= known


@pytest.mark.parametrize("platform", ALL)
def test_no_row_is_removed_but_by_a_key_that_is_a_test_s(platform: str) -> None:
    for rows in ALL[platform].rows:
        assert NAMES.search(rows.condition) or "{emails in " in rows.condition, rows
        assert " OR " not in rows.condition, rows


@pytest.mark.parametrize("platform", ALL)
def test_every_table_is_described_once(platform: str) -> None:
    tables = [rows.table for rows in ALL[platform].rows]
    assert len(tables) == len(set(tables))


@pytest.mark.parametrize("platform", ["prestashop", "plain"])
def test_an_inventory_can_name_every_kind_of_owner(platform: str) -> None:
    assert set(OWNERS.values()) <= {each.name for each in ALL[platform].sets} | {"emails"}


def test_a_removal_says_what_went_what_came_back_and_what_stays() -> None:
    said = Removal("https://s.example", ("a", "b"), {"ps_orders": 1, "ps_cart": 2}, {"Mug": 3}, {"ps_gift": 4}).summary
    assert "2 test visitors in https://s.example: 3 rows" in said
    assert "back into stock: 3 × Mug" in said
    assert "not removed: 4 rows of ps_gift" in said
    assert Removal("https://s.example").summary == "There is nothing of test visitors in https://s.example."
