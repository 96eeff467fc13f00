"""Update: one module at a time on staging; what passes is kept, what fails is set aside with its evidence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import engine, lock
from pipeline.approvals.policy import stricter
from pipeline.config.playbook import Playbook
from pipeline.database.classes import Class
from pipeline.errors import ExitCode, Inconclusive, Refused, SmokeFailed
from pipeline.events import Emit, Note
from pipeline.evidence import report as reports
from pipeline.evidence.baseline import Baseline
from pipeline.evidence.blame import culprits
from pipeline.evidence.report import UpdateOutcome, UpdateReport
from pipeline.evidence.verdicts import SmokeRun
from pipeline.flows import clone
from pipeline.record import Record
from pipeline.steps import golden, release
from pipeline.steps.copying import ledger_of
from pipeline.steps.modules import UpgradeFailed
from pipeline.steps.site import Shop
from pipeline.steps.trial import Candidate, Measured, Trial, candidates, failed_suites

HEARTBEAT = 20
BUSINESS = (Class.BUSINESS, Class.MIXED)
"""Tables that hold rows of customers, or may."""


@dataclass(frozen=True)
class Tried:
    """One candidate and what became of it; ``why`` is empty for what was kept."""

    candidate: Candidate
    measured: Measured
    why: str = ""
    together: tuple[str, ...] | None = None
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        return not self.why

    @property
    def reason(self) -> str:
        """Why it was set aside, one sentence; empty for what was kept."""
        return self.why + (f" (only together with {', '.join(self.together)})" if self.together else "")


@dataclass(frozen=True)
class Outcome:
    """What a run of ``update`` came to."""

    shop: str
    run: str
    tried: tuple[Tried, ...]
    final: SmokeRun | None
    digest: str
    report: Path
    smoke_runs: int

    @property
    def kept(self) -> tuple[Tried, ...]:
        return tuple(each for each in self.tried if each.kept)

    @property
    def aside(self) -> tuple[Tried, ...]:
        return tuple(each for each in self.tried if not each.kept)

    def as_json(self) -> dict[str, object]:
        return {
            "shop": self.shop,
            "run": self.run,
            "kept": {each.candidate.module: each.candidate.target.version for each in self.kept},
            "quarantined": {each.candidate.module: each.reason for each in self.aside},
            "manifest_sha256": self.digest,
            "report": str(self.report),
            "smoke_runs": self.smoke_runs,
        }

    def summary(self) -> str:
        lines = [f"Run {self.run}: {len(self.kept)} kept, {len(self.aside)} set aside."]
        lines += [
            f"  kept       {each.candidate.module} {each.candidate.before} → {each.candidate.target.version}"
            for each in self.kept
        ]
        lines += [
            f"  set aside  {each.candidate.module} {each.candidate.target.version}: {each.reason}"
            for each in self.aside
        ]
        lines.append(f"Report: {self.report}")
        if self.kept:
            lines.append(f"Next: palier approve {self.run}")
        return "\n".join(lines)

    @property
    def exit_code(self) -> ExitCode:
        """Everything kept; something set aside, which somebody should look at; or nothing that could be promoted."""
        if not self.kept:
            return ExitCode.SMOKE
        return ExitCode.SET_ASIDE if self.aside else ExitCode.DONE


def plan(shop: Shop, playbook: Playbook) -> str:
    """What an update run would try, in order, without looking into packages."""
    lines = [f"{len(playbook.updates)} updates, one at a time, on staging {shop.staging.environment.url}:"]
    for number, update in enumerate(playbook.updates, 1):
        lines.append(f"{number:2d}. {update.module} to {update.to}: {update.reason.kind}, {update.reason.text}")
    lines.append(
        "Each: verify the package, commit to the ledger, upload, switch code, run the platform's upgrade, verify,"
    )
    lines.append(
        f"measure the footprint, run the suites {', '.join(playbook.suites)}; keep it, or set it aside and go on."
    )
    lines.append("Then: all suites on the kept set, the release manifest, the report. Production is only read.")
    return "\n".join(lines)


def run(shop: Shop, playbook: Playbook, *, by: str, emit: Emit) -> Outcome:
    """Try every update of ``playbook``.

    :raises Refused: if a package or a module is not what the playbook says; nothing was touched.
    """
    shop.production.prepare_record()
    with lock.acquire(shop.production.host, shop.production.record, f"update by {by}", shop=shop.name):
        wanted = candidates(shop, playbook, shop.house / "work")
        state = fresh_clone(shop, playbook, by=by, emit=emit)
        baseline = golden.read_baseline(shop)
        playbook, left_out = without_broken_suites(playbook, baseline, f"{shop.house}/runs/{state.run}/baseline")
        if left_out:
            emit(Note(f"Left out, as they fail before any update: {', '.join(left_out)}.", "warning"))
        record = Record.create(shop.production.host, shop.production.record, "update", shop.name, by)
        evidence = shop.house / "runs" / record.run
        evidence.mkdir(parents=True, mode=0o700)
        trial = Trial(shop, playbook, state, golden.Golden(shop, state), record, evidence, emit, baseline, left_out)
        began = time.monotonic()
        begin(trial)
        tried: list[Tried] = []
        for candidate in wanted:
            tried.append(attempt(trial, candidate, tried))
        return conclude(trial, tuple(tried), by=by, began=began)


def fresh_clone(shop: Shop, playbook: Playbook, *, by: str, emit: Emit) -> golden.CloneState:
    """Staging's state; cloned first when there is none, or it is older than the playbook allows."""
    shop.staging.prepare_record()
    state = golden.read_state(shop)
    oldest = playbook.budgets.staging_max_age
    if state is None or state.age > oldest:
        emit(
            Note(
                "Staging is missing or unfinished."
                if state is None
                else f"Staging is older than {oldest // 3600} hours."
            )
        )
        state = clone.within_lock(shop, by=by, emit=emit)
    return state


def without_broken_suites(playbook: Playbook, baseline: Baseline, evidence: str) -> tuple[Playbook, tuple[str, ...]]:
    """The playbook without the suites that failed before any update: what fails already can blame no update.

    :param evidence: where the baseline's lies, for whoever must look.
    :returns: also the suites that were left out. Only those of the default are; who names one wants it.
    :raises Refused: if a suite that the playbook names failed, or every suite did.
    """
    wanted = dict.fromkeys((*playbook.suites, *(playbook.final_suites or ())))
    broken = [suite for suite in wanted if baseline.suites.get(suite) not in ("passed", "doubtful")]
    named = playbook.suites if "suites" in playbook.model_fields_set else ()
    left = tuple(suite for suite in playbook.suites if suite not in broken)
    if broken and (not left or set(broken) & {*named, *(playbook.final_suites or ())}):
        raise Refused(
            f"Before any update, these suites did not pass on staging: {', '.join(broken)}.",
            why="What fails already cannot show what an update breaks.",
            next_step=(
                f"Mend the shop and clone again, or leave them out of the playbook's suites.\nEvidence: {evidence}"
            ),
        )
    return playbook.model_copy(update={"suites": left}) if broken else playbook, tuple(broken)


def begin(trial: Trial) -> None:
    """Staging as it was after the clone: whatever an earlier run left is put back."""
    with trial.shop.staging.database.connected() as db:
        trial.golden.drop(db)
        trial.golden.reset_to_base(db)
    golden.push_code(trial.shop, "code")
    golden.pull_code(trial.shop, "kept")
    ledger_of(trial.shop).reset(trial.state.base_commit)


def attempt(trial: Trial, candidate: Candidate, before: list[Tried]) -> Tried:
    """Try one candidate on top of what was kept; keep it or set it aside."""
    reason = candidate.update.reason
    trial.emit(
        Note(f"{candidate.module} {candidate.before} → {candidate.target.version} ({reason.kind}: {reason.text})")
    )
    commit = str(ledger_of(trial.shop).head)
    measured, began = Measured(known=known(trial, before)), time.monotonic()
    try:
        engine.run(trial.steps(candidate, measured), trial.record, trial.emit, heartbeat=HEARTBEAT)
    except (UpgradeFailed, SmokeFailed) as error:
        why, together = f"{error.what} {error.why}".strip(), None
        if measured.smoke is not None and not measured.smoke.passed:
            why = measured.smoke.reason
            together = blame(trial, candidate, [each.candidate for each in before if each.kept], measured.smoke)
        why = trial.masked(why)
        trial.reset(commit)
        tried = Tried(candidate, measured, why, together, time.monotonic() - began)
        trial.emit(Note(f"Set aside: {candidate.module}: {tried.reason}", "warning"))
        return tried
    trial.keep(measured)
    trial.emit(Note(f"Kept: {candidate.module} {candidate.target.version}", "good"))
    return Tried(candidate, measured, seconds=time.monotonic() - began)


def known(trial: Trial, before: Sequence[Tried]) -> Baseline:
    """What the shop shows without the next update: before any, and with those that were kept."""
    found = trial.baseline
    for each in before:
        if each.kept and each.measured.smoke is not None:
            found = found.with_(each.measured.smoke, each.measured.faults)
    return found


def blame(trial: Trial, candidate: Candidate, kept: list[Candidate], failed: SmokeRun) -> tuple[str, ...]:
    """The kept updates that ``candidate`` fails together with; none if it fails alone."""
    suites = failed_suites(failed)
    if not kept or not suites:
        return ()
    trial.emit(Note(f"Looking for what {candidate.module} fails together with, if anything."))
    guilty = culprits(kept, lambda others: trial.fails_with(others, candidate, suites))
    return tuple(each.module for each in guilty)


def conclude(trial: Trial, tried: tuple[Tried, ...], *, by: str, began: float) -> Outcome:
    """All suites on the kept set, the manifest, the report."""
    shop, record = trial.shop, trial.record
    kept = [each for each in tried if each.kept]
    final = None
    if kept:
        trial.emit(Note("All suites once more, on everything that was kept."))
        last = Measured(known=known(trial, tried))
        problem: SmokeFailed | Inconclusive | None = None
        try:
            trial.watch(trial.playbook.final_suites or trial.playbook.suites, trial.evidence / "kept-set", last)
        except (SmokeFailed, Inconclusive) as error:
            problem = error
        with shop.staging.database.connected() as db:
            trial.golden.reset(db)
            trial.golden.prove(db)
        if problem is not None:
            raise problem
        final = last.smoke
    digest = (
        release.write(
            trial,
            [(each.candidate, each.measured) for each in kept],
            [(each.candidate, each.reason) for each in tried if not each.kept],
            final,
            left_out=trial.left_out,
            noted={each.candidate.module: each.measured.beyond.sentences for each in kept},
        )
        if final
        else ""
    )
    report = trial.evidence / "report.html"
    told = _report(trial, tried, final, digest=digest, by=by, seconds=time.monotonic() - began)
    reports.write(told, report)
    (trial.evidence / "report.md").write_text(reports.summary(told), "utf-8")
    record.end(f"done: {len(kept)} kept, {len(tried) - len(kept)} set aside")
    smoke_runs = len(list(trial.evidence.glob("*/junit.xml")))
    return Outcome(shop.name, record.run, tried, final, digest, report, smoke_runs)


def _report(
    trial: Trial, tried: tuple[Tried, ...], final: SmokeRun | None, *, digest: str, by: str, seconds: float
) -> UpdateReport:
    asked = stricter(trial.playbook.approvals, trial.shop.inventory.least_approvals)
    return UpdateReport(
        shop=trial.shop.inventory.shown_brand,
        run=trial.record.run,
        started=trial.record.about.started,
        by=by,
        updates=tuple(_told(trial.shop, each) for each in tried),
        final=final,
        manifest_sha256=digest,
        approvals_required=asked.required,
        four_eyes=asked.four_eyes,
        roles=asked.roles,
        left_out=trial.left_out,
        approve_command=f"palier approve {trial.record.run}" if digest else "",
        language=trial.shop.inventory.language,
        seconds=seconds,
    )


def _told(shop: Shop, each: Tried) -> UpdateOutcome:
    reason = each.candidate.update.reason
    return UpdateOutcome(
        module=each.candidate.module,
        before=each.candidate.before,
        after=each.candidate.target.version,
        reason_kind=reason.kind,
        reason=reason.text,
        reference=reason.reference,
        kept=each.kept,
        why_aside=each.why,
        together_with=each.together,
        smoke=each.measured.smoke,
        footprint=tuple(
            reports.TableChange(
                changes.table,
                changes.added,
                changes.changed,
                changes.removed,
                (*(f"+ {name}" for name in changes.columns_added), *(f"- {name}" for name in changes.columns_removed)),
                business=shop.classes.classify(changes.table) in BUSINESS,
            )
            for changes in each.measured.rows
        )
        + tuple(reports.TableChange(name, schema=("new table",)) for name in each.measured.footprint.added),
        files_changed=len(each.candidate.target.tree),
        commit=each.measured.commit,
        package_sha256=each.candidate.sha256,
        seconds=each.seconds,
        php_faults=each.measured.beyond.logged,
        browser=each.measured.beyond.browser,
        slower=each.measured.beyond.slower,
    )
