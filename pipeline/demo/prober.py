"""An outside observer: asks for one page again and again, and so measures when the shop gave no usable answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

MARKER = "product-card"


@dataclass(frozen=True)
class Probe:
    """One question. ``at`` (Unix time, seconds) is when it was asked, ``until`` when it was answered or given up."""

    at: float
    until: float
    usable: bool
    status: int | None
    """The HTTP status; ``None`` when there was no answer at all."""


@dataclass(frozen=True)
class Outage:
    """From the first question without a usable answer to the next usable answer; Unix times, seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Prober:
    """Gets ``url`` every ``interval`` seconds over a fresh connection, in a thread of its own.

    An answer is usable when it has status 200 and ``marker`` in its text; a 503, a blank page, a refused connection or
    one without an answer within ``timeout`` seconds is not. Knows nothing of what is going on.
    """

    def __init__(self, url: str, *, interval: float = 0.1, marker: str = MARKER, timeout: float = 5.0) -> None:
        self.url = url
        self.probes: list[Probe] = []
        self._interval = interval
        self._marker = marker
        self._timeout = timeout
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(self._timeout + 5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def outages(self) -> list[Outage]:
        """Every stretch without a usable answer so far, in order."""
        return outages_of(list(self.probes))

    def downtime(self, between: tuple[float, float] | None = None) -> float:
        """Seconds of outages, only those parts within ``between`` (Unix times) when it is given."""
        start, end = between or (float("-inf"), float("inf"))
        return sum(max(0.0, min(outage.end, end) - max(outage.start, start)) for outage in self.outages())

    def _run(self) -> None:
        while not self._stopping.is_set():
            probe = self._ask()
            self.probes.append(probe)
            self._stopping.wait(max(0.0, self._interval - (probe.until - probe.at)))

    def _ask(self) -> Probe:
        at = time.time()
        try:
            answer = httpx.get(self.url, timeout=self._timeout, follow_redirects=False, headers={"connection": "close"})
        except httpx.HTTPError:
            return Probe(at, time.time(), usable=False, status=None)
        usable = answer.status_code == 200 and self._marker in answer.text
        return Probe(at, time.time(), usable, answer.status_code)


def outages_of(probes: Sequence[Probe]) -> list[Outage]:
    """The stretches without a usable answer. One that has not ended counts up to the last question's end."""
    found = []
    start: float | None = None
    for probe in probes:
        if not probe.usable and start is None:
            start = probe.at
        elif probe.usable and start is not None:
            found.append(Outage(start, probe.until))
            start = None
    if start is not None:
        found.append(Outage(start, probes[-1].until))
    return found
