"""Which of the updates that were kept makes a new one fail: two modules can be good alone and deadly together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


def culprits(kept: Sequence[T], fails: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """The smallest part of ``kept`` that still makes the new update fail: none of it can be left out.

    The caller has seen the new update fail with all of ``kept``; that is not tried again. Each subset is tried at most
    once, and each try may take a minute, so few are made: one if the update fails by itself, some ``2 * log2(n)`` if
    one other is to blame, and at most the order of ``n ** 2``.

    :param kept: updates in the order in which they were kept; subsets keep that order.
    :param fails: whether the new update fails with only these of them in place.
    :return: () if the update fails by itself.
    """
    everything = tuple(range(len(kept)))
    known: dict[tuple[int, ...], bool] = {everything: True}

    def failing(subset: tuple[int, ...]) -> bool:
        if subset not in known:
            known[subset] = fails(tuple(kept[index] for index in subset))
        return known[subset]

    guilty = () if failing(()) else _minimise(everything, failing)
    return tuple(kept[index] for index in guilty)


def _minimise(guilty: tuple[int, ...], failing: Callable[[tuple[int, ...]], bool]) -> tuple[int, ...]:
    """Delta debugging: halves, then their complements, then finer parts, until nothing can be left out."""
    parts = 2
    while len(guilty) > 1:
        chunks = _split(guilty, parts)
        smaller = next(filter(failing, chunks), None)
        if smaller is not None:
            guilty, parts = smaller, 2
            continue
        without = (tuple(index for index in guilty if index not in chunk) for chunk in chunks)
        smaller = next(filter(failing, without), None)
        if smaller is not None:
            guilty, parts = smaller, max(parts - 1, 2)
        elif parts >= len(guilty):
            break
        else:
            parts = min(parts * 2, len(guilty))
    return guilty


def _split(items: tuple[int, ...], parts: int) -> tuple[tuple[int, ...], ...]:
    """``parts`` runs of nearly equal length, none empty if there are enough items."""
    bounds = [len(items) * part // parts for part in range(parts + 1)]
    return tuple(items[begin:end] for begin, end in pairwise(bounds))
