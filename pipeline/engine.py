"""The engine: steps are values, their undo is on the host before they are applied, and any failure takes them back.

The engine never undoes anything itself. It runs ``rollback.sh`` on the host, as the guard does, and as a person does.
"""

from __future__ import annotations

import re
import signal
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pipeline.errors import UNTOUCHED, Hold, Interrupted, PalierError, RolledBack
from pipeline.events import Doing, Emit, Event, Note, StepBegun, StepDone, StepFailed
from pipeline.guard import Guard
from pipeline.record import Record
from pipeline.remote.command import Command
from pipeline.remote.host import Host
from pipeline.rollback import Undone, roll_back

PUT_BACK = "Production was changed and has been put back: it is as it was before this run."
CLEARED = "Production was not changed; what had been prepared on it has been taken away again."

BUDGET = 600.0
"""Seconds that an act may take if it says nothing else."""


@dataclass(frozen=True)
class Act:
    """One thing that a step does: said, for ``--plan``, and done.

    :param says: masked text of a command, or a sentence.
    :param does: does it, verifies its own effect, and returns a few words on what was measured, or ``None``. Raises on
        failure. In a critical step it changes production only through a :class:`pipeline.guard.Supervised` host.
    :param budget: seconds after which it counts as hung: the heartbeat ends, and the guard takes the run back.
    """

    says: str
    does: Callable[[], str | None]
    budget: float = BUDGET


def on(host: Host, *commands: Command, timeout: float | None = None) -> tuple[Act, ...]:
    """The acts of running ``commands`` on ``host``, one after the other; each takes ``timeout`` seconds at most."""

    def act(wanted: Command) -> Act:
        def does() -> None:
            host.run(wanted, timeout=timeout)

        return Act(str(wanted), does, BUDGET if timeout is None else timeout)

    return tuple(act(wanted) for wanted in commands)


@dataclass(frozen=True)
class Step:
    """One step of a flow.

    :param name: what it does, in the imperative: "Switch code".
    :param host: the name of the host that it works on, to be shown; "": this machine.
    :param undo: the body of a POSIX shell fragment, which copes with a step never, half and fully applied; "": nothing
        to undo. It runs in the run's folder and ends at the first command that fails. A function, where the text can
        only be written from what an earlier step measured: called just before the step, which is then already covered.
    :param critical: it happens behind the maintenance page, so the guard watches over it.
    """

    name: str
    acts: tuple[Act, ...]
    host: str = ""
    undo: str | Callable[[], str] = ""
    critical: bool = False

    @property
    def can_be_undone(self) -> bool:
        return callable(self.undo) or bool(self.undo.strip())

    def fragment(self) -> str:
        """The body of the undo fragment, written now where it was not before."""
        return self.undo() if callable(self.undo) else self.undo

    @property
    def slug(self) -> str:
        """The name as part of a file name: "switch-code"."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "step"


def plan(steps: Sequence[Step]) -> str:
    """What would be done and how it would be undone, for people to read; nothing is run."""
    return "\n".join(_planned(number, step) for number, step in enumerate(steps, start=1))


def _planned(number: int, step: Step) -> str:
    remarks = [f"on {step.host}"] if step.host else []
    remarks += ["critical"] if step.critical else []
    lines = [f"{number:2d}. {step.name}" + (f" ({', '.join(remarks)})" if remarks else "")]
    lines += [textwrap.indent(act.says, "      + ", lambda _: True) for act in step.acts]
    if callable(step.undo):
        lines.append("      - (a script that is written from what the steps before have measured)")
    elif step.undo.strip():
        lines.append(textwrap.indent(textwrap.dedent(step.undo).strip(), "      - ", lambda _: True))
    return "\n".join(lines) + "\n"


def check(steps: Sequence[Step], emit: Emit) -> None:
    """Do steps that only look: nothing is recorded, and there is nothing to take back.

    :raises PalierError: whatever a check refuses with.
    """
    for step in steps:
        emit(StepBegun(step.name, step.host))
        began = time.monotonic()
        try:
            details = [_done(act, emit) for act in step.acts]
        except PalierError as cause:
            emit(StepFailed(step.name, time.monotonic() - began, cause.what))
            raise
        emit(StepDone(step.name, time.monotonic() - began, "; ".join(filter(None, details))))


def _done(act: Act, emit: Emit) -> str:
    emit(Doing(act.says))
    return act.does() or ""


def run(steps: Sequence[Step], record: Record, emit: Emit, *, heartbeat: int) -> None:
    """Apply ``steps`` in order; on any failure take back what had begun, newest first.

    :param heartbeat: seconds without a sign of life after which the guard on the host takes a critical section back.
    :raises RolledBack: a critical step had begun, and everything is as before.
    :raises Interrupted: Ctrl-C or SIGTERM; what had begun was taken back.
    :raises Hold: it could not be taken back, or the host does not answer; a person must look.
    :raises BaseException: whatever a step raised, if nothing critical had begun; production is as before.
    """
    _Run(steps, record, emit, heartbeat).go()


class _Run:
    def __init__(self, steps: Sequence[Step], record: Record, emit: Emit, heartbeat: int) -> None:
        first = record.last_number() + 1
        self._steps = dict(enumerate(steps, start=first))
        self._record = record
        self._emit = emit
        self._guard = Guard(record, heartbeat)
        self._critical = [number for number, step in self._steps.items() if step.critical]
        self._now = ""  # the step at work
        self._to_undo = False  # a step with an undo may have begun
        self._exposed = False  # a critical step may have begun

    def go(self) -> None:
        try:
            self._apply_all()
        except BaseException as cause:  # Ctrl-C and defects are undone like any other failure
            error = self._taken_back(cause)
            if error is cause:
                raise
            raise error from cause
        # Everything is done and verified: a line missing from the journal is no reason to take it all back.
        with _unstoppable():
            try:
                self._record.end("done")
            except PalierError as problem:
                self._tell(Note(f"The journal does not say that the run is done: {problem.what}", "warning"))

    def _apply_all(self) -> None:
        if self._critical or any(step.can_be_undone for step in self._steps.values()):
            self._record.arm()
        for number, step in self._steps.items():
            if self._critical and number == self._critical[0]:
                self._guard.start()
            self._apply(number, step)
            if self._critical and number == self._critical[-1]:
                self._guard.stop()

    def _apply(self, number: int, step: Step) -> None:
        self._now = step.name
        self._emit(StepBegun(step.name, step.host))
        began = time.monotonic()
        try:
            details = self._begin_and_do(number, step)
        except BaseException as cause:
            self._tell(StepFailed(step.name, time.monotonic() - began, _reason(cause)))
            raise
        seconds = time.monotonic() - began
        # Not a round trip of its own: it is written with whatever is journalled next. The undo does not depend on it.
        detail = "; ".join(details)
        self._record.journal.note(
            "applied", step=step.name, number=number, seconds=round(seconds, 3), detail=detail[:1000]
        )
        self._emit(StepDone(step.name, seconds, detail))

    def _begin_and_do(self, number: int, step: Step) -> list[str]:
        # Said before it is true: placing may be cut off at any point, and to undo nothing is harmless.
        self._to_undo |= step.can_be_undone
        self._exposed |= step.critical
        self._guard.allow(self._guard.seconds)
        closes = bool(self._critical) and number == self._critical[0]
        self._record.place(
            number, step.slug, step.fragment(), title=step.name, closes=closes, host=step.host, critical=step.critical
        )
        details = []
        for act in step.acts:
            self._guard.allow(act.budget)
            details.append(_done(act, self._emit))
        return [detail for detail in details if detail]

    def _taken_back(self, cause: BaseException) -> BaseException:
        """Undo, and answer with what is to be raised."""
        try:
            with _unstoppable():
                return self._undone(cause)
        except KeyboardInterrupt:  # a second Ctrl-C in the instant before it was ignored; the undo may be run again
            with _unstoppable():
                return self._undone(cause)

    def _undone(self, cause: BaseException) -> BaseException:
        self._guard.hush()
        self._record.journal.note("failed", step=self._now, reason=_reason(cause)[:1000])
        if not self._to_undo and not self._exposed:
            with suppress(PalierError):
                self._guard.dismiss()
            return self._closing("failed", self._told(cause, ""))
        self._tell(Note("Taking back what had begun. Ctrl-C is ignored until that is done.", "warning"))
        titles = {number: step.name for number, step in self._steps.items()}
        try:
            undone = roll_back(self._record, self._tell, titles=titles)
        except PalierError as problem:
            return self._out_of_reach(cause, problem)
        # The guard ends by itself when the run is taken back; after a failed undo it must not try once more.
        with suppress(PalierError):
            self._guard.dismiss()
        if not undone.ok:
            return self._closing("hold: a step could not be taken back", self._stuck(cause, undone))
        return self._closing("rolled back", self._told(cause, undone.by))

    def _told(self, cause: BaseException, by: str) -> BaseException:
        """What is raised when production is as before."""
        production = PUT_BACK if self._exposed else CLEARED if self._to_undo else UNTOUCHED
        if isinstance(cause, KeyboardInterrupt | Interrupted):
            return Interrupted(f"Interrupted at the step: {self._now}.", production=production)
        if self._exposed:
            why = getattr(cause, "why", "")
            taken = "" if by.startswith("palier") or not by else f"It was taken back by {by}."
            return RolledBack(
                f"The step {self._now!r} failed: {_reason(cause)}",
                why=" ".join(part for part in (why, taken) if part),
                next_step=f"The record of the run is in {self._record.folder} on {self._record.host.name}.",
                production=production,
            )
        if isinstance(cause, PalierError):
            cause.production = production
        return cause

    def _stuck(self, cause: BaseException, undone: Undone) -> Hold:
        where = "could not be taken back" if undone.failed else "The undo stopped"
        shop = (
            "Production is closed or half changed: the maintenance page and the lock are kept."
            if self._exposed
            else "Customers see production as before, but what was prepared on it is not taken away; the lock is kept."
        )
        return Hold(
            f"{undone.failed} {where} after this failure: {_reason(cause)}".strip(),
            why=f"Still to be taken back: {', '.join(undone.remaining)}.\n{_ending(undone.said)}",
            next_step=f"On {self._record.host.name}, mend the cause and type: {self._command()}",
            production=shop,
        )

    def _out_of_reach(self, cause: BaseException, problem: PalierError) -> BaseException:
        """What is raised when the host does not answer, so that nothing can be taken back from here."""
        look = f"{self._record.path('undo.log')} on {self._record.host.name}"
        if not self._exposed or not self._guard.started:
            production = "Customers see production as before, but what was prepared on it could not be taken away."
            next_step = f"When {self._record.host.name} answers again, type there: {self._command()}"
            if isinstance(cause, PalierError):
                cause.production, cause.next_step = production, next_step
                return cause
            return Hold(_reason(cause), why=problem.what, next_step=next_step, production=production)
        return Hold(
            f"The step {self._now!r} failed ({_reason(cause)}), and then the host did not answer.",
            why=f"{problem.what} {problem.why}".strip(),
            next_step=f"Look there whether it did: {look}. If it did not, type: {self._command()}",
            production=(
                "Production is closed. The guard on the host puts it back and opens it"
                f" within about {self._guard.seconds} seconds of the loss; the lock is kept."
            ),
        )

    def _closing(self, outcome: str, error: BaseException) -> BaseException:
        if isinstance(error, Interrupted):
            outcome = "interrupted" if outcome == "failed" else f"interrupted, {outcome}"
        with suppress(PalierError):  # the journal is evidence; what is raised says it all
            self._record.end(outcome)
        return error

    def _command(self) -> str:
        return f"sh {self._record.path('rollback.sh')}"

    def _tell(self, event: Event) -> None:
        with suppress(Exception):  # whoever listens may be gone (a closed terminal); the undo goes on
            self._emit(event)


def _reason(cause: BaseException) -> str:
    if isinstance(cause, KeyboardInterrupt):
        return "interrupted"
    if isinstance(cause, PalierError):
        return cause.what
    return f"{type(cause).__name__}: {cause}"


def _ending(said: str) -> str:
    return "\n".join(line for line in said.splitlines()[-12:] if line.strip())


@contextmanager
def _unstoppable() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal are ignored inside, by this process and by those that it starts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
