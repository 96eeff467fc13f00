"""For each table the cheapest rung that is safe."""

from __future__ import annotations

from pipeline.database import rungs
from pipeline.database.footprint import Footprint
from pipeline.database.rungs import Rung

EXPECTED = Footprint(
    added=("points",), removed=("old",), altered=("orders",), rewritten=("options", "seen"), views=("seen",)
)
SIZES = {"old": 1_000, "orders": 300_000_000, "options": 90_000, "tags": 5_000, "carts": 600_000_000, "log": 9_000}


def chosen(seconds: float = 5) -> rungs.Ladder:
    return rungs.choose(SIZES, EXPECTED, throwaway=lambda name: name == "log", seconds=seconds)


def test_each_table_gets_the_rung_that_its_change_needs() -> None:
    found = {choice.table: choice.rung for choice in chosen().choices}
    assert found == {
        "options": Rung.IMAGES,
        "orders": Rung.ALTER,
        "old": Rung.AGAIN,
        "points": Rung.NOTHING,
        "seen": Rung.NOTHING,
        "log": Rung.NOTHING,
        "tags": Rung.COPY,
        "carts": Rung.SNAPSHOT,
    }


def test_the_footprint_is_copied_whatever_it_costs_and_others_only_as_far_as_the_time_goes() -> None:
    assert chosen().copied == ("old", "options", "orders", "tags")
    assert chosen(seconds=0).copied == ("old", "options", "orders")
    assert chosen(seconds=60).copied == ("carts", "old", "options", "orders", "tags")


def test_seconds_grow_with_what_is_copied_and_not_with_what_the_shop_weighs() -> None:
    larger = rungs.choose({**SIZES, "carts": 60_000_000_000}, EXPECTED, throwaway=lambda name: name == "log", seconds=5)
    assert larger.seconds == chosen().seconds
    assert 10 < chosen().seconds < 11
    assert chosen().bytes == 300_096_000


def test_people_are_told_the_rung_the_seconds_and_the_bytes_of_each_table() -> None:
    told = chosen().told()
    assert "orders: copy and reverse ALTER, 10.0 s, 300.0 MB" in told
    assert "1 others: full snapshot, 0.0 s, 600.0 MB (carts)" in told
    assert str(chosen()).endswith("1 copy and made again, 1 full snapshot: 10.1 s, 300.1 MB")
    assert chosen().only_in_snapshot() == ("carts",)
