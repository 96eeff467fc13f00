"""Downtime as an outsider measures it."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.prober import MARKER, Outage, Probe, Prober, outages_of
from tests.unit.demo.stand import Answer, stand


def _probes(usable: list[bool]) -> list[Probe]:
    return [Probe(float(n), n + 0.5, ok, 200 if ok else 503) for n, ok in enumerate(usable)]


def test_an_outage_lasts_until_the_next_usable_answer() -> None:
    assert outages_of(_probes([True, False, False, True, True])) == [Outage(1.0, 3.5)]


def test_an_outage_without_end_counts_up_to_the_last_question() -> None:
    assert outages_of(_probes([True, False, False])) == [Outage(1.0, 2.5)]


@given(st.lists(st.booleans()))
def test_outages_do_not_overlap_and_hold_every_bad_answer(usable: list[bool]) -> None:
    probes = _probes(usable)
    outages = outages_of(probes)
    assert all(before.end <= after.start for before, after in itertools.pairwise(outages))
    held = [any(outage.start <= probe.at < outage.end for outage in outages) for probe in probes if not probe.usable]
    assert all(held)
    assert bool(outages) == (False in usable)


def test_downtime_counts_only_what_lies_between() -> None:
    prober = Prober("http://127.0.0.1:9/")
    prober.probes.extend(_probes([False, True, False, False, True]))
    assert prober.downtime() == pytest.approx(1.5 + 2.5)
    assert prober.downtime(between=(3.0, 100.0)) == pytest.approx(1.5)


def test_a_503_a_page_without_the_marker_and_no_answer_are_all_unusable() -> None:
    answers: list[Answer] = [(200, MARKER, {}), (503, MARKER, {}), (200, "", {}), (200, MARKER, {})]
    asked: list[str] = []

    def behave(method: str, path: str) -> Answer:
        asked.append(path)
        return answers[min(len(asked), len(answers)) - 1]

    with stand(behave) as url, Prober(url, interval=0.02) as prober:
        limit = time.monotonic() + 10
        while len(prober.probes) < 5:
            assert time.monotonic() < limit
            time.sleep(0.02)
    assert [probe.usable for probe in prober.probes[:5]] == [True, False, False, True, True]
    assert len(prober.outages()) == 1


def test_nobody_listening_is_an_outage_without_status() -> None:
    with Prober("http://127.0.0.1:9/", interval=0.02) as prober:
        time.sleep(0.2)
    assert prober.probes
    assert not any(probe.usable or probe.status for probe in prober.probes)
