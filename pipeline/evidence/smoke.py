"""Smoke runs: the suites of ``smoke_tests/`` in a pytest process of their own, bounded in time, tried twice."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import Inconclusive
from pipeline.events import Emit, Progress, silent
from pipeline.evidence.verdicts import Attempt, CaseResult, SmokeRun, SuiteResult, Verdict, read_attempt
from pipeline.remote.command import Secret
from smoke_tests.record import scrub_folder
from smoke_tests.shop import shop_of

Mode = Literal["staging", "production", "production-order"]
SUITES_FOLDER = Path(__file__).resolve().parents[2] / "smoke_tests"
POLL = 0.05
GRACE = 4.0
"""Seconds that a run which is stopped has to write down what it knows."""
LEAST = 8.0
"""Seconds below which a second try is not worth beginning."""
WARM = 60.0
"""Seconds that the browser has to start."""
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "DISPLAY", "PLAYWRIGHT_BROWSERS_PATH")
"""Nothing else of our environment reaches the browser: a CI job's environment is full of secrets."""


@dataclass(frozen=True)
class AccessCookie:
    """The cookie that lets testers through the maintenance page."""

    name: str
    value: Secret
    domain: str


@dataclass(frozen=True)
class BasicAuth:
    """What stands in front of staging."""

    user: str
    password: Secret


@dataclass(frozen=True)
class CustomerAccount:
    """A customer account that is there for tests."""

    email: str
    password: Secret


@dataclass(frozen=True)
class ShopDatabase:
    """Where the shop's database answers as seen from this machine (a forwarded port), and its table prefix."""

    host: str
    port: int
    user: str
    password: Secret
    name: str
    prefix: str


@dataclass(frozen=True)
class SmokeSettings:
    """The shop as the suites need it.

    ``mode`` "production" leaves no trace; "staging" really buys and sends; "production-order" places one order, which
    the caller removes.
    """

    base_url: str
    mode: Mode
    pages: str = "demo"
    selectors: Mapping[str, str] = field(default_factory=dict)
    search_term: str = "a"
    product_path: str | None = None
    category_path: str | None = None
    payment: str | None = None
    visitor: Mapping[str, str] = field(default_factory=dict)
    account: CustomerAccount | None = None
    mobile: tuple[str, ...] = ()
    customer_email: str = "palier-test@example.com"
    cookie: AccessCookie | None = None
    basic_auth: BasicAuth | None = None
    database: ShopDatabase | None = None
    maildir: Path | None = None
    chromium: Path | None = None
    known_faults: tuple[str, ...] = ()
    own_tests: Path | None = None

    def document(self) -> str:
        """The JSON that the suites read, secrets in clear: for a file of mode 0600 and nothing else."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "own_tests"}
        return json.dumps({name: _plain(value) for name, value in fields.items() if value is not None})


def _environment(private: Path) -> dict[str, str]:
    """Its environment: little of ours, and a temporary folder that goes with it, whatever a killed browser leaves."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    return kept | {"NO_COLOR": "1", "TMPDIR": str(private)}


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


class _Process:
    """One pytest process in a process group of its own, and the 0600 file that tells it the shop."""

    def __init__(self, settings: SmokeSettings, targets: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self.log = folder / "pytest.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._private = Path(tempfile.mkdtemp(prefix="palier-smoke-"))
        self._ready = self._private / "ready"
        shop = self._private / "shop.json"
        shop.touch(0o600)
        shop.write_text(settings.document(), "utf-8")
        with self.log.open("wb") as log:
            self._popen = subprocess.Popen(
                self._words(targets, shop),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=SUITES_FOLDER.parent,
                env=_environment(self._private),
                start_new_session=True,
            )

    def _words(self, targets: Sequence[str], shop: Path) -> list[str]:
        alone = ["-c", str(SUITES_FOLDER / "pytest.ini"), f"--rootdir={SUITES_FOLDER}"]
        plugins = ["-p", "playwright", "-p", "smoke_tests.plugin"]  # in this order: ours overrides its fixtures
        told = [f"--shop={shop}", "--forget-shop", f"--ready-file={self._ready}", f"--evidence={self.folder}"]
        told.append(f"--ready-from={os.getpid()}")
        kept = [f"--junitxml={self.folder / 'junit.xml'}", "-q", "-p", "no:cacheprovider"]
        return [sys.executable, "-m", "pytest", *alone, *plugins, *told, *kept, *targets]

    def wait_warm(self, seconds: float) -> bool:
        """Wait until the browser is up; ``False`` if it is not within ``seconds``, or the process has ended."""
        warm = self._ready.with_name("ready.warm")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._popen.poll() is None:
            if warm.exists():
                return True
            time.sleep(POLL)
        return warm.exists()

    def go(self) -> None:
        """Let it begin."""
        self._ready.touch()

    def wait(self, seconds: float, each: Callable[[], None]) -> int | None:
        """Its exit status; ``None`` if its time was up and it was stopped."""
        deadline = time.monotonic() + seconds
        while (status := self._popen.poll()) is None and time.monotonic() < deadline:
            each()
            time.sleep(POLL)
        if status is None:
            self.stop()
        return status

    def stop(self) -> None:
        """End it and everything it started: politely, then not."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(GRACE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def close(self) -> None:
        """End it if it still runs, and remove what was private to it."""
        self.stop()
        shutil.rmtree(self._private, ignore_errors=True)


class PreparedSmoke:
    """Suites whose browser is already up and that wait for the word; see :func:`prepare`."""

    def __init__(self, settings: SmokeSettings, suites: Sequence[str], folder: Path, emit: Emit) -> None:
        self._settings = settings
        self._suites = tuple(suites)
        self._folder = folder.absolute()
        self._emit = emit
        own = [str(settings.own_tests.absolute())] if settings.own_tests is not None else []
        targets = [str(SUITES_FOLDER / f"test_{suite}.py") for suite in suites] + own
        self._first = _Process(settings, targets, self._folder)

    def wait_warm(self, seconds: float = WARM) -> None:
        """Come back when the browser is up. :raises Inconclusive: if it is not within ``seconds``."""
        if not self._first.wait_warm(seconds):
            raise Inconclusive(
                "The browser for the smoke tests could not be started.",
                next_step=f"Read {self._first.log}, then run: palier doctor",
            )

    def go(self, *, budget: float, again: bool = True) -> SmokeRun:
        """Run the suites, and once more what did not pass.

        :param budget: seconds for everything; what has not finished by then has failed.
        :param again: ``False``: believe the first try; for probing a fault that is known.
        """
        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        began = time.monotonic()
        self._first.go()
        first, cases = self._finish(self._first, budget, self._suites)
        junit = first.junit
        doubted = [case for case in cases if again and case.verdict is not Verdict.PASSED and case.node]
        left = budget - (time.monotonic() - began)
        tries = 1
        if doubted and left >= LEAST and len(cases) == len(first.cases):
            second, retried = self._try_again(doubted, left)
            cases = tuple(_believed(case, retried) for case in cases)
            junit, tries = junit + second.junit, 2
        return SmokeRun(
            suites=_by_suite(self._suites, cases),
            seconds=round(time.monotonic() - began, 3),
            folder=self._folder,
            digest=hashlib.sha256(junit).hexdigest() if junit else "",
            log=self._first.log,
            tries=tries,
            started=started,
        )

    def _try_again(self, cases: Sequence[CaseResult], seconds: float) -> tuple[Attempt, tuple[CaseResult, ...]]:
        process = _Process(self._settings, [case.node for case in cases], self._folder / "second-try")
        try:
            process.go()
            return self._finish(process, seconds, ())
        finally:
            process.close()

    def _finish(
        self, process: _Process, seconds: float, suites: Sequence[str]
    ) -> tuple[Attempt, tuple[CaseResult, ...]]:
        progress = _Progress(process.folder, self._emit)
        status = process.wait(seconds, progress)
        # It has cleaned up after itself, unless it was ended; its own log it cannot.
        scrub_folder(process.folder, shop_of(json.loads(self._settings.document())).secrets())
        attempt = read_attempt(process.folder, status, process.log)
        missing = _missing(attempt, suites)
        if status is None:
            unfinished = "was not finished within the {:.0f} s that a smoke run may take"
            cut = (_unfinished(suite, test, Verdict.FAILED, unfinished.format(seconds)) for suite, test in missing)
        else:
            why = attempt.broken or "it was to run and left no result"
            cut = (_unfinished(suite, test, Verdict.INCONCLUSIVE, why) for suite, test in missing)
        cases = (*attempt.cases, *cut)
        if attempt.broken and not any(case.verdict is Verdict.FAILED for case in cases):
            cases = tuple(_inconclusive(case, attempt.broken) for case in cases)
        return attempt, cases

    def close(self) -> None:
        """End whatever still runs."""
        self._first.close()


class _Progress:
    """Says how many tests are done whenever that number changes."""

    def __init__(self, folder: Path, emit: Emit) -> None:
        self._folder = folder
        self._emit = emit
        self._said = 0

    def __call__(self) -> None:
        done = sum(1 for _ in self._folder.glob("*/*/record.json"))
        if done != self._said:
            self._said = done
            self._emit(Progress("smoke tests", done, None, "tests"))


def _missing(attempt: Attempt, suites: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What was to run and left no record: planned tests, and suites without any test."""
    left = {(case.suite, case.test) for case in attempt.cases}
    planned = tuple(key for key in attempt.planned if key not in left)
    seen = {suite for suite, _ in (*attempt.planned, *left)}
    return planned + tuple((suite, "") for suite in suites if suite not in seen)


def _unfinished(suite: str, test: str, verdict: Verdict, why: str) -> CaseResult:
    label = f"“{test.replace('_', ' ')}” " if test and verdict is Verdict.FAILED else ""
    return CaseResult(suite, test, verdict, sentence=f"{suite}: {label}{why}")


def _inconclusive(case: CaseResult, why: str) -> CaseResult:
    return replace(case, verdict=Verdict.INCONCLUSIVE, sentence=case.sentence or f"{case.suite}: {why}")


def _believed(case: CaseResult, retried: Sequence[CaseResult]) -> CaseResult:
    """What two tries say together. A second one that passes makes a doubt; one that could not be made, nothing."""
    if case.verdict is Verdict.PASSED:
        return case
    again = next((one for one in retried if (one.suite, one.test) == (case.suite, case.test)), None)
    if again is None or again.verdict is Verdict.INCONCLUSIVE:
        return case
    if again.verdict is Verdict.PASSED:
        sentence = f"{case.sentence} (doubtful: it passed when tried again)"
        return replace(case, verdict=Verdict.DOUBTFUL, sentence=sentence, not_checked=again.not_checked)
    return replace(again, seconds=case.seconds + again.seconds)


def _by_suite(suites: Sequence[str], cases: Sequence[CaseResult]) -> tuple[SuiteResult, ...]:
    names = dict.fromkeys((*suites, *(case.suite for case in cases)))
    return tuple(SuiteResult(name, tuple(case for case in cases if case.suite == name)) for name in names)


@contextmanager
def prepare(
    settings: SmokeSettings, suites: Sequence[str], folder: Path, *, emit: Emit = silent
) -> Iterator[PreparedSmoke]:
    """Start the browser now and the journeys later, so that its start does not lengthen the maintenance page.

    Use ``prepared.wait_warm()`` before the critical section and ``prepared.go(budget=...)`` in it. Leaving the block
    ends whatever still runs. The evidence is put into ``folder``, which should be new.
    """
    prepared = PreparedSmoke(settings, suites, folder, emit)
    try:
        yield prepared
    finally:
        prepared.close()


def run(
    settings: SmokeSettings,
    suites: Sequence[str],
    folder: Path,
    *,
    budget: float,
    again: bool = True,
    emit: Emit = silent,
) -> SmokeRun:
    """Run smoke suites against a shop and come back with what they showed; it does not raise for what they show.

    :param suites: names: "home" is ``smoke_tests/test_home.py``.
    :param folder: where the evidence is put; a new one for each run.
    :param budget: seconds for everything, the start of the browser and a second try included.
    :param again: ``False``: believe the first try; for probing a fault that is known.
    """
    with prepare(settings, suites, folder, emit=emit) as prepared:
        return prepared.go(budget=budget, again=again)
