"""Versions are ordered as PHP orders them, and a range answers only what its text says."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.advisories.ranges import parse_range
from pipeline.advisories.versions import Verdict, compare, newest_last, same_but_zeros

ASCENDING = [
    "1.0dev",
    "1.0alpha",
    "1.0b2",
    "1.0RC1",
    "1.0",
    "1.0.0",
    "1.0.1",
    "1.2",
    "1.10",
    "2.0.0-beta",
    "2.0.0",
]
VERSIONS = st.lists(
    st.sampled_from(["0", "1", "2", "10", "01", "beta", "rc", "p"]), min_size=1, max_size=4
).map(".".join)  # fmt: skip


@pytest.mark.parametrize(("older", "newer"), list(itertools.combinations(ASCENDING, 2)))
def test_versions_are_ordered(older: str, newer: str) -> None:
    assert compare(older, newer) == -1
    assert compare(newer, older) == 1


@given(VERSIONS, VERSIONS)
def test_order_has_two_sides(a: str, b: str) -> None:
    assert compare(a, b) == -compare(b, a)
    assert compare(a, a) == 0


@given(
    st.lists(VERSIONS.filter(lambda version: version[0].isdigit() and version.replace(".", "").isdigit()), max_size=6)
)
def test_sorting_puts_the_newest_last(versions: list[str]) -> None:
    ordered = sorted(versions, key=newest_last)
    assert all(compare(a, b) <= 0 for a, b in itertools.pairwise(ordered))


def test_zeros_at_the_end_are_the_same_release_to_people() -> None:
    assert same_but_zeros("1.0", "1.0.0")
    assert not same_but_zeros("1.0", "1.0.1")


AFFECTED, CLEAR, UNDECIDED = Verdict.AFFECTED, Verdict.CLEAR, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("text", "version", "verdict"),
    [
        ("< 2.3.1", "2.3.0", AFFECTED),
        ("< 2.3.1", "2.3.1", CLEAR),
        ("<=1.4.6", "v1.4.6", AFFECTED),
        (">= 1.2 and < 1.4", "1.3", AFFECTED),
        (">= 1.2 and < 1.4", "1.1.9", CLEAR),
        (">1.1,<= 1.9", "1.1", CLEAR),
        ("all versions", "99", AFFECTED),
        ("ALL VERSIONS **careful**", "1", AFFECTED),
        # A list names what it names.
        ("1.0.1, 1.0.2 and 1.0.4", "1.0.4", AFFECTED),
        ("1.0.1, 1.0.2 and 1.0.4", "1.0.3", CLEAR),
        # Branches, each with a fix of its own.
        (">= 3.0 < 3.0.8 and < 2.7.9", "2.7.8", AFFECTED),
        (">= 3.0 < 3.0.8 and < 2.7.9", "2.7.9", CLEAR),
        (">= 3.0 < 3.0.8 and < 2.7.9", "3.0.5", AFFECTED),
        # Two open branches: which one 4.0 belongs to is not said.
        ("< 5.2.0 / < 3.1.1", "3.1.0", AFFECTED),
        ("< 5.2.0 / < 3.1.1", "4.0", UNDECIDED),
        ("< 5.2.0 / < 3.1.1", "5.2.0", CLEAR),
        # Newer than what is named, older than the fix: nobody says.
        ("<= 4.1.14 (4.1.26 fixed the vulnerability)", "4.1.20", UNDECIDED),
        ("<= 4.1.14 (4.1.26 fixed the vulnerability)", "4.1.26", CLEAR),
        # A fix within the affected versions is a contradiction.
        ("<= 2.0.5 (2.0.3 fixed it)", "2.0.4", AFFECTED),
        ("<= 2.0.5 (2.0.3 fixed the issue)", "2.0.4", UNDECIDED),
        # What a note takes back is only certain within the bounds.
        ("<= 1.8.8 (see the warning)", "1.8.8", AFFECTED),
        ("<= 1.8.8 (see the warning)", "1.9.0", UNDECIDED),
        ("at least <= 1.1.0", "1.1.0", AFFECTED),
        ("at least <= 1.1.0", "1.2.0", UNDECIDED),
        # Zeros at the end.
        ("<= 1.0", "1.0.0", UNDECIDED),
        ("= 1.0", "1.0.0", UNDECIDED),
        ("< 1.0.1", "1.0.0", AFFECTED),
        # No range at all.
        ("~< 1.7.6", "1.0", UNDECIDED),
        ("< 1.0.1 ?", "0.9", UNDECIDED),
        ("versions of last summer", "1.0", UNDECIDED),
        ("< 1.8 for the old line & < 2.0 for the new", "1.0", UNDECIDED),
        ("", "1.0", UNDECIDED),
        # No version at all.
        ("< 2", "unknown", UNDECIDED),
    ],
)  # fmt: skip
def test_a_range_answers_what_it_says(text: str, version: str, verdict: Verdict) -> None:
    assert parse_range(text).verdict(version) is verdict


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("< 1.2.7 (1.2.7 fixed the vulnerability)", ("1.2.7",)),
        ("<= 3.3.2, 3.3.3 patched the issue", ("3.3.3",)),
        ("< 2.0 and < 1.4 (Patched versions 2.0.1 and 1.4.9)", ("2.0.1", "1.4.9")),
        ("< 1.2 (thank you)", ()),
    ],
)
def test_the_fix_is_read_from_the_note(text: str, fixed: tuple[str, ...]) -> None:
    assert parse_range(text).fixed == fixed


@given(VERSIONS, VERSIONS)
def test_a_plain_bound_decides_or_hangs_on_zeros_alone(bound: str, version: str) -> None:
    bound, version = f"1.{bound}", f"1.{version}"
    verdict = parse_range(f"< {bound}").verdict(version)
    if verdict is UNDECIDED:
        assert same_but_zeros(bound, version)
    else:
        assert (verdict is AFFECTED) == (compare(version, bound) < 0)
