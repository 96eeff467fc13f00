"""Status: how a shop stands, in one look."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pipeline import lock
from pipeline.errors import PalierError
from pipeline.platforms.maintenance import MARK
from pipeline.record import Record, RunSummary
from pipeline.steps import golden, maintenance
from pipeline.steps.site import Shop

SHOWN = 5


@dataclass(frozen=True)
class Status:
    """What was found; ``state`` is open, closed, or what kept it from being told."""

    shop: str
    state: str
    versions: dict[str, str]
    locked_by: str
    staging: str
    runs: tuple[RunSummary, ...]

    def as_json(self) -> dict[str, object]:
        return dataclasses.asdict(self)

    def text(self) -> str:
        lines = [
            f"{self.shop}: production is {self.state}",
            f"lock:     {self.locked_by or 'nobody holds it'}",
            f"staging:  {self.staging}",
            "modules:  " + (", ".join(f"{name} {version}" for name, version in self.versions.items()) or "unknown"),
        ]
        return "\n".join([*lines, *(f"run:      {run.run}  {run.outcome}" for run in self.runs)])


def look(shop: Shop) -> Status:
    """Look from outside and from inside. What cannot be told is said so, not raised."""
    site = shop.production
    owner = lock.status(site.host, site.record)
    return Status(
        shop=shop.name,
        state=_state(shop),
        versions=_versions(shop),
        locked_by=str(owner) if owner else "",
        staging=_staging(shop),
        runs=tuple(Record.list(site.host, site.record)[-SHOWN:]),
    )


def _staging(shop: Shop) -> str:
    try:
        state = golden.read_state(shop)
    except PalierError as error:
        return f"not answering ({error.what})"
    return f"cloned {state.made:%Y-%m-%d %H:%M} UTC ({state.run})" if state else "no finished clone"


def _state(shop: Shop) -> str:
    try:
        answer = maintenance.look(shop.production)
    except PalierError as error:
        return f"not answering ({error.what})"
    if MARK in answer.text:
        return "closed (maintenance page)"
    return f"open (answers {answer.status_code})"


def _versions(shop: Shop) -> dict[str, str]:
    site = shop.production
    try:
        found = site.modules()
    except PalierError:
        return {}
    return {name: module.version for name, module in found.items()}
