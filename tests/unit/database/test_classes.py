from __future__ import annotations

import pytest

from pipeline.config.inventory import Tables
from pipeline.database.classes import Class, Classes

PLATFORM = Tables(
    business=("orders", "order_*"),
    configuration=("settings",),
    mixed=("posts",),
    throwaway=("*_sessions", "log"),
    personal={"orders": {"email": "email"}, "order_*": {"note": "text", "name": "name"}},
)
CLASSES = Classes.of("ps_", PLATFORM)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("ps_orders", Class.BUSINESS),
        ("ps_order_detail", Class.BUSINESS),
        ("ps_settings", Class.CONFIGURATION),
        ("ps_posts", Class.MIXED),
        ("ps_shop_sessions", Class.THROWAWAY),
        ("ps_log", Class.THROWAWAY),
    ],
)
def test_a_described_table_has_its_class(table: str, expected: Class) -> None:
    assert CLASSES.classify(table) is expected
    assert CLASSES.known(table)


@pytest.mark.parametrize("table", ["ps_newsletter", "settings", "other_orders", "PS_LOG", "_palier_data_1"])
def test_an_unknown_table_is_business_and_unknown(table: str) -> None:
    assert CLASSES.classify(table) is Class.BUSINESS
    assert not CLASSES.known(table)


def test_the_inventory_wins_over_the_platform() -> None:
    classes = Classes.of("ps_", PLATFORM, Tables(throwaway=("orders",), personal={"orders": {"email": "keep"}}))
    assert classes.classify("ps_orders") is Class.THROWAWAY
    assert classes.rules("ps_orders") == {"email": "keep"}


def test_a_name_is_more_precise_than_a_pattern_whoever_says_it() -> None:
    classes = Classes.of("ps_", Tables(throwaway=("order_log",)), PLATFORM)
    assert classes.classify("ps_order_log") is Class.THROWAWAY
    classes = Classes.of("", Tables(throwaway=("*",), business=("order_*",)))
    assert classes.classify("order_1") is Class.BUSINESS
    assert classes.classify("other") is Class.THROWAWAY


def test_rules_of_several_patterns_add_up() -> None:
    classes = Classes.of("ps_", PLATFORM, Tables(personal={"order_address": {"note": "keep"}}))
    assert classes.rules("ps_order_address") == {"note": "keep", "name": "name"}


def test_personal_rules_alone_make_a_table_known_and_business() -> None:
    classes = Classes.of("", Tables(personal={"guests": {"email": "email"}}))
    assert classes.known("guests")
    assert classes.classify("guests") is Class.BUSINESS


def test_without_a_prefix_palier_s_own_tables_stay_unknown() -> None:
    assert Classes.of("", Tables(throwaway=("*",))).classify("_palier_data_1") is Class.BUSINESS
