"""What a shop showed before any update, and what a smoke run shows beyond it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.evidence.compare import slower, timings
from pipeline.evidence.phplog import VARYING, Fault
from pipeline.evidence.verdicts import SmokeRun

MOST = 6
"""Sentences of one kind that are told; a module that warns on every line has said enough."""


@dataclass(frozen=True)
class Baseline:
    """What is known of a shop before an update: it is no update's fault.

    ``suites`` are verdicts by name, ``php`` and ``browser`` kinds of entries, ``times`` medians in milliseconds.
    """

    suites: Mapping[str, str] = field(default_factory=dict)
    php: frozenset[str] = frozenset()
    browser: frozenset[str] = frozenset()
    times: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def with_(self, run: SmokeRun, faults: Iterable[Fault]) -> Baseline:
        """The same, with what another run showed: faults of an update that was kept are not the next one's."""
        return dataclasses.replace(
            self,
            php=self.php | {fault.kin for fault in faults},
            browser=self.browser | {_kin(text) for text in _browser(run)},
        )

    def json(self) -> str:
        times = [[path, measure, value] for (path, measure), value in self.times.items()]
        told = {"suites": dict(self.suites), "php": sorted(self.php), "browser": sorted(self.browser), "times": times}
        return json.dumps(told)

    @staticmethod
    def from_json(content: str | bytes) -> Baseline:
        """What :meth:`json` wrote; of an older Palier, which kept the verdicts alone, these."""
        told = json.loads(content)
        if "suites" not in told:
            return Baseline(told)
        times = {(path, measure): value for path, measure, value in told["times"]}
        return Baseline(told["suites"], frozenset(told["php"]), frozenset(told["browser"]), times)


def of(run: SmokeRun, faults: Iterable[Fault]) -> Baseline:
    """What the first run of all suites on a fresh clone showed."""
    suites = {suite.suite: suite.verdict.value for suite in run.suites}
    return Baseline(suites, times=timings(run)).with_(run, faults)


@dataclass(frozen=True)
class Beyond:
    """What a run showed that was not there before, in sentences; ``fatal`` ones break a page off, the rest is told."""

    fatal: tuple[str, ...] = ()
    php: tuple[str, ...] = ()
    browser: tuple[str, ...] = ()
    slower: tuple[str, ...] = ()

    @property
    def logged(self) -> tuple[str, ...]:
        """Everything that PHP logged, the worst first."""
        return self.fatal + self.php

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, for who reads one line each."""
        return (
            *(f"PHP logged {text}" for text in self.logged),
            *(f"the browser reported {text}" for text in self.browser),
            *(f"slower: {text}" for text in self.slower),
        )


def beyond(known: Baseline, run: SmokeRun, faults: Iterable[Fault]) -> Beyond:
    """What ``run`` and PHP's log meanwhile show that ``known`` does not."""
    new = [fault for fault in faults if fault.kin not in known.php]
    browser = {_kin(text): text for text in reversed(_browser(run)) if _kin(text) not in known.browser}
    return Beyond(
        fatal=_told(str(fault) for fault in new if fault.fatal and not fault.slow),
        php=_told(str(fault) for fault in new if not fault.fatal or fault.slow),
        browser=_told(reversed(browser.values())),
        slower=_told(str(one) for one in slower(known.times, timings(run))),
    )


def _told(texts: Iterable[str]) -> tuple[str, ...]:
    """A few of them, as UTF-8 can write them: they go into the manifest that people sign."""
    return tuple(" ".join(text.encode("utf-8", "replace").decode().split())[:400] for text in texts)[:MOST]


def _browser(run: SmokeRun) -> Sequence[str]:
    """Errors in the console, and parts of pages that failed to load."""
    return [text for case in run.cases for text in (*case.console_errors, *case.failed_requests)]


def _kin(text: str) -> str:
    """Entries that differ by numbers, or by what is asked behind a question mark, are of one kind."""
    return VARYING.sub("#", re.sub(r"\?\S*", "", text))
