"""A release on production's host: written by ``update``, signed by ``approve``, read by ``promote``."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pipeline.approvals import manifest as manifests
from pipeline.approvals import policy, signatures
from pipeline.approvals.manifest import Manifest, ReleasedModule, SetAside, SuiteEvidence
from pipeline.approvals.signatures import Signer
from pipeline.code.tree import Tree
from pipeline.config.inventory import Approvals
from pipeline.config.playbook import Playbook
from pipeline.database.classes import Class
from pipeline.database.footprint import Footprint
from pipeline.errors import ApprovalMissing, PalierError, Refused
from pipeline.evidence.verdicts import SmokeRun
from pipeline.record import Record
from pipeline.remote.command import command, script
from pipeline.steps.copying import ledger_of
from pipeline.steps.site import Shop
from pipeline.steps.trial import Candidate, Measured, Trial

NOTHING_NOTED: Mapping[str, Sequence[str]] = MappingProxyType({})
MANIFEST, PLAYBOOK, BASE_TREE, SIGNATURES = "manifest.json", "playbook.json", "base-tree.json", "signatures"


@dataclass(frozen=True)
class Release:
    """What ``update`` left for promotion, as read back from the record and compared with the manifest's digests."""

    record: Record
    content: bytes
    manifest: Manifest
    playbook: Playbook
    base_tree: Tree
    signatures: tuple[str, ...]

    @property
    def footprint(self) -> Footprint:
        return Footprint.from_json(json.dumps(self.manifest.footprint))

    @property
    def digest(self) -> str:
        return manifests.digest(self.content)


def write(
    trial: Trial,
    kept: Sequence[tuple[Candidate, Measured]],
    aside: Sequence[tuple[Candidate, str]],
    final: SmokeRun,
    *,
    left_out: Sequence[str] = (),
    noted: Mapping[str, Sequence[str]] = NOTHING_NOTED,
) -> str:
    """Put the manifest, and what it holds digests of, on record; returns the manifest's digest.

    :param left_out: the suites that were not run, as they failed before any update.
    :param noted: module -> what was seen of it that did not set it aside.
    """
    ledger = ledger_of(trial.shop)
    base = ledger.files(trial.state.base_commit)
    playbook = trial.playbook.model_dump_json()
    footprint = Footprint()
    for _, measured in kept:
        footprint |= measured.footprint
    manifest = Manifest(
        shop=trial.shop.name,
        run=trial.record.run,
        created=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        ran_by=trial.record.about.by,
        approvals=policy.stricter(trial.playbook.approvals, trial.shop.inventory.least_approvals),
        production=trial.state.production,
        base=trial.state.base_commit,
        head=str(ledger.head),
        base_tree=base.digest,
        playbook=_sha256(playbook.encode()),
        modules=tuple(_released(candidate) for candidate, _ in kept),
        footprint=json.loads(footprint.json()),
        rows={candidate.module: [str(changes) for changes in measured.rows] for candidate, measured in kept},
        evidence=_evidence(final),
        quarantined=tuple(SetAside(module=each.module, to=each.target.version, reason=why) for each, why in aside),
        left_out=tuple(left_out),
        noted={module: tuple(sentences) for module, sentences in noted.items() if sentences},
    )
    content = manifests.canonical(manifest)
    trial.record.write(PLAYBOOK, playbook)
    trial.record.write(BASE_TREE, json.dumps(dict(base.entries)))
    trial.record.write(MANIFEST, content)
    return manifests.digest(content)


def _released(candidate: Candidate) -> ReleasedModule:
    return ReleasedModule(
        name=candidate.module,
        from_=candidate.before,
        to=candidate.target.version,
        sha256=candidate.sha256,
        tree=candidate.target.tree.digest,
        reason=candidate.update.reason,
    )


def _evidence(final: SmokeRun) -> dict[str, SuiteEvidence]:
    """The same JUnit holds every suite of a run."""
    return {suite.suite: SuiteEvidence(result="passed", junit=final.digest) for suite in final.suites}


def _promotable(outcome: str) -> bool:
    """Whether an update run with this outcome left a manifest."""
    return outcome.startswith(("approved", "signed")) or (
        outcome.startswith("done:") and not outcome.startswith("done: 0 kept")
    )


def newest(shop: Shop) -> str:
    """The last update run that left something to promote. :raises Refused: if there is none."""
    runs = [
        run
        for run in Record.list(shop.production.host, shop.production.record)
        if run.flow == "update" and _promotable(run.outcome)
    ]
    if not runs:
        raise Refused(
            f"There is no update run of {shop.name} to promote.", next_step=f"palier update {shop.name} PLAYBOOK"
        )
    return runs[-1].run


def read(shop: Shop, run: str) -> Release:
    """The release of an update run.

    :raises Refused: if the run left none, or something of it is not what the manifest says.
    """
    host = shop.production.host
    record = Record.open(host, shop.production.record, run)
    if not host.exists(record.path(MANIFEST)):
        raise Refused(f"The run {run} left nothing to promote.", next_step=f"palier runs {shop.name}")
    content = record.read(MANIFEST)
    manifest = manifests.read(content)
    if manifest.shop != shop.name or manifest.run != run:
        raise Refused(f"The manifest of {run} is that of another release ({manifest.shop}, {manifest.run}).")
    playbook, base = record.read(PLAYBOOK), Tree(json.loads(record.read(BASE_TREE)))
    if _sha256(playbook) != manifest.playbook or base.digest != manifest.base_tree:
        raise Refused(
            f"The record of {run} was changed after the release was written.",
            next_step=f"Run it again: palier update {shop.name} PLAYBOOK",
        )
    return Release(record, content, manifest, Playbook.model_validate_json(playbook), base, _signatures(record))


def _signatures(record: Record) -> tuple[str, ...]:
    folder = record.path(SIGNATURES)
    listed = record.host.run(script('[ -d "$1" ] && ls -1 -- "$1" || :', folder)).stdout.split()
    return tuple(
        record.host.read(f"{folder}/{name}").decode("utf-8", "replace")
        for name in sorted(listed)
        if name.endswith(".sig")
    )


def sign(shop: Shop, release: Release, key: Path) -> Signer:
    """Sign a release with a person's key and put the signature on record.

    :raises ApprovalMissing: if the key is not one that may approve this release, or its owner's signature would not
        count; nothing is put on record.
    """
    allowed = allowed_signers(shop)
    signature = signatures.sign(release.content, key)
    signer = signatures.verify(release.content, signature, allowed)
    useless = policy.does_not_count(
        release.manifest, wanted(shop, release), signer.name, set(signer.principals), shop.inventory.approvers
    )
    if useless:
        raise ApprovalMissing(
            useless,
            why=f"Nothing was signed. {_asked_for(wanted(shop, release))}",
            next_step=f"Ask somebody else for: palier approve {release.manifest.run}",
        )
    release.record.host.run(command("mkdir", "-p", "-m", "700", release.record.path(SIGNATURES)))
    release.record.write(f"{SIGNATURES}/{_sha256(signer.key.encode())[:16]}.sig", signature)
    release.record.journal.append("signed", by=signer.name, digest=release.digest)
    release.record.end(_signed_by(shop, replace(release, signatures=(*release.signatures, signature)), signer))
    return signer


def _signed_by(shop: Shop, release: Release, signer: Signer) -> str:
    """How the run stands after a signature, in a few words for lists of runs."""
    try:
        return f"approved by {', '.join(each.name for each in approvals(shop, release))}"
    except ApprovalMissing:
        return f"signed by {signer.name}, not by enough yet"


def allowed_signers(shop: Shop) -> Path:
    """:raises ApprovalMissing: if the inventory does not say who may approve."""
    path = shop.inventory.allowed_signers
    if path is None or not path.exists():
        raise ApprovalMissing(
            f"The inventory of {shop.name} does not say who may approve.",
            next_step='Give "allowed_signers" a file of lines such as: anna@agency.example ssh-ed25519 AAAA...',
        )
    return path


def wanted(shop: Shop, release: Release) -> Approvals:
    """What a promotion of this release takes: by its signed manifest, and at least by the inventory of whoever asks."""
    return policy.stricter(release.manifest.approvals, shop.inventory.least_approvals)


def approvals(shop: Shop, release: Release) -> list[Signer]:
    """Who approved. :raises ApprovalMissing: if they are too few, or do not count."""
    return policy.check(
        release.content,
        release.signatures,
        allowed_signers(shop) if wanted(shop, release).required else None,
        shop.inventory.least_approvals,
        shop.inventory.approvers,
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def told(shop: Shop, release: Release) -> str:
    """A release for people: what an approver reads before signing. Every line is of the manifest that is signed."""
    manifest = release.manifest
    lines = [f"Release {manifest.run} of {manifest.shop} ({manifest.production}), tested {manifest.created}"]
    lines += [f"Run by {manifest.ran_by}. {_asked_for(wanted(shop, release))}", ""]
    for module in manifest.modules:
        lines.append(f"  {module.name}  {module.from_} → {module.to}   {module.reason.kind}: {module.reason.text}")
        changes = manifest.rows.get(module.name)
        lines += [f"      {change}" for change in changes] if isinstance(changes, list) else []
        lines += [f"      Noted: {sentence}" for sentence in manifest.noted.get(module.name, ())]
    lines += ["", f"  Tables: {release.footprint}"]
    lines += [f"  Of orders and customers: {_business(shop, release.footprint)}"]
    lines += [f"  Suites: {', '.join(f'{name} {evidence.result}' for name, evidence in manifest.evidence.items())}"]
    lines += [f"  Not run, as it failed before any update: {suite}" for suite in manifest.left_out]
    lines += [f"  Set aside: {each.module} {each.to}: {each.reason}" for each in manifest.quarantined]
    lines += [] if manifest.quarantined else ["  Set aside: nothing"]
    lines += ["", f"  SHA-256 of the manifest: {release.digest}"]
    return "\n".join(lines)


def _asked_for(approvals: Approvals) -> str:
    """What an approval takes, one sentence."""
    if not approvals.required:
        return "No signature is asked for."
    people = "One person" if approvals.required == 1 else f"{approvals.required} people"
    of = f" of the role {' or '.join(approvals.roles)}" if approvals.roles else ""
    but = ", other than whoever ran it" if approvals.four_eyes else "; whoever ran it may be among them"
    return f"{people}{of} must sign{but}."


def _business(shop: Shop, footprint: Footprint) -> str:
    """The tables of a footprint that hold rows of customers, or may: none is restored over."""
    kinds = {Class.BUSINESS: "theirs", Class.MIXED: "theirs and settings"}
    found = {name: shop.classes.classify(name) for name in footprint.tables}
    told_ = [
        f"{name} ({kinds[kind] if shop.classes.known(name) else 'not described, so taken for theirs'})"
        for name, kind in found.items()
        if kind in kinds
    ]
    return ", ".join(told_) or "no table is touched"


def require_same(release: Release, production: str) -> None:
    """:raises PalierError: if the release was tested for another address."""
    if release.manifest.production.rstrip("/") != production.rstrip("/"):
        raise PalierError(
            f"The release was made for {release.manifest.production}, and the inventory's production is {production}."
        )
