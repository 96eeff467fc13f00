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


def test_what_this_account_could_not_put_back_is_not_copied_unless_the_update_changes_it() -> None:
    every = rungs.choose(SIZES, EXPECTED, throwaway=lambda name: name == "log", seconds=1e9)
    other = next(choice.table for choice in every.choices if choice.rung is Rung.COPY)
    told = rungs.choose(SIZES, EXPECTED, throwaway=lambda name: name == "log", seconds=1e9, left={other, *every.must})
    assert told.must == every.must
    assert {choice.table for choice in told.choices if choice.rung is Rung.SNAPSHOT} == {other}


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


def test_the_footprint_comes_first_and_the_others_from_the_smallest_on() -> None:
    assert chosen().must == ("old", "options", "orders")
    assert chosen().may == ("tags",)
    assert chosen(seconds=60).may == ("tags", "carts")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def copied_in_time(seconds: float, *, slowness: float, tables: int = 5000, size: int = 10_000) -> tuple[int, float]:
    """How many small tables a server copies that is so many times slower than reckoned, and for how long."""
    clock, done = Clock(), 0
    pace = rungs.Pace(seconds, clock)
    while done < tables and pace.fits(size):
        took = slowness * rungs.copy_seconds(size)
        clock.now += took
        pace.copied(size, took)
        done += 1
    return done, clock.now - 100


def test_a_slow_server_copies_less_and_not_for_longer() -> None:
    quick, slow = copied_in_time(5, slowness=1), copied_in_time(5, slowness=10)
    assert quick[1] <= 5
    assert slow[1] <= 5
    assert 9 < quick[0] / slow[0] < 11


def test_a_server_that_is_quicker_than_reckoned_copies_more() -> None:
    assert copied_in_time(5, slowness=0.25)[0] > 3.9 * copied_in_time(5, slowness=1)[0]


def test_a_large_table_is_not_begun_if_the_pace_says_that_it_would_take_too_long() -> None:
    clock = Clock()
    pace = rungs.Pace(5, clock)
    assert pace.fits(90_000_000), "3 s as reckoned"
    pace.copied(1_000_000, 4 * rungs.copy_seconds(1_000_000))
    assert not pace.fits(90_000_000), "12 s at this pace"
    assert pace.fits(20_000_000)


def test_the_time_begins_with_the_first_table_beyond_the_footprint() -> None:
    clock = Clock()
    pace = rungs.Pace(5, clock)
    pace.copied(300_000_000, 10.0)
    clock.now += 10
    assert pace.fits(100_000_000)
    clock.now += 4.9
    assert not pace.fits(100_000_000)
