from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.database.footprint import Fingerprint, Footprint, TableState, changed
from pipeline.database.stamps import Moment

RUNNING = Moment(at=1000, uptime=500)
states = st.builds(
    TableState,
    signature=st.sampled_from(["s1", "s2"]),
    triggers=st.sampled_from(["", "t"]),
    checksum=st.sampled_from([1, 2]),
)
fingerprints = st.builds(
    Fingerprint, st.dictionaries(st.sampled_from(["a", "b", "c"]), states), moment=st.just(RUNNING)
)


def of(checksum: int | None, stamp: str, moment: Moment = RUNNING) -> Fingerprint:
    return Fingerprint({"t": TableState("s", "", checksum, stamp=stamp)}, moment)


def test_two_checksums_decide_whatever_the_stamps_say() -> None:
    assert not changed(of(1, "early"), of(1, "late"))
    assert changed(of(1, "same"), of(2, "same")).rewritten == ("t",)


def test_without_checksums_only_two_equal_stamps_say_that_nothing_moved() -> None:
    assert not changed(of(None, "x"), of(None, "x"))
    assert not changed(of(1, "x"), of(None, "x"))
    assert changed(of(None, "x"), of(None, "y")).rewritten == ("t",)
    assert changed(of(None, ""), of(None, "")).rewritten == ("t",)


def test_after_a_restart_of_the_server_stamps_say_nothing() -> None:
    later = Moment(at=1100, uptime=20)
    assert changed(of(None, "x"), of(None, "x", later)).rewritten == ("t",)
    assert not changed(of(1, "x"), of(1, "x", later))
    assert Moment(1100, 600).continues(RUNNING)
    assert not later.continues(RUNNING)
    assert not Moment().continues(Moment())


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
