"""One update tried on staging: put in place, upgraded, verified, measured, bought from; then kept or set aside."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.code import packages, tree
from pipeline.config.playbook import Playbook, Update
from pipeline.database import footprint as footprints
from pipeline.database import rows
from pipeline.database.checkpoint import Checkpoint
from pipeline.database.connection import Database
from pipeline.database.footprint import Fingerprint, Footprint
from pipeline.database.rows import RowChanges
from pipeline.database.schema import read as read_schema
from pipeline.engine import Act, Step
from pipeline.errors import Refused, SmokeFailed
from pipeline.events import Emit, Note
from pipeline.evidence.baseline import Baseline, Beyond, beyond
from pipeline.evidence.phplog import Fault
from pipeline.evidence.verdicts import SmokeRun, Verdict
from pipeline.platforms.platform import Installed
from pipeline.record import Record
from pipeline.remote.command import masked
from pipeline.steps import modules
from pipeline.steps.copying import ledger_of
from pipeline.steps.golden import CloneState, Golden, code_exclusions, pull_code, push_code
from pipeline.steps.modules import Target
from pipeline.steps.site import Shop
from pipeline.steps.smoke import on_staging, watched_on_staging
from pipeline.steps.staging import gate_password

BROKE_OFF = "PHP broke off while the suites ran, as it never did before the update"


@dataclass(frozen=True)
class Candidate:
    """One update of the playbook whose package was verified, and the version that staging has now."""

    update: Update
    target: Target
    sha256: str
    before: str

    @property
    def module(self) -> str:
        return self.update.module


@dataclass
class Measured:
    """What was measured of one candidate on staging."""

    before: Fingerprint = field(default_factory=lambda: Fingerprint({}))
    footprint: Footprint = field(default_factory=Footprint)
    rows: tuple[RowChanges, ...] = ()
    commit: str = ""
    known: Baseline = field(default_factory=Baseline)
    """What the shop showed before this update, with what kept updates brought: none of it is this one's fault."""
    smoke: SmokeRun | None = None
    faults: tuple[Fault, ...] = ()
    beyond: Beyond = field(default_factory=Beyond)
    tried: Checkpoint | None = None
    files_written: int = 0


@dataclass(frozen=True)
class Trial:
    """Everything that trying updates on staging needs. One for each run of ``update``."""

    shop: Shop
    playbook: Playbook
    state: CloneState
    golden: Golden
    record: Record
    evidence: Path
    emit: Emit
    baseline: Baseline = field(default_factory=Baseline)
    left_out: tuple[str, ...] = ()
    """The suites that failed before any update, and are not run."""

    def steps(self, candidate: Candidate, measured: Measured) -> tuple[Step, ...]:
        """The runbook of one candidate."""
        site, run = self.shop.staging, f"{self.shop.staging.record}/runs/{self.record.run}"
        places = modules.placements(site, site.host, [candidate.target], run)
        seconds = self.playbook.budgets.upgrade
        return (
            self.commit(candidate, measured),
            modules.upload_code(site.host, [candidate.target], places),
            modules.switch_code(site.host, places, critical=False, own_files=site.platform.own_files),
            modules.upgrade_modules(site, site.host, [candidate.target], seconds=seconds, critical=False),
            modules.clear_opcache(site, site.host, token=None, gate=gate_password(self.shop), critical=False),
            modules.verify_versions(site, site.host, [candidate.target], critical=False),
            self.read_back(candidate, measured),
            self.measure(measured),
            self.smoke(candidate, measured),
        )

    def commit(self, candidate: Candidate, measured: Measured) -> Step:
        """The ledger has the new code before staging has it."""

        def commit() -> str:
            message = f"{candidate.module} {candidate.before} to {candidate.target.version}"
            trailers = {
                "Reason": f"{candidate.update.reason.kind}: {candidate.update.reason.text}",
                "Package-SHA256": candidate.sha256,
            }
            path = f"{self.shop.staging.platform.modules_path}/{candidate.target.folder.name}"
            measured.commit = ledger_of(self.shop).commit_module(path, candidate.target.folder, message, trailers)
            return measured.commit[:10]

        def fingerprint() -> None:
            with self.shop.staging.database.connected() as db:
                measured.before = self.golden.fingerprint(db)

        return Step(
            "Commit to the ledger",
            (
                Act(f"commit {candidate.module} {candidate.target.version}", commit),
                Act("take the fingerprint of every table", fingerprint),
            ),
        )

    def read_back(self, candidate: Candidate, measured: Measured) -> Step:
        """What the platform's own upgrade wrote into the code tree belongs to the update, and is committed too."""

        def read() -> str:
            site, ledger = self.shop.staging, ledger_of(self.shop)
            left_out = code_exclusions(self.shop)  # a package may bring files that the platform writes for itself
            found = tree.difference(
                ledger.files(measured.commit).without(left_out), tree.on_host(site.host, site.root, left_out)
            )
            measured.files_written = len(found)
            if found:
                pull_code(self.shop, "tried")
                message = f"{candidate.module} {candidate.target.version}: what its upgrade wrote"
                measured.commit = ledger.record(self.shop.house / "tried", message, exclude=code_exclusions(self.shop))
            return f"{len(found)} files written by the upgrade"

        return Step(
            "Read back what the upgrade wrote",
            (Act("compare staging's code with the ledger", read),),
            host=self.shop.staging.host.name,
        )

    def measure(self, measured: Measured) -> Step:
        """The footprint: which tables changed, and which rows, before any smoke test writes."""

        def measure() -> str:
            site = self.shop.staging
            with site.database.connected() as db:
                measured.footprint = footprints.changed(measured.before, self.golden.fingerprint(db))
                measured.rows = row_changes(db, self.golden.state, measured.footprint)
                measured.tried = self.golden.hold(db, measured.footprint)
            return str(measured.footprint)

        return Step(
            "Measure the footprint",
            (Act("compare every table with the golden state", measure),),
            host=self.shop.staging.host.name,
        )

    def smoke(self, candidate: Candidate, measured: Measured) -> Step:
        """Buy something. :raises SmokeFailed: (in the act) if a suite fails twice, or PHP broke off twice."""

        def buy() -> str:
            folder = self.evidence / f"{candidate.module}-{candidate.target.version}"
            self.watch(self.playbook.suites, folder, measured)
            noted = len(measured.beyond.sentences)
            return f"{len(measured.smoke.cases) if measured.smoke else 0} tests" + (f", {noted} noted" if noted else "")

        budget = 2 * self.playbook.budgets.smoke + 60
        return Step(
            "Run the smoke suites",
            (Act(f"run {', '.join(self.playbook.suites)} on staging", buy, budget=budget),),
            host=self.shop.staging.host.name,
        )

    def watch(self, suites: Sequence[str], folder: Path, measured: Measured) -> None:
        """Run the suites and compare what they, and PHP's log, show with what is known of the shop.

        An error that PHP broke off with, though every page looked well, is looked for once more before it is believed.

        :raises SmokeFailed: if a suite failed twice, or PHP broke off in both runs as it never did before.
        :raises Inconclusive: if the suites could not be run.
        """
        self._watch_once(suites, folder, measured)
        doubted, first = measured.beyond.fatal, measured.faults
        if not doubted:
            return
        self.emit(Note(f"PHP broke off while every page looked well, so the suites are run again: {doubted[0]}"))
        self._watch_once(suites, folder.with_name(f"{folder.name}-again"), measured)
        if measured.beyond.fatal:
            raise SmokeFailed(
                f"{BROKE_OFF}: {measured.beyond.fatal[0]}",
                next_step=f"Look at {folder}/php-errors.txt.",
            )
        measured.faults = (*first, *measured.faults)
        measured.beyond = replace(measured.beyond, php=(*(f"{text} (once)" for text in doubted), *measured.beyond.php))

    def _watch_once(self, suites: Sequence[str], folder: Path, measured: Measured) -> None:
        budget = self.playbook.budgets.smoke
        run, faults = watched_on_staging(self.shop, suites, folder, budget=budget, emit=self.emit)
        measured.smoke, measured.faults = run, faults
        found = beyond(measured.known, run, faults)
        measured.beyond = replace(
            found, fatal=tuple(map(self.masked, found.fatal)), php=tuple(map(self.masked, found.php))
        )
        run.demand()

    def masked(self, text: str) -> str:
        """What a program of the shop's said, without the passwords that the shop knows."""
        sites = (self.shop.production, self.shop.staging)
        return masked(text, *(site.database.credentials.password for site in sites), gate_password(self.shop)[1])

    def keep(self, measured: Measured) -> None:
        """Staging with this update is golden from now on."""
        with self.shop.staging.database.connected() as db:
            if measured.tried is not None:
                self.golden.keep(db, measured.tried)
        pull_code(self.shop, "kept")

    def reset(self, commit: str) -> None:
        """Staging and the ledger are golden again."""
        with self.shop.staging.database.connected() as db:
            self.golden.reset(db)
        push_code(self.shop, "kept")
        ledger_of(self.shop).reset(commit)

    def fails_with(self, others: Sequence[Candidate], candidate: Candidate, suites: Sequence[str]) -> bool:
        """Whether ``candidate`` fails on a staging that has only ``others`` besides it."""
        site = self.shop.staging
        with site.database.connected() as db:
            self.golden.reset_to_base(db)
        push_code(self.shop, "code")
        targets = [each.target for each in (*others, candidate)]
        folder = self.evidence / f"{candidate.module}-with-{'-'.join(each.module for each in others) or 'nothing'}"
        run = f"{site.record}/runs/{self.record.run}/{folder.name}"
        places = modules.placements(site, site.host, targets, run)
        for step in (
            modules.upload_code(site.host, targets, places),
            modules.switch_code(site.host, places, critical=False, own_files=site.platform.own_files),
            modules.upgrade_modules(site, site.host, targets, seconds=self.playbook.budgets.upgrade, critical=False),
            modules.clear_opcache(site, site.host, token=None, gate=gate_password(self.shop), critical=False),
        ):
            for act in step.acts:
                act.does()
        result = on_staging(self.shop, suites, folder, budget=self.playbook.budgets.smoke, emit=self.emit, again=False)
        return result.verdict is Verdict.FAILED


def candidates(shop: Shop, playbook: Playbook, work: Path) -> tuple[Candidate, ...]:
    """Verify every package and every module before anything is touched. All mistakes at once.

    :raises Refused: with one line for each update that cannot be tried.
    """
    site = shop.production
    installed = site.modules()
    shutil.rmtree(work, ignore_errors=True)
    found: list[Candidate] = []
    refused: list[Refused] = []
    for update in playbook.updates:
        try:
            found.append(_candidate(shop, update, installed, work))
        except Refused as error:
            refused.append(error)
    if refused:
        raise Refused(
            "\n".join(error.what for error in refused),
            why=" ".join(dict.fromkeys(error.why for error in refused if error.why)),
            next_step=" ".join(dict.fromkeys(error.next_step for error in refused if error.next_step)),
        )
    return tuple(found)


def _candidate(shop: Shop, update: Update, installed: Mapping[str, Installed], work: Path) -> Candidate:
    before = modules.version_of(installed, update.module, "production")
    if before == update.to:
        raise Refused(
            f"{update.module} is already at version {before} in production.", next_step="Take it out of the playbook."
        )
    hints = shop.inventory.modules.get(update.module)
    package = packages.store(
        packages.verify(update, Path("/"), folder=hints.folder if hints else None), shop.house / "packages"
    )
    folder = package.unpack(work / update.module)
    target = Target(update.module, update.to, folder, package.tree, hints.version_option if hints else None)
    return Candidate(update, target, package.sha256, before)


def row_changes(db: Database, before: Checkpoint, found: Footprint) -> tuple[RowChanges, ...]:
    """What happened to the rows of every table of a footprint that was there before."""
    live = read_schema(db, found.existing)
    return tuple(
        rows.measure(db, before.copies[name], live.get(name)) for name in found.existing if name in before.copies
    )


def failed_suites(result: SmokeRun) -> tuple[str, ...]:
    """The suites that failed: those that a search for the culprit needs to run."""
    return tuple(suite.suite for suite in result.suites if suite.verdict is Verdict.FAILED)
