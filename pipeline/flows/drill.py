"""Drill: an approved release is promoted and taken back on staging while orders arrive, and the undo is verified."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import engine, lock
from pipeline.database import synthetic
from pipeline.engine import Step
from pipeline.errors import UNTOUCHED, PalierError, Refused
from pipeline.events import Emit, Event, Note, StepDone
from pipeline.guard import Supervised
from pipeline.record import Record
from pipeline.remote.command import Secret
from pipeline.rollback import roll_back
from pipeline.steps import checks, drill, golden, maintenance, modules, reconciliation, release, tables
from pipeline.steps.modules import Target
from pipeline.steps.release import Release
from pipeline.steps.site import Shop
from pipeline.steps.staging import gate_password

ORDERS = 100
UNDO_CLIENT = "mariadb --defaults-file=../../client.cnf"


class DrillFailed(PalierError):
    """The rehearsal failed, or the undo was not exact: the release should not be promoted."""


@dataclass(frozen=True)
class Outcome:
    """What a drill came to; times in seconds, measured on staging, without the smoke suites."""

    release: str
    orders: int
    orders_kept: int
    downtime: float
    rollback: float
    promised: int
    tables: int
    wrong: tuple[str, ...]
    steps: dict[str, float]
    statement: reconciliation.Statement

    def as_json(self) -> dict[str, object]:
        return {
            "release": self.release,
            "orders": self.orders,
            "orders_kept": self.orders_kept,
            "downtime_s": round(self.downtime, 2),
            "rollback_s": round(self.rollback, 2),
            "recovery_time_s": self.promised,
            "tables_compared": self.tables,
            "differences": list(self.wrong),
            "steps": {name: round(seconds, 2) for name, seconds in self.steps.items()},
            "reconciliation": self.statement.as_json(),
        }

    def summary(self) -> str:
        return (
            f"Drill of {self.release} on staging: promoted, {self.orders} orders, rolled back.\n"
            f"  Downtime of the promotion, smoke suites apart: {self.downtime:.1f} s\n"
            f"  Rollback: {self.rollback:.1f} s\n"
            f"  Compared: {self.tables} tables with a staging that had the orders and not the update;"
            f" {len(self.wrong)} differ\n"
            f"Recovery time that can be promised: {self.promised} s"
            f" (twice what was measured, and the requests in flight)\n{self.statement.text().rstrip()}"
        )

    def require(self) -> None:
        """:raises DrillFailed: if an order is missing, or a table is not what it must be."""
        if self.wrong or self.orders_kept != self.orders:
            raise DrillFailed(
                "The rollback did not take the update back exactly.",
                why="; ".join([f"{self.orders_kept} of {self.orders} orders were kept", *self.wrong[:20]]),
                next_step="Do not promote this release; show the drill's record to whoever maintains Palier.",
            )


def steps(stage: Shop, found: Release, record: Record, targets: tuple[Target, ...], token: Secret) -> tuple[Step, ...]:
    """Promote's runbook with staging in production's place, without the smoke suites, which ``update`` ran there."""
    site, budgets, guarded = stage.production, found.playbook.budgets, tables.Guarded()
    host = Supervised(site.host, record.folder)
    places = modules.placements(site, site.host, targets, record.folder)
    gate = gate_password(stage)
    return (
        modules.upload_code(site.host, targets, places, run=record.folder),
        tables.copy_ahead(stage, record, found.footprint, guarded, seconds=budgets.guard),
        drill.put_up_the_page(stage, record, host, token),
        maintenance.drain(stage, host, seconds=budgets.drain),
        *modules.forget_on_the_way_back(site, host),
        tables.checkpoint_tables(stage, record, guarded, seconds=budgets.guard),
        tables.guard_tables(stage, guarded),
        modules.switch_code(host, places, critical=True, own_files=site.platform.own_files),
        modules.upgrade_modules(site, host, targets, seconds=budgets.upgrade, critical=True),
        modules.clear_opcache(site, host, token=token, gate=gate, critical=True),
        modules.verify_versions(site, host, targets, critical=True),
        tables.verify_footprint(stage, record, found.footprint, guarded),
        tables.record_row_changes(stage, record, guarded),
        drill.open_the_shop(stage, record, host, client=UNDO_CLIENT, seconds=budgets.drain),
    )


def plan(shop: Shop, run: str | None) -> str:
    """What a drill would do on staging; nothing is run."""
    found, stage = release.read(shop, run or release.newest(shop)), drill.rehearsal(shop)
    record = Record(stage.production.host, f"{stage.production.record}/runs/RUN", found.record.about)
    return engine.plan(steps(stage, found, record, checks.targets(shop, found), Secret("")))


def run(shop: Shop, run_id: str | None, *, orders: int = ORDERS, by: str, emit: Emit) -> Outcome:
    """Rehearse the release of ``run_id`` (``None``: the newest). Staging is as after the clone when this returns.

    :raises ApprovalMissing, Refused: before staging is touched.
    :raises DrillFailed: if a step failed, or the undo failed.
    """
    shop.production.prepare_record()
    with lock.acquire(shop.production.host, shop.production.record, f"drill by {by}", shop=shop.name):
        found = release.read(shop, run_id or release.newest(shop))
        release.approvals(shop, found)
        state = _clone_of(shop, found)
        stage, base = drill.rehearsal(shop), golden.Golden(shop, state)
        stage.production.prepare_record()
        drill.tidy(shop, base)
        record = Record.create(stage.production.host, stage.production.record, "drill", shop.name, by)
        try:
            outcome = _rehearse(stage, found, record, base, orders=orders, emit=emit)
        finally:
            drill.tidy(shop, base)
        record.end("done" if not outcome.wrong else "failed: the undo was not exact")
    return outcome


def _clone_of(shop: Shop, found: Release) -> golden.CloneState:
    state = golden.read_state(shop)
    if state is None or state.base_tree != found.manifest.base_tree:
        raise Refused(
            "Staging is not the clone that this release was tested on.",
            next_step=f"Test it again: palier update {shop.name} PLAYBOOK",
        )
    return state


def _rehearse(stage: Shop, found: Release, record: Record, base: golden.Golden, *, orders: int, emit: Emit) -> Outcome:
    timed = _Timed(emit)
    made_of = _templates(stage)
    early, late = range(orders // 5), range(orders // 5, orders)
    targets = checks.targets(stage, found)
    _arrive(stage, made_of, early)
    planned = steps(stage, found, record, targets, maintenance.new_token())
    try:
        engine.run(planned, record, timed, heartbeat=found.playbook.budgets.heartbeat)
        _arrive(stage, made_of, late)
        emit(Note(f"{len(late) if made_of else 0} orders arrived on the new version; taking it back."))
        began = time.monotonic()
        undone = roll_back(record, emit)
        rollback = time.monotonic() - began
        if not undone.ok:
            raise DrillFailed(f"{undone.failed} could not be taken back.", why=undone.said.strip()[-1500:])
        drill.is_open(stage)
    except PalierError as problem:
        raise DrillFailed(problem.what, why=problem.why, next_step=problem.next_step, production=UNTOUCHED) from problem
    statement = reconciliation.state(stage, record)
    compared = drill.compare(stage, base, made_of, range(orders))
    critical = [step.name for step in planned if step.critical]
    return Outcome(
        release=found.manifest.run,
        orders=len(late) if made_of else 0,
        orders_kept=len(statement.orders),
        downtime=sum(timed.seconds.get(name, 0.0) for name in critical),
        rollback=rollback,
        promised=drill.promise(rollback, found.playbook.budgets.drain),
        tables=compared.tables,
        wrong=compared.wrong,
        steps=timed.seconds,
        statement=statement,
    )


def _templates(stage: Shop) -> synthetic.Templates | None:
    with stage.production.database.connected() as db:
        books = reconciliation.books_of(stage, db)
        return synthetic.templates(db, books) if books else None


def _arrive(stage: Shop, made_of: synthetic.Templates | None, numbers: Sequence[int]) -> None:
    if made_of is not None:
        with stage.production.database.connected() as db:
            synthetic.place(db, made_of, numbers)


class _Timed:
    """An emit that remembers how long each step took."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.seconds: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepDone):
            self.seconds[event.name] = event.seconds
        self._emit(event)
