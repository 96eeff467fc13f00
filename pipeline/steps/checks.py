"""Checks before a promotion: each refuses with a sentence before production is touched."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.code import tree
from pipeline.code.drift import drift
from pipeline.code.extract import Archive, extract
from pipeline.code.packages import stored
from pipeline.code.tree import Tree
from pipeline.config.playbook import Window
from pipeline.database import privileges
from pipeline.engine import Act, Step
from pipeline.errors import Refused
from pipeline.record import Record
from pipeline.steps import tables
from pipeline.steps.golden import code_exclusions
from pipeline.steps.maintenance import look
from pipeline.steps.modules import Target, version_of, without_own_files
from pipeline.steps.release import Release, approvals, wanted
from pipeline.steps.site import Shop

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Drifted(Refused):
    """Production's code is not what the updates were tested on."""


def check_release(shop: Shop, release: Release) -> Step:
    """Approvals, age of the evidence, the window."""

    def approved() -> str:
        signers = approvals(shop, release)
        return f"approved by {', '.join(signer.name for signer in signers)}" if signers else "no approval required"

    def young() -> None:
        made = dt.datetime.fromisoformat(release.manifest.created)
        age = (dt.datetime.now(dt.UTC) - made).total_seconds()
        oldest = release.playbook.budgets.evidence_max_age
        if age > oldest:
            raise Refused(
                f"The release {release.manifest.run} was tested {age / 86400:.1f} days ago; "
                f"the playbook allows {oldest / 86400:.1f}.",
                next_step=f"Test it again: palier update {shop.name} PLAYBOOK",
            )

    def in_window() -> None:
        if release.playbook.window is not None:
            check_window(release.playbook.window, dt.datetime.now(dt.UTC))

    return Step(
        "Check the release",
        (
            Act(
                f"{wanted(shop, release).required} signatures of allowed signers under the unchanged manifest",
                approved,
            ),
            Act("the evidence is not older than the playbook allows", young),
            Act("the playbook's window is open", in_window),
        ),
    )


def check_window(window: Window, now: dt.datetime) -> None:
    """A window over midnight belongs to the day on which it begins.

    :param now: with a time zone.
    :raises Refused: outside the window.
    """
    local = now.astimezone(ZoneInfo(window.timezone))
    moment = local.time().replace(tzinfo=None)
    over_midnight = window.end <= window.start
    early = over_midnight and moment < window.end
    inside = early or (window.start <= moment if over_midnight else window.start <= moment < window.end)
    day = DAYS[(local - dt.timedelta(days=1) if early else local).weekday()]
    if day not in window.days or not inside:
        raise Refused(
            f"It is {local:%A %H:%M} in {window.timezone}; promotions may begin on {', '.join(window.days)} "
            f"from {window.start:%H:%M} to {window.end:%H:%M}.",
            next_step="Wait for the window, or change it in the playbook and have the release approved again.",
        )


def check_place(shop: Shop) -> Step:
    """Production answers, and nothing of an earlier run is in the way."""
    site = shop.production

    def answers() -> str:
        status = look(site).status_code
        if status >= 400:
            raise Refused(
                f"Production answers {status} at {site.environment.url}.", next_step=f"palier status {shop.name}"
            )
        return f"answers {status}"

    def unfinished() -> None:
        left = [
            run
            for run in Record.list(site.host, site.record)
            if run.flow == "promote" and run.outcome.startswith(("unfinished", "being rolled back", "hold"))
        ]
        if left:
            raise Refused(
                f"The promotion {left[-1].run} is unfinished.",
                next_step=f"Look at it, then take it back: palier rollback {shop.name} {left[-1].run}",
            )

    return Step(
        "Check that nothing is in the way",
        (
            Act(f"GET {site.environment.url}/", answers),
            Act("no unfinished promotion is on record", unfinished),
        ),
        host=site.host.name,
    )


def check_production(shop: Shop, release: Release) -> Step:
    """Production is what the updates were tested on, and what they do to it can be taken back."""
    site = shop.production

    def versions() -> None:
        installed = site.modules()
        for module in release.manifest.modules:
            found = version_of(installed, module.name, "production")
            if found != module.from_:
                raise Drifted(
                    f"{module.name} is at version {found} in production; the release was tested from {module.from_}.",
                    next_step=f"Clone and test again: palier clone {shop.name}",
                )

    def code() -> str:
        found = tree.on_host(site.host, site.root, code_exclusions(shop))
        lines = drift(without_own_files(site, release.base_tree), without_own_files(site, found))
        if lines:
            raise Drifted(
                "Production's code was changed since the clone:\n" + "\n".join(f"    {line}" for line in lines),
                next_step=f"Find out who changed it and why, then clone and test again: palier clone {shop.name}",
            )
        return f"{len(release.base_tree)} files as cloned"

    def reversible() -> str:
        with site.database.connected() as db:
            unseen = privileges.demand(db, release.footprint)
        tables.refuse_what_cannot_be_undone(shop, release.footprint)
        return unseen

    return Step(
        "Check production",
        (
            Act("the installed versions are those that were updated on staging", versions),
            Act("hash every file of code and compare with the ledger's base commit", code),
            Act("every table of the footprint can be put back exactly", reversible),
        ),
        host=site.host.name,
    )


def targets(shop: Shop, release: Release) -> tuple[Target, ...]:
    """The very packages that were tested, by hash, from this machine's store, unpacked again.

    :raises Refused: if a package is not here, or does not unpack to the tree that the manifest names.
    """
    work = shop.house / "promote"
    found = []
    for module in release.manifest.modules:
        hints = shop.inventory.modules.get(module.name)
        archive = stored(
            shop.house / "packages", module.name, module.sha256, folder_name=hints.folder if hints else None
        )
        folder = _unpacked(archive, work / module.name)
        unpacked: Tree = archive.tree
        if unpacked.digest != module.tree:
            raise Refused(f"The stored package of {module.name} {module.to} does not hold what was tested.")
        found.append(Target(module.name, module.to, folder, unpacked, hints.version_option if hints else None))
    return tuple(found)


def _unpacked(archive: Archive, place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    return extract(archive, place)
