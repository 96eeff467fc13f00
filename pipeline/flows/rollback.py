"""Roll back: a promotion is taken back by its own script on the host, keeping what customers wrote since."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pipeline import lock
from pipeline.errors import UNTOUCHED, Hold, Interrupted, PalierError, Refused
from pipeline.events import Emit, Event, Note
from pipeline.evidence import smoke as smoke_runs
from pipeline.evidence.verdicts import SmokeRun
from pipeline.guard import Guard
from pipeline.record import Record, TakenOver
from pipeline.remote.command import Secret
from pipeline.rollback import interrupts_remembered, roll_back
from pipeline.steps import maintenance, reconciliation, release, ways_back
from pipeline.steps.modules import clear_opcache, version_of
from pipeline.steps.reconciliation import Statement
from pipeline.steps.site import Shop, Site
from pipeline.steps.smoke import look_once, production_settings

SMOKE_SECONDS = 120
SPARE_SECONDS = 60
"""What undoing and opening may take beside the smoke suites before the guard on the host ends the rollback itself."""
GUARD_SECONDS = SMOKE_SECONDS + SPARE_SECONDS

PUT_BACK = "Production was rolled back and is open."
HALFWAY = "the rollback had begun, and it is not known from here how far it came."


@dataclass(frozen=True)
class Outcome:
    """What a rollback came to. ``conflicts`` are cells that somebody else had written since; their value stayed."""

    run: str
    versions: dict[str, str]
    conflicts: tuple[str, ...]
    smoke: SmokeRun | None
    seconds: float
    statement: Statement | None = None
    """Orders, rows and stock; ``None`` if the statement could not be made."""

    def as_json(self) -> dict[str, object]:
        return {
            "run": self.run,
            "versions": self.versions,
            "conflicts": list(self.conflicts),
            "smoke": self.smoke.verdict.value if self.smoke else None,
            "seconds": round(self.seconds, 1),
            "reconciliation": self.statement.as_json() if self.statement else None,
        }

    def summary(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        lines = [f"Rolled back {self.run}: {versions or 'as before'}. Every row that customers wrote since is kept."]
        if self.statement:
            lines.append(self.statement.text().rstrip())
        elif self.conflicts:
            lines.append(f"{len(self.conflicts)} values had been changed by somebody else since, and stay as they are:")
            lines += [f"    {line}" for line in self.conflicts[:20]]
        return "\n".join(lines)


def plan(shop: Shop, run: str | None) -> str:
    """What would be taken back, as the script on the host tells it."""
    from pipeline.remote.command import command

    record = Record.open(shop.production.host, shop.production.record, run or ways_back.last(shop))
    return record.host.run(command("sh", record.path("rollback.sh"), "--list")).stdout.rstrip()


def run(shop: Shop, run_id: str | None, *, by: str, emit: Emit) -> Outcome:
    """Take a promotion back: page on, undo fragments newest first, smoke, page off.

    Once it has begun, Ctrl-C ends nothing but the smoke tests: the rest is taken back, and the shop is opened.

    :raises Hold: if a fragment failed; the page stays on.
    :raises Interrupted: by Ctrl-C; production is as the first sentence says.
    """
    site = shop.production
    site.prepare_record()
    began = time.monotonic()
    with lock.acquire(site.host, site.record, f"rollback by {by}", shop=shop.name):
        if run_id is not None:
            ways_back.end_what_never_began(site)
        record = Record.open(site.host, site.record, run_id or ways_back.last(shop))
        if site.host.exists(record.path("rolled-back")):
            raise Refused(f"The run {record.run} was rolled back already.", next_step=f"palier status {shop.name}")
        ways_back.require_newest(shop, record)
        own = Record.create(site.host, site.record, "rollback", shop.name, by)
        own.journal.append("rolls back", run=record.run)
        undoing = _Undoing(shop, record, emit)
        with _told(undoing):
            smoke = _undo_and_smoke(undoing, own)
            _require_open(site, record)
            own.end("done")
    with _told(undoing):
        return _outcome(shop, record, smoke, began, emit)


def _outcome(shop: Shop, record: Record, smoke: SmokeRun | None, began: float, emit: Emit) -> Outcome:
    versions = _versions(shop, record)
    conflicts = reconciliation.conflicts(record)
    emit(Note("The shop is open on its old version.", "good"))
    if smoke is None and (stands := ways_back.standing(shop.production)):
        still = f"That run had not closed the shop, and the promotion before it stands: palier rollback {shop.name}"
        emit(Note(f"{still} {stands[-1]}", "warning"))
    seconds = time.monotonic() - began
    outcome = Outcome(record.run, versions, conflicts, smoke, seconds, _statement(shop, record, emit))
    if smoke is not None:
        smoke.demand(production=PUT_BACK)
    return outcome


def _require_open(site: Site, record: Record) -> None:
    try:
        maintenance.verify_open(site, record)
    except PalierError as problem:
        raise Hold(
            problem.what,
            why=problem.why,
            next_step=f"Everything was taken back, so look for another cause. Then: palier lock release {site.shop}",
            production="Production was rolled back and the page is down, but the shop does not answer as before.",
        ) from problem


@dataclass
class _Undoing:
    """The promotion that is being taken back, and the guard that ends it if this machine dies."""

    shop: Shop
    record: Record
    emit: Emit
    guard: Guard | None = None
    begun: bool = False
    opened: bool = False

    @property
    def production(self) -> str:
        """What is true of production if nothing more is done."""
        if self.opened:
            return PUT_BACK
        return f"Production may be closed: {HALFWAY}" if self.begun else UNTOUCHED

    def tell(self, event: Event) -> None:
        with suppress(Exception):  # whoever listens may be gone (a closed terminal); the undo goes on
            self.emit(event)

    def watch(self) -> None:
        guard = Guard(self.record, GUARD_SECONDS)
        try:
            guard.start()
        except (Refused, TakenOver) as problem:
            # An undo begun before, or a script of another version of Palier: the way back is there all the same.
            self.tell(Note(f"No guard watches over this rollback: {problem.what}", "warning"))
        except PalierError:
            with suppress(PalierError):  # it may run all the same, and would take everything back by itself
                guard.dismiss()
            raise
        else:
            self.guard = guard

    def go(self, *, stay_closed: bool = False) -> None:
        """Run the script on the host. :raises Hold: saying what remains, and whether the page is on."""
        record, self.begun = self.record, True
        try:
            undone = roll_back(record, self.tell, stay_closed=stay_closed)
        except PalierError as problem:
            opens = f"The guard on the host ends it and opens the shop within {GUARD_SECONDS} s." if self.guard else ""
            raise Hold(
                f"How far {record.run} was taken back is not known: {problem.what}",
                why=" ".join(part for part in (problem.why, opens) if part),
                next_step=f"On {record.host.name}, look, and go on: sh {record.path('rollback.sh')}",
                production=self.production,
            ) from problem
        if undone.ok:
            self.opened = not stay_closed
            return
        if self.guard is not None:  # a person mends the cause now: it must not try once more meanwhile
            with suppress(PalierError):
                self.guard.dismiss()
        ways_back.demand_taken_back(self.shop, record, undone)

    def forget_the_newer_code(self, token: Secret) -> None:
        """Before anybody meets the shop, testers too: the newer code on the old data would migrate it once more."""
        try:
            site, host = self.shop.production, self.record.host
            for act in clear_opcache(site, host, token=token, gate=None, critical=True).acts:
                act.does()
        except PalierError as problem:
            self.tell(Note(f"{problem.what} If PHP never looks at its files again here, restart it.", "warning"))
        maintenance.wait_for_the_old_code(self.record)


@contextmanager
def _told(undoing: _Undoing) -> Iterator[None]:
    """Whatever ends the block early is told with what is true by then."""
    try:
        yield
    except Hold:
        raise
    except KeyboardInterrupt:
        if not undoing.begun:
            raise
        raise Interrupted(
            f"Interrupted while {undoing.record.run} was taken back.",
            next_step=f"Look: palier status {undoing.shop.name}",
            production=undoing.production,
        ) from None
    except Interrupted:
        raise
    except PalierError as problem:
        problem.production = undoing.production
        raise


def _undo_and_smoke(undoing: _Undoing, own: Record) -> SmokeRun | None:
    """The browser is warm before the page goes up; a promotion that never closed the shop needs no smoke."""
    shop, record, emit = undoing.shop, undoing.record, undoing.emit
    token = maintenance.testers_cookie(record)
    if token is None:
        with interrupts_remembered():
            undoing.go()
        return None
    settings = production_settings(shop, token)
    folder = shop.house / "runs" / own.run
    with smoke_runs.prepare(settings, ("home", "search", "checkout"), folder, emit=emit) as prepared:
        prepared.wait_warm()
        behind_the_page = False
        try:
            with interrupts_remembered() as stop:
                undoing.watch()
                undoing.go(stay_closed=True)
                behind_the_page = True
            _stop_if_told(stop)
            undoing.forget_the_newer_code(token)
            look_once(settings)
            smoke = prepared.go(budget=SMOKE_SECONDS)
            if not smoke.passed:
                emit(Note(f"The old version did not pass its smoke tests: {smoke.reason}", "warning"))
            with interrupts_remembered():
                undoing.go()
        except BaseException as cause:
            if not behind_the_page or isinstance(cause, Hold):
                raise
            _open_all_the_same(undoing, token, cause)
            raise
    return smoke


def _open_all_the_same(undoing: _Undoing, token: Secret, cause: BaseException) -> None:
    """Everything but the page is taken back: the shop is opened whatever kept its smoke tests from their end.

    :raises Interrupted, Hold: with what then is true; else ``cause`` is to be raised.
    """
    shop, record = undoing.shop, undoing.record
    with interrupts_remembered():
        undoing.tell(Note("The smoke tests did not come to their end; opening the shop.", "warning"))
        undoing.forget_the_newer_code(token)
        undoing.go()
        _require_open(shop.production, record)
    if isinstance(cause, KeyboardInterrupt):
        raise Interrupted(
            f"Interrupted: {record.run} was taken back whole, but its smoke tests did not come to their end.",
            next_step=f"Orders kept, rows taken back, stock: palier statement {shop.name} {record.run}",
            production=PUT_BACK,
        ) from None


def _stop_if_told(stop: threading.Event) -> None:
    if stop.is_set():
        raise KeyboardInterrupt


def _statement(shop: Shop, record: Record, emit: Emit) -> Statement | None:
    """The shop is open and right without it: a statement that cannot be made is said to be missing, and no more."""
    try:
        return reconciliation.state(shop, record)
    except PalierError as problem:
        emit(Note(f"No reconciliation statement could be made: {problem.what}", "warning"))
        return None


def _versions(shop: Shop, record: Record) -> dict[str, str]:
    """The versions on disk of the modules that the promotion had taken up."""
    site = shop.production
    promoted = next((entry for entry in record.journal.entries() if entry.event == "promoted"), None)
    installed = site.modules()
    names = (
        [module.name for module in release.read(shop, str(promoted.facts["release"])).manifest.modules]
        if promoted
        else []
    )
    return {name: version_of(installed, name, "production") for name in names}
