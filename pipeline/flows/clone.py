"""Clone: staging made anew from production, which is only read."""

from __future__ import annotations

import datetime as dt

from pipeline import engine, lock
from pipeline.config.playbook import SUITES
from pipeline.engine import Act, Step
from pipeline.events import Emit, Note, silent
from pipeline.evidence import baseline
from pipeline.evidence.verdicts import Verdict
from pipeline.record import Record
from pipeline.steps import copying, golden, staging
from pipeline.steps.modules import data_versions
from pipeline.steps.site import Shop
from pipeline.steps.smoke import watched_on_staging

PASSING = (Verdict.PASSED, Verdict.DOUBTFUL)
HEARTBEAT = 20
BASELINE_SECONDS = 300.0


def steps(shop: Shop, run: str, emit: Emit) -> tuple[Step, ...]:
    """Read aloud, this is the runbook."""
    return (
        copying.read_production(shop),
        copying.copy_code_into_ledger(shop),
        staging.close_staging(shop),
        copying.copy_files(shop),
        copying.copy_database(shop, emit),
        staging.rewrite_addresses(shop),
        staging.prove_harmless(shop),
        take_golden_checkpoint(shop, run),
        run_baseline(shop, run, emit),
    )


def plan(shop: Shop) -> str:
    """What a clone would do."""
    return engine.plan(steps(shop, "RUN", silent))


def run(shop: Shop, *, by: str, emit: Emit) -> golden.CloneState:
    """Make staging anew. :raises StagingLeaks: if it cannot be made harmless; nothing else is run on it."""
    shop.production.prepare_record()
    with lock.acquire(shop.production.host, shop.production.record, f"clone by {by}", shop=shop.name):
        return within_lock(shop, by=by, emit=emit)


def masked_summary(shop: Shop) -> str:
    """What the last clone masked, in a line, and the file that says it column by column."""
    return copying.masked_summary(shop)


def within_lock(shop: Shop, *, by: str, emit: Emit) -> golden.CloneState:
    """The clone itself, for flows that hold the lock already."""
    emit(Note(f"Cloning production of {shop.name} to staging; production is only read."))
    shop.staging.prepare_record()
    golden.forget_state(shop)
    record = Record.create(shop.production.host, shop.production.record, "clone", shop.name, by)
    engine.run(steps(shop, record.run, emit), record, emit, heartbeat=HEARTBEAT)
    return golden.require_state(shop)


def take_golden_checkpoint(shop: Shop, run: str) -> Step:
    """A copy of every table of staging, and what it is a clone of."""
    site, production = shop.staging, shop.production

    def take() -> str:
        ledger = copying.ledger_of(shop)
        commit = str(ledger.head)
        modules = production.modules()
        options = {name: hints.version_option for name, hints in shop.inventory.modules.items() if hints.version_option}
        with site.database.connected() as db:
            checkpoint = golden.take_base(db)
            golden.write_fingerprint(shop, db)
        state = golden.CloneState(
            run=run,
            made=dt.datetime.now(dt.UTC),
            production=str(production.environment.url),
            versions={name: module.version for name, module in modules.items()},
            data_versions=data_versions(production, options),
            base_commit=commit,
            base_tree=ledger.files(commit).digest,
            checkpoint=checkpoint,
        )
        golden.write_state(shop, state)
        return f"{len(checkpoint.copies)} tables"

    return Step(
        "Take the golden checkpoint", (Act("copy every table inside staging's own schema", take),), host=site.host.name
    )


def run_baseline(shop: Shop, run: str, emit: Emit) -> Step:
    """Every suite before any update: what fails now is not an update's fault."""
    folder = shop.house / "runs" / run / "baseline"

    def smoke() -> str:
        result, faults = watched_on_staging(shop, SUITES, folder, budget=BASELINE_SECONDS, emit=emit)
        golden.write_baseline(shop, baseline.of(result, faults))
        state = golden.require_state(shop)
        with shop.staging.database.connected() as db:
            golden.Golden(shop, state).reset_to_base(db)
        failed = [suite.suite for suite in result.suites if suite.verdict not in PASSING]
        if failed:
            emit(Note(f"Before any update, {', '.join(failed)} did not pass: {result.reason}", "warning"))
        return f"{len(result.suites) - len(failed)} of {len(result.suites)} suites pass"

    return Step(
        "Run the baseline smoke suites",
        (Act(f"run {', '.join(SUITES)} on staging, then put its tables back", smoke),),
        host=shop.staging.host.name,
    )
