"""What smoke runs came to: the records that the suites left, read, compared between tries, and put into sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from pipeline.errors import UNTOUCHED, Inconclusive, SmokeFailed


class Verdict(StrEnum):
    """How much is known about a test, a suite or a run; the worst of its parts."""

    PASSED = "passed"
    DOUBTFUL = "doubtful"
    """Failed, then passed when it was tried again; counts as passed, and is shown."""
    INCONCLUSIVE = "inconclusive"
    """Could not be tried: says nothing about the shop."""
    FAILED = "failed"


_WORSE = tuple(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several; nothing at all is inconclusive, never passed."""
    return max(verdicts, key=_WORSE.index, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class CaseResult:
    """One test. ``sentence`` says what was wrong; times in seconds, those of ``visits`` in milliseconds."""

    suite: str
    test: str
    verdict: Verdict
    seconds: float = 0.0
    sentence: str = ""
    node: str = ""
    not_checked: tuple[str, ...] = ()
    screenshots: tuple[Path, ...] = ()
    trace: Path | None = None
    visits: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[Mapping[str, Any], ...] = ()
    console_errors: tuple[str, ...] = ()
    failed_requests: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The test's name as words."""
        return self.test.replace("_", " ")


@dataclass(frozen=True)
class SuiteResult:
    """One suite: its tests in the order in which they ran."""

    suite: str
    cases: tuple[CaseResult, ...]

    @property
    def verdict(self) -> Verdict:
        return worst(case.verdict for case in self.cases)

    @property
    def seconds(self) -> float:
        return sum(case.seconds for case in self.cases)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was wrong, each said once."""
        return tuple(dict.fromkeys(case.sentence for case in self.cases if case.sentence))


@dataclass(frozen=True)
class SmokeRun:
    """One run of smoke suites. ``digest`` is the SHA-256 of its JUnit files, one after the other, if there are any."""

    suites: tuple[SuiteResult, ...]
    seconds: float
    folder: Path
    digest: str = ""
    log: Path | None = None
    tries: int = 1
    started: str = field(default="", compare=False)

    @property
    def verdict(self) -> Verdict:
        return worst(suite.verdict for suite in self.suites)

    @property
    def passed(self) -> bool:
        """Whether everything passed, at the second try at the latest. Inconclusive is not passed."""
        return self.verdict in {Verdict.PASSED, Verdict.DOUBTFUL}

    @property
    def cases(self) -> tuple[CaseResult, ...]:
        return tuple(case for suite in self.suites for case in suite.cases)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was wrong, the worst first, each said once."""
        ordered = sorted(self.cases, key=lambda case: -_WORSE.index(case.verdict))
        return tuple(dict.fromkeys(case.sentence for case in ordered if case.sentence))

    @property
    def not_checked(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(f"{case.suite}: {what}" for case in self.cases for what in case.not_checked))

    @property
    def reason(self) -> str:
        """One sentence for the report."""
        said = [case.sentence for case in self.cases if case.verdict is self.verdict and case.sentence]
        said = list(dict.fromkeys(said))
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        return (said[0] if said else str(self.verdict)) + more

    @property
    def picture(self) -> Path | None:
        """The screenshot that shows the fault best: the last one of the first test that failed."""
        failed = (case for case in self.cases if case.verdict is Verdict.FAILED and case.screenshots)
        return next((case.screenshots[-1] for case in failed), None)

    def demand(self, *, production: str = UNTOUCHED) -> None:
        """Go on only if it passed.

        :raises SmokeFailed: if a test failed, twice.
        :raises Inconclusive: if the run could not be made.
        """
        if self.passed:
            return
        kind = SmokeFailed if self.verdict is Verdict.FAILED else Inconclusive
        what = "The smoke tests failed." if kind is SmokeFailed else "The smoke tests could not be run."
        log = f" and {self.log}" if self.log else ""
        look = f"Look at {self.folder}{log}."
        raise kind(what, why="\n".join(self.sentences[:6]), next_step=look, production=production)


@dataclass(frozen=True)
class Attempt:
    """What one pytest process left in its evidence folder."""

    folder: Path
    cases: tuple[CaseResult, ...]
    planned: tuple[tuple[str, str], ...]
    junit: bytes
    broken: str = ""
    """Why this process proved nothing, if so."""


def read_attempt(folder: Path, status: int | None, log: Path) -> Attempt:
    """Read what a process left.

    :param status: its exit status; ``None``: it was stopped because its time was up.
    """
    plan = folder / "plan.json"
    planned = tuple((one["suite"], one["test"]) for one in _json(plan)) if plan.exists() else ()
    cases = tuple(_case(path) for path in sorted(folder.glob("*/*/record.json")))
    order = {key: n for n, key in enumerate(planned)}
    cases = tuple(sorted(cases, key=lambda case: order.get((case.suite, case.test), len(order))))
    junit = (folder / "junit.xml").read_bytes() if (folder / "junit.xml").exists() else b""
    return Attempt(folder, cases, planned, junit, _why_broken(cases, junit, status, log))


def _why_broken(cases: tuple[CaseResult, ...], junit: bytes, status: int | None, log: Path) -> str:
    if status is None:
        return ""
    if status not in {0, 1}:
        said = _last_words(log)
        kinds = {2: "was interrupted", 3: "broke down", 4: "was called wrongly", 5: "found no test"}
        kind = kinds.get(status, f"ended with status {status}")
        return f"pytest {kind}: {said}"
    counted = sum(1 for _ in ET.fromstring(junit).iter("testcase")) if junit else 0
    if counted != len(cases):
        return f"the JUnit file speaks of {counted} tests and the evidence of {len(cases)}"
    if (status == 0) != all(case.verdict is Verdict.PASSED for case in cases):
        return f"pytest ended with status {status}, which its evidence contradicts"
    return ""


def _last_words(log: Path) -> str:
    """The last error that a process wrote, else its last line."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()] if log.exists() else []
    errors = [line for line in lines if line.startswith("ERROR")]
    return next((line for line in reversed(errors or lines) if line), "it said nothing")


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _case(path: Path) -> CaseResult:
    data = _json(path)
    known = {"passed": Verdict.PASSED, "skipped": Verdict.PASSED, "failed": Verdict.FAILED}
    skipped = ("the whole test (it was skipped)",) if data["outcome"] == "skipped" else ()
    return CaseResult(
        suite=data["suite"],
        test=data["test"],
        verdict=known.get(data["outcome"], Verdict.INCONCLUSIVE),
        seconds=data["seconds"],
        sentence=data["sentence"],
        node=data["node"],
        not_checked=(*data["not_checked"], *skipped),
        screenshots=tuple(path.parent / name for name in data["screenshots"]),
        trace=path.parent / data["trace"] if data["trace"] else None,
        visits=tuple(data["visits"]),
        steps=tuple(data["steps"]),
        console_errors=tuple(data["console_errors"]),
        failed_requests=tuple(data["failed_requests"]),
    )
