"""Smoke: the suites on one of a shop's sites, on demand, and removing what their visitors left."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import lock
from pipeline.events import Emit
from pipeline.evidence import smoke as smoke_runs
from pipeline.evidence.verdicts import SmokeRun
from pipeline.steps import golden, traces
from pipeline.steps.site import Role, Shop, Site
from pipeline.steps.smoke import on_production, on_staging, removing_orders
from pipeline.steps.traces import Removal

SECONDS = 300.0


@dataclass(frozen=True)
class Outcome:
    """What the suites said, and where their evidence is."""

    result: SmokeRun

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.result.verdict.value,
            "seconds": self.result.seconds,
            "evidence": str(self.result.folder),
            "not_checked": list(self.result.not_checked),
            "suites": [
                {
                    "suite": suite.suite,
                    "verdict": suite.verdict.value,
                    "seconds": round(suite.seconds, 2),
                    "sentences": list(suite.sentences),
                }
                for suite in self.result.suites
            ],
        }

    def summary(self) -> str:
        lines = [
            f"{suite.suite:10} {suite.verdict.value:13} {suite.seconds:5.1f} s  {' '.join(suite.sentences)}"
            for suite in self.result.suites
        ]
        lines += [f"not checked: {what}" for what in self.result.not_checked]
        return "\n".join([*lines, f"Evidence: {self.result.folder}"])

    def require(self) -> None:
        """:raises SmokeFailed, Inconclusive: unless everything passed."""
        self.result.demand()


@dataclass(frozen=True)
class Cleaned:
    """What of test visitors was found, or removed."""

    removal: Removal
    done: bool

    def as_json(self) -> dict[str, object]:
        return {"removed": self.done, **self.removal.as_json()}

    def summary(self) -> str:
        if not self.removal.visitors:
            return self.removal.summary
        return f"{'Removed' if self.done else 'Would be removed'}: {self.removal.summary}"

    def require(self) -> None:
        """Nothing: what could not be removed was refused before."""


def plan(shop: Shop, role: Role, suites: Sequence[str], *, orders: bool) -> str:
    """What would be run, and what it would leave."""
    trace = "really buying and sending"
    if role == "production":
        trace = "placing one order and removing it again" if orders else "leaving no order and no message"
    return f"Run {', '.join(suites)} on {_site(shop, role).environment.url}, {trace}."


def run(shop: Shop, role: Role, suites: Sequence[str], *, orders: bool, emit: Emit) -> Outcome:
    """Run ``suites``; on staging they buy, on production they leave no trace.

    :param orders: whether on production they place one order, which is removed again.
    :raises Refused: if staging is no finished clone: nothing proves that it is harmless.
    """
    folder = shop.house / "smoke" / _stamp()
    if role == "production":
        with (
            on_production(shop, None, orders=orders) as settings,
            removing_orders(shop, orders=orders, emit=emit),
        ):
            return Outcome(smoke_runs.run(settings, suites, folder, budget=SECONDS, emit=emit))
    golden.require_state(shop)
    return Outcome(on_staging(shop, suites, folder, budget=SECONDS, emit=emit))


def clean(shop: Shop, role: Role, *, by: str, only_look: bool) -> Cleaned:
    """Remove what test visitors left on a site, stock put back; nothing else is touched.

    :param only_look: say what would be removed, and change nothing.
    :raises Refused: if it cannot be told what is a test's alone; nothing was changed.
    """
    site = _site(shop, role)
    if only_look:
        return Cleaned(traces.look(shop, site), done=False)
    site.prepare_record()
    with lock.acquire(site.host, site.record, f"smoke --clean by {by}", shop=shop.name):
        removal = traces.remove(shop, site)
    kept = shop.house / "smoke" / f"{_stamp()}-clean-{role}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(removal.as_json(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    return Cleaned(removal, done=True)


def _site(shop: Shop, role: Role) -> Site:
    return shop.production if role == "production" else shop.staging


def _stamp() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
