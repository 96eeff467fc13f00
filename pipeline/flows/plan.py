"""Plan: from what is installed, known and at hand to a playbook of the updates worth doing, each with its reason."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pipeline.advisories.advisory import Match
from pipeline.advisories.versions import Verdict
from pipeline.code.extract import inspect
from pipeline.code.packages import verify
from pipeline.code.sources import Offer
from pipeline.code.store import Store
from pipeline.config.inventory import Inventory
from pipeline.config.loader import load_playbook
from pipeline.errors import ConfigError, PalierError, Refused
from pipeline.events import Emit, Note
from pipeline.flows.modules import Row, Survey, folder_of, told
from pipeline.platforms.platform import module_folder
from pipeline.steps import planning
from pipeline.steps.site import Site

Kind = Literal["security", "malfunction", "feature"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Stated:
    """A reason that somebody stated for one module."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Planned:
    """One update worth doing."""

    row: Row
    offer: Offer
    kind: Kind
    text: str
    reference: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Later:
    """Something that is not planned, and why. ``include``: the module that ``--include`` would take."""

    row: Row
    why: str
    include: bool = True


@dataclass(frozen=True)
class Plan:
    """What is worth doing, what is not now, what cannot be decided, and what nothing at hand mends."""

    planned: tuple[Planned, ...] = ()
    later: tuple[Later, ...] = ()
    undecided: tuple[Later, ...] = ()
    unmended: tuple[Later, ...] = ()


def read_reasons(words: Sequence[str]) -> dict[str, Stated]:
    """``module=kind:text`` → the reason for each module. :raises ConfigError: with the form, if one has another."""
    found: dict[str, Stated] = {}
    for each in words:
        module, equals, reason = each.partition("=")
        kind, colon, text = reason.partition(":")
        if not equals or not colon or kind not in KINDS or len(text.strip()) < 3 or not module:
            raise ConfigError(
                f"The reason {each!r} is not one.",
                next_step=f"Write it as MODULE=KIND:TEXT, where KIND is {', '.join(KINDS)}: "
                '--reason "contact=malfunction:the form loses attachments"',
            )
        found[module] = Stated(kind, text.strip())
    return found


def decide(survey: Survey, stated: Mapping[str, Stated], include: Collection[str], *, days: int) -> Plan:
    """Choose, without asking anybody anything.

    :param include: modules, or patterns (``stats*``) that stand for those with a newer package.
    :param days: how old a release must be, unless it mends a known weakness.
    :raises ConfigError: if a reason is given for what is not installed, or has no newer package.
    """
    include = _expanded(survey, include)
    _require_known(survey, {*stated, *include})
    age, now = dt.timedelta(days=days), survey.taken
    chosen = [_one(row, stated.get(row.module), row.module in include, age, now) for row in survey.rows]
    found = [each for each in chosen if each is not None]
    planned = [each for each in found if isinstance(each, Planned)]
    rest = [each for each in found if isinstance(each, _Aside)]
    return Plan(
        tuple(sorted(planned, key=lambda each: (KINDS.index(each.kind), each.row.module))),
        *(tuple(each.later for each in rest if each.shelf == shelf) for shelf in ("later", "undecided", "unmended")),
    )


@dataclass(frozen=True)
class _Aside:
    shelf: Literal["later", "undecided", "unmended"]
    later: Later


def _one(
    row: Row, stated: Stated | None, included: bool, age: dt.timedelta, now: dt.datetime
) -> Planned | _Aside | None:
    mending = _mending(row)
    if row.affected and mending:
        return _security(row, mending, stated, age, now)
    if stated is not None or included:
        return _wanted(row, stated, included, age, now)
    if row.affected:
        return _not_mended(row)
    if row.undecided:
        return _Aside("undecided", Later(row, _said(row.undecided), include=bool(row.newer)))
    return _Aside("later", Later(row, "no reason is stated")) if row.newer else None


def _mending(row: Row) -> tuple[Offer, ...]:
    """The packages of which every advisory that affects the installed version says that they are not affected."""
    return tuple(offer for offer in row.newer if all(_verdict(match, offer) is Verdict.CLEAR for match in row.affected))


def _verdict(match: Match, offer: Offer) -> Verdict:
    found = match.advisory.about(match.module, offer.version)
    return found.verdict if found is not None else Verdict.UNDECIDED


def _security(
    row: Row, mending: Sequence[Offer], stated: Stated | None, age: dt.timedelta, now: dt.datetime
) -> Planned:
    """A known weakness does not wait; but of releases that are too young, the smallest step is taken."""
    old = [offer for offer in mending if offer.age(now) >= age]
    first = row.affected[0].advisory
    more = f" (and {len(row.affected) - 1} more)" if len(row.affected) > 1 else ""
    title = first.title if len(planning.plain(first.title)) > 2 else first.identifier
    text = f"{title}{more}" + (f"; {stated.text}" if stated else "")
    reference = " ".join(filter(None, (first.identifier, first.reference)))
    notes = tuple(match.sentence for match in (*row.affected, *row.undecided))
    return Planned(row, old[-1] if old else mending[0], "security", text, reference, notes)


def _wanted(row: Row, stated: Stated | None, included: bool, age: dt.timedelta, now: dt.datetime) -> Planned | _Aside:
    newest = row.newer[-1]
    old = [offer for offer in row.newer if offer.age(now) >= age]
    reason = stated or Stated("feature", "Chosen by hand; no reason was stated")
    if not old and not included and reason.kind != "security":
        days = newest.age(now).days
        return _Aside("later", Later(row, f"{newest.version} is {days} days old; releases wait for {age.days}"))
    offer = newest if included or reason.kind == "security" or not old else old[-1]
    return Planned(row, offer, reason.kind, reason.text, notes=tuple(match.sentence for match in row.advisories))


def _not_mended(row: Row) -> _Aside:
    maybe = [
        offer for offer in row.newer if all(_verdict(match, offer) is not Verdict.AFFECTED for match in row.affected)
    ]
    if maybe:
        why = f"{_said(row.affected)}; cannot decide whether {maybe[-1].version} mends it"
        return _Aside("undecided", Later(row, why))
    return _Aside("unmended", Later(row, f"{_said(row.affected)}; no package at hand mends it", include=False))


def _said(found: Sequence[Match]) -> str:
    return "; ".join(match.sentence for match in found)


def _expanded(survey: Survey, include: Collection[str]) -> set[str]:
    able = [row.module for row in survey.rows if row.newer]
    patterns = {each for each in include if set(each) & set("*?[")}
    return set(include) - patterns | {module for pattern in patterns for module in fnmatch.filter(able, pattern)}


def _require_known(survey: Survey, modules: Collection[str]) -> None:
    rows = {row.module: row for row in survey.rows}
    for module in sorted(modules):
        if module not in rows:
            raise ConfigError(
                f"There is no module {module} in the shop.",
                why=f"Installed are: {', '.join(rows) or 'none'}.",
                next_step=f"Look at them: palier modules {survey.shop}",
            )
        if not rows[module].newer:
            raise ConfigError(
                f"There is no package of {module} newer than the installed {rows[module].version} at hand.",
                next_step="Put one into a folder that the inventory names in packages.",
            )


def write(plan: Plan, site: Site, inventory: Inventory, home: Path, output: Path, *, again: str, emit: Emit) -> None:
    """Write the playbook; keep its packages, and the modules as they are installed now.

    :param again: the command that wrote this plan; more options are added to it.
    :raises Refused: if there is a file already that somebody edited, or nothing is planned.
    """
    if not plan.planned:
        raise Refused("No update is worth doing now.", next_step="State a reason: --reason MODULE=KIND:TEXT")
    planning.require_replaceable(output)
    store = Store(home / inventory.shop / "packages")
    for each in plan.planned:
        folder = folder_of(inventory, each.row.module)
        offer = each.offer
        if not store.path(offer.sha256).is_file():
            emit(Note(f"Pinned {each.row.module} {offer.version} from {offer.source}: SHA-256 {offer.sha256}"))
        store.keep(inspect(offer.path, name=folder, sha256=offer.sha256), offer.version, offer.source)
        with told(f"Keep {each.row.module} {each.row.version} as it is installed", site.host.name, emit):
            _keep_installed(store, site, folder, each.row, emit)
    planning.write(output, text(plan, inventory, output, again), lambda path: _check(path, inventory))


def _keep_installed(store: Store, site: Site, folder: str, row: Row, emit: Emit) -> None:
    try:
        store.keep_installed(site.host, module_folder(site.platform, folder), folder, row.version)
    except PalierError as error:
        emit(Note(f"{row.module} {row.version} as installed is not kept: {error.what} {error.why}".strip(), "warning"))


def _check(path: Path, inventory: Inventory) -> None:
    """The playbook loads, and its packages are what it says."""
    for update in load_playbook(path).updates:
        verify(update, path, folder=folder_of(inventory, update.module))


def text(plan: Plan, inventory: Inventory, output: Path, again: str) -> str:
    """The playbook's YAML, with everything that was not chosen as comments."""
    updates = [
        planning.Update(each.row.module, each.row.version, each.offer, each.kind, each.text, each.reference, each.notes)
        for each in plan.planned
    ]
    shelves = [
        ("Not now:", plan.later),
        ("Cannot decide; people must:", plan.undecided),
        ("Known weaknesses that nothing at hand mends:", plan.unmended),
    ]
    comments = [(head, [_comment(each, again) for each in shelf]) for head, shelf in shelves if shelf]
    return planning.text(inventory.shop, updates, comments, output.parent)


def _comment(each: Later, again: str) -> tuple[str, str]:
    return f"{_steps(each.row)}: {each.why}", f"{again} --include {each.row.module}" if each.include else ""


def _steps(row: Row) -> str:
    return f"{row.module} {row.version}" + (f" → {row.newest.version}" if row.newest else "")


def as_json(plan: Plan, again: str = "") -> dict[str, object]:
    """The plan for programs. ``again`` as for :func:`write`."""

    def shelf(found: Sequence[Later]) -> list[dict[str, str | None]]:
        return [
            {
                "module": each.row.module,
                "version": each.row.version,
                "why": each.why,
                "include": f"{again} --include {each.row.module}" if each.include else None,
            }
            for each in found
        ]

    return {
        "planned": [
            {
                "module": each.row.module,
                "from": each.row.version,
                "to": each.offer.version,
                "sha256": each.offer.sha256,
                "package": str(each.offer.path),
                "kind": each.kind,
                "text": each.text,
                "reference": each.reference,
            }
            for each in plan.planned
        ],
        "not_now": shelf(plan.later),
        "cannot_decide": shelf(plan.undecided),
        "not_mended": shelf(plan.unmended),
    }


def summary(plan: Plan, again: str = "") -> str:
    """The plan for people, a line each. ``again`` as for :func:`write`: the command that takes what waits."""
    lines = [
        f"  {each.kind:11} {each.row.module} {each.row.version} → {each.offer.version}: {each.text}"
        for each in plan.planned
    ]
    for head, shelf in (("not now", plan.later), ("undecided", plan.undecided), ("not mended", plan.unmended)):
        lines += [f"  {head:11} {_steps(each.row)}: {each.why}" for each in shelf]
    waiting = [each.row.module for each in (*plan.later, *plan.undecided) if each.include]
    if waiting and again:
        others = f" (also for {', '.join(waiting[1:])})" if len(waiting) > 1 else ""
        lines.append(f"Take one all the same: {again} --include {waiting[0]}{others}")
    return "\n".join(lines) or "  nothing: no newer package is at hand, and no advisory speaks of a module"
