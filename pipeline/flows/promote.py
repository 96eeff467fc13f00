"""Promote: an approved release goes to production, behind the maintenance page, with the way back written first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from pipeline import engine, lock
from pipeline.engine import Act, Step
from pipeline.errors import Interrupted, PalierError
from pipeline.events import Emit, Note, silent
from pipeline.evidence import smoke as smoke_runs
from pipeline.evidence.smoke import PreparedSmoke
from pipeline.evidence.verdicts import SmokeRun
from pipeline.guard import Supervised
from pipeline.record import Record
from pipeline.remote.command import Secret
from pipeline.steps import checks, maintenance, modules, release, snapshot, tables, ways_back
from pipeline.steps.modules import Target
from pipeline.steps.release import Release
from pipeline.steps.site import Shop
from pipeline.steps.smoke import look_once, on_production, production_settings, removing_orders, telling_log

UNDO_CLIENT = "mariadb --defaults-file=../../client.cnf"


@dataclass
class Promotion:
    """One promotion while it goes on."""

    shop: Shop
    release: Release
    record: Record
    targets: tuple[Target, ...]
    token: Secret
    guarded: tables.Guarded = field(default_factory=tables.Guarded)
    smoke: SmokeRun | None = None


@dataclass(frozen=True)
class Outcome:
    """What a promotion came to; times in seconds."""

    run: str
    versions: dict[str, str]
    smoke: SmokeRun | None
    seconds: float
    record: str

    def as_json(self) -> dict[str, object]:
        return {"run": self.run, "versions": self.versions, "seconds": round(self.seconds, 1), "record": self.record}

    def summary(self) -> str:
        modules_ = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"Promoted: {modules_}. Run {self.run}.\n"
            f"The way back: palier rollback SHOP {self.run}\n"
            f"Without Palier, on the host: sh {self.record}/rollback.sh"
        )


def steps(promotion: Promotion, prepared: PreparedSmoke | None, emit: Emit) -> tuple[Step, ...]:
    """Read aloud, this is the runbook. From the maintenance page to the open shop, the guard on the host watches."""
    shop, record, found = promotion.shop, promotion.record, promotion.targets
    site, budgets = shop.production, promotion.release.playbook.budgets
    expected, guarded = promotion.release.footprint, promotion.guarded
    host = Supervised(site.host, record.folder)
    places = modules.placements(site, site.host, found, record.folder)
    return (
        snapshot.take_snapshot(shop, record, emit, restored=promotion.release.playbook.snapshot == "restored"),
        modules.upload_code(site.host, found, places, run=record.folder),
        tables.copy_ahead(shop, record, expected, guarded, seconds=budgets.guard),
        maintenance.put_up_the_page(shop, record, host, promotion.token),
        maintenance.drain(shop, host, seconds=budgets.drain),
        *modules.forget_on_the_way_back(site, host),
        tables.checkpoint_tables(shop, record, guarded, seconds=budgets.guard),
        tables.guard_tables(shop, guarded),
        modules.switch_code(host, places, critical=True, own_files=site.platform.own_files),
        modules.upgrade_modules(site, host, found, seconds=budgets.upgrade, critical=True),
        modules.clear_opcache(site, host, token=promotion.token, gate=None, critical=True),
        modules.verify_versions(site, host, found, critical=True),
        tables.verify_footprint(shop, record, expected, guarded),
        tables.record_row_changes(shop, record, guarded),
        run_smoke_suites(promotion, prepared, emit),
        maintenance.open_the_shop(shop, record, host, client=UNDO_CLIENT, seconds=budgets.drain),
    )


def run_smoke_suites(promotion: Promotion, prepared: PreparedSmoke | None, emit: Emit) -> Step:
    """The same journeys on production, as testers, leaving nothing that stays. :raises SmokeFailed: (in the act)."""
    playbook = promotion.release.playbook
    orders = playbook.production_orders == "one"

    def smoke() -> str:
        if prepared is None:
            raise RuntimeError("a plan is only printed")
        look_once(production_settings(promotion.shop, promotion.token))
        with telling_log(promotion.shop.production, emit), removing_orders(promotion.shop, orders=orders, emit=emit):
            promotion.smoke = prepared.go(budget=playbook.budgets.smoke)
        promotion.smoke.demand()
        return f"{len(promotion.smoke.cases)} tests"

    trace = "placing one order and removing it again" if orders else "leaving no trace"
    says = f"run {', '.join(playbook.production_suites)} as testers behind the page, {trace}"
    return Step(
        "Run the smoke suites on production", (Act(says, smoke, budget=playbook.budgets.smoke + 60),), critical=True
    )


def before(shop: Shop, found: Release) -> tuple[Step, ...]:
    """What must hold before anything is touched."""
    return (checks.check_release(shop, found), checks.check_place(shop), checks.check_production(shop, found))


def plan(shop: Shop, run: str | None) -> str:
    """What promoting ``run`` would do, step by step, with the undo fragments."""
    found = release.read(shop, run or release.newest(shop))
    return engine.plan(before(shop, found)) + _plan(shop, found)


def _plan(shop: Shop, found: Release) -> str:
    places = Record(shop.production.host, f"{shop.production.record}/runs/RUN", found.record.about)
    planned = steps(Promotion(shop, found, places, checks.targets(shop, found), Secret("")), None, silent)
    seconds = found.playbook.budgets.guard
    return engine.plan(planned) + "\n" + tables.told_rungs(shop, found.footprint, seconds=seconds).rstrip()


def prepare(shop: Shop, found: Release, *, by: str) -> Promotion:
    """The record of a promotion, and everything that its steps are made of."""
    targets, site = checks.targets(shop, found), shop.production
    record = Record.create(site.host, site.record, "promote", shop.name, by)
    return Promotion(shop, found, record, targets, maintenance.new_token())


@contextmanager
def ends_if_not_begun(record: Record) -> Iterator[None]:
    """A promotion that failed before its first step is over, and stands in nobody's way."""
    try:
        yield
    except BaseException:
        record.end("not begun")
        raise


def run(shop: Shop, run_id: str | None, *, by: str, emit: Emit) -> Outcome:
    """Promote the release of ``run_id`` (``None``: the newest update run).

    :raises ApprovalMissing, Refused: before production is touched.
    :raises RolledBack: if a step failed; production is as before.
    :raises Interrupted: by Ctrl-C; production is as the first sentence says.
    """
    opened = threading.Event()
    try:
        return _promote(shop, run_id, opened, by=by, emit=emit)
    except KeyboardInterrupt:
        if not opened.is_set():
            raise
        raise Interrupted(
            "Interrupted after the promotion.",
            next_step=f"palier status {shop.name}",
            production="Production was promoted and is open on its new version.",
        ) from None


def _promote(shop: Shop, run_id: str | None, opened: threading.Event, *, by: str, emit: Emit) -> Outcome:
    site = shop.production
    site.prepare_record()
    began = time.monotonic()
    with lock.acquire(site.host, site.record, f"promote by {by}", shop=shop.name):
        ways_back.end_what_never_began(site)
        found = release.read(shop, run_id or release.newest(shop))
        engine.check(before(shop, found), emit)
        promotion = prepare(shop, found, by=by)
        record = promotion.record
        evidence, suites = shop.house / "runs" / record.run, found.playbook.production_suites
        orders = found.playbook.production_orders == "one"
        with (
            on_production(shop, promotion.token, orders=orders) as settings,
            smoke_runs.prepare(settings, suites, evidence, emit=emit) as prepared,
        ):
            with ends_if_not_begun(record):
                prepared.wait_warm()
                planned = steps(promotion, prepared, emit)
            engine.run(planned, record, emit, heartbeat=found.playbook.budgets.heartbeat)
            opened.set()
        with suppress(PalierError):  # nothing of this is worth taking the promotion back
            record.journal.append("promoted", release=found.manifest.run, digest=found.digest)
            record.end("promoted")
            ways_back.give_up_what_is_not_needed(shop, record, promotion.guarded)
    emit(Note("The shop is open on its new version.", "good"))
    versions = {target.module: target.version for target in promotion.targets}
    return Outcome(record.run, versions, promotion.smoke, time.monotonic() - began, record.folder)
