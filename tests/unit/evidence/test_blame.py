"""Delta debugging against a model in which the guilty sets are known."""

from __future__ import annotations

from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from pipeline.evidence.blame import culprits


class Probe:
    """A shop that fails when one of the guilty sets is in place; counts how often it is tried."""

    def __init__(self, *guilty: frozenset[int]) -> None:
        self.guilty = guilty
        self.tried: list[tuple[int, ...]] = []

    def __call__(self, subset: tuple[int, ...]) -> bool:
        self.tried.append(subset)
        return any(one <= set(subset) for one in self.guilty)


SETS = st.lists(st.frozensets(st.integers(0, 19), max_size=4), min_size=1, max_size=4)


@given(SETS)
def test_what_is_blamed_fails_and_nothing_of_it_can_be_left_out(guilty: list[frozenset[int]]) -> None:
    probe = Probe(*guilty)
    blamed = culprits(range(20), probe)
    assert Probe(*guilty)(blamed)
    for index in range(len(blamed)):
        assert not Probe(*guilty)(blamed[:index] + blamed[index + 1 :])


@given(SETS)
def test_nothing_is_tried_twice_and_everything_together_never(guilty: list[frozenset[int]]) -> None:
    probe = Probe(*guilty)
    culprits(range(20), probe)
    assert len(set(probe.tried)) == len(probe.tried)
    assert tuple(range(20)) not in probe.tried


@given(st.integers(1, 300), st.data())
def test_a_single_culprit_is_found_in_logarithmic_time(size: int, data: st.DataObject) -> None:
    guilty = data.draw(st.integers(0, size - 1))
    probe = Probe(frozenset({guilty}))
    assert culprits(range(size), probe) == (guilty,)
    assert len(probe.tried) <= 1 + 2 * ceil(log2(size))


@given(st.permutations(list(range(8))))
def test_the_order_of_keeping_is_kept(kept: list[int]) -> None:
    blamed = culprits(kept, Probe(frozenset({2, 5, 7})))
    assert blamed == tuple(one for one in kept if one in {2, 5, 7})


def test_an_update_that_fails_by_itself_is_known_after_one_try() -> None:
    probe = Probe(frozenset())
    assert culprits(range(50), probe) == ()
    assert probe.tried == [()]


def test_with_one_kept_update_the_blame_needs_one_try() -> None:
    probe = Probe(frozenset({0}))
    assert culprits(range(1), probe) == (0,)
    assert probe.tried == [()]
