"""Roll back: a promotion is taken back by its own script on the host, keeping what customers wrote since."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pipeline import lock
from pipeline.errors import Hold, PalierError, Refused
from pipeline.events import Emit, Note
from pipeline.evidence import smoke as smoke_runs
from pipeline.evidence.verdicts import SmokeRun
from pipeline.guard import Guard
from pipeline.record import Record, TakenOver
from pipeline.remote.command import Secret
from pipeline.rollback import Undone, roll_back
from pipeline.steps import maintenance, reconciliation, release, ways_back
from pipeline.steps.modules import clear_opcache, version_of
from pipeline.steps.reconciliation import Statement
from pipeline.steps.site import Shop
from pipeline.steps.smoke import look_once, production_settings

SMOKE_SECONDS = 120
SPARE_SECONDS = 60
"""What undoing and opening may take beside the smoke suites before the guard on the host ends the rollback itself."""

PUT_BACK = "Production was rolled back and is open."


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

    :raises Hold: if a fragment failed; the page stays on.
    """
    site = shop.production
    site.prepare_record()
    began = time.monotonic()
    with lock.acquire(site.host, site.record, f"rollback by {by}", shop=shop.name):
        record = Record.open(site.host, site.record, run_id or ways_back.last(shop))
        if site.host.exists(record.path("rolled-back")):
            raise Refused(f"The run {record.run} was rolled back already.", next_step=f"palier status {shop.name}")
        ways_back.require_newest(shop, record)
        own = Record.create(site.host, site.record, "rollback", shop.name, by)
        own.journal.append("rolls back", run=record.run)
        smoke = _undo_and_smoke(shop, record, own, emit)
        maintenance.verify_open(site)
        own.end("done")
    versions = _versions(shop, record)
    conflicts = reconciliation.conflicts(record)
    emit(Note("The shop is open on its old version.", "good"))
    if smoke is None and (stands := ways_back.standing(site)):
        still = f"That run had not closed the shop, and the promotion before it stands: palier rollback {shop.name}"
        emit(Note(f"{still} {stands[-1]}", "warning"))
    seconds = time.monotonic() - began
    outcome = Outcome(record.run, versions, conflicts, smoke, seconds, _statement(shop, record, emit))
    if smoke is not None:
        smoke.demand(production=PUT_BACK)
    return outcome


def _undo_and_smoke(shop: Shop, record: Record, own: Record, emit: Emit) -> SmokeRun | None:
    """The browser is warm before the page goes up; a promotion that never closed the shop needs no smoke."""
    token = _token(record)
    if token is None:
        _demand(roll_back(record, emit), record, shop)
        return None
    settings = production_settings(shop, token)
    folder = shop.house / "runs" / own.run
    with smoke_runs.prepare(settings, ("home", "search", "checkout"), folder, emit=emit) as prepared:
        prepared.wait_warm()
        _guarded(record, emit)
        _demand(roll_back(record, emit, stay_closed=True), record, shop)
        _forget_the_newer_code(shop, record, token, emit)
        look_once(settings)
        smoke = prepared.go(budget=SMOKE_SECONDS)
        if not smoke.passed:
            emit(Note(f"The old version did not pass its smoke tests: {smoke.reason}", "warning"))
        _demand(roll_back(record, emit), record, shop)
    return smoke


def _forget_the_newer_code(shop: Shop, record: Record, token: Secret, emit: Emit) -> None:
    """Before anybody meets the shop, testers too: the newer code on the old data would migrate it once more."""
    try:
        for act in clear_opcache(shop.production, record.host, token=token, gate=None, critical=True).acts:
            act.does()
    except PalierError as problem:
        emit(Note(f"{problem.what} If PHP never looks at its files again here, restart it.", "warning"))
    maintenance.wait_for_the_old_code(record)


def _statement(shop: Shop, record: Record, emit: Emit) -> Statement | None:
    """The shop is open and right without it: a statement that cannot be made is said to be missing, and no more."""
    try:
        return reconciliation.state(shop, record)
    except PalierError as problem:
        emit(Note(f"No reconciliation statement could be made: {problem.what}", "warning"))
        return None


def _guarded(record: Record, emit: Emit) -> None:
    """If this machine dies while the page is on, the host ends the rollback by itself and opens the shop."""
    try:
        Guard(record, SMOKE_SECONDS + SPARE_SECONDS).start()
    except (Refused, TakenOver) as problem:
        # An undo that was begun before, or a script of another version of Palier: the way back is there all the same.
        emit(Note(f"No guard watches over this rollback: {problem.what}", "warning"))


def _demand(undone: Undone, record: Record, shop: Shop) -> None:
    if not undone.ok:
        raise Hold(
            f"{undone.failed or 'The undo'} could not be taken back.",
            why="\n".join(undone.said.strip().splitlines()[-8:]),
            next_step=(
                f"On {record.host.name}, mend the cause and type: sh {record.path('rollback.sh')}\n"
                f"Then: palier lock release {shop.name}"
            ),
            production="Production may be closed: the maintenance page stays on if it was on.",
        )


def _token(record: Record) -> Secret | None:
    """The testers' cookie of the promotion, out of its own rule; ``None`` if the shop was never closed."""
    from pipeline.platforms.maintenance import COOKIE

    if not record.host.exists(record.path("htaccess.block")):
        return None
    block = record.read("htaccess.block").decode()
    value = block.split(f"{COOKIE}=", 1)[1].split("(;|$)", 1)[0]
    return Secret(value.replace("\\", ""))


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
