from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.database.footprint import Fingerprint, Footprint, TableState, changed

states = st.builds(
    TableState,
    signature=st.sampled_from(["s1", "s2"]),
    triggers=st.sampled_from(["", "t"]),
    checksum=st.sampled_from([None, 1, 2]),
)
fingerprints = st.builds(Fingerprint, st.dictionaries(st.sampled_from(["a", "b", "c"]), states))


@given(fingerprints)
def test_nothing_happened_between_a_fingerprint_and_itself(one: Fingerprint) -> None:
    assert not changed(one, one)


@given(fingerprints, fingerprints)
def test_what_is_changed_is_named_once(one: Fingerprint, two: Fingerprint) -> None:
    found = changed(one, two)
    named = [*found.added, *found.removed, *found.altered, *found.rewritten]
    assert sorted(named) == list(found.tables)
    assert set(named) == {n for n in {*one.tables, *two.tables} if one.tables.get(n) != two.tables.get(n)}


@given(fingerprints, fingerprints, fingerprints)
def test_two_updates_together_change_at_least_what_is_different_in_the_end(
    one: Fingerprint, two: Fingerprint, three: Fingerprint
) -> None:
    both = changed(one, two) | changed(two, three)
    end = changed(one, three)
    assert set(end.tables) <= set(both.tables)
    assert set(end.added) == set(both.added)
    assert set(end.removed) == set(both.removed)


@given(fingerprints, fingerprints)
def test_json_brings_both_back(one: Fingerprint, two: Fingerprint) -> None:
    assert Fingerprint.from_json(one.json()) == one
    found = changed(one, two)
    assert Footprint.from_json(found.json()) == found


def test_a_surprise_is_what_the_rehearsal_did_not_touch() -> None:
    assert Footprint(rewritten=("a", "b")).beyond(Footprint(altered=("b",))) == ("a",)


def test_people_read_what_changed() -> None:
    assert str(Footprint(added=("b",), rewritten=("a",))) == "2 tables: a (rows), b (new)"


def test_only_tables_that_were_there_can_be_checkpointed() -> None:
    found = Footprint(added=("new",), removed=("old",), altered=("seen", "t"), views=("seen",))
    assert found.existing == ("old", "t")
