"""Smoke: the suites on one of a shop's sites, on demand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.events import Emit
from pipeline.evidence import smoke as smoke_runs
from pipeline.evidence.verdicts import SmokeRun
from pipeline.steps import golden
from pipeline.steps.site import Shop
from pipeline.steps.smoke import on_staging, production_settings

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


def plan(shop: Shop, role: str, suites: Sequence[str]) -> str:
    """What would be run, and what it would leave."""
    site = shop.production if role == "production" else shop.staging
    trace = "leaving no order and no message" if role == "production" else "really buying and sending"
    return f"Run {', '.join(suites)} on {site.environment.url}, {trace}."


def run(shop: Shop, role: str, suites: Sequence[str], *, emit: Emit) -> Outcome:
    """Run ``suites``; on staging they buy, on production they leave no trace.

    :raises Refused: if staging is no finished clone: nothing proves that it is harmless.
    """
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = shop.house / "smoke" / stamp
    if role == "production":
        return Outcome(smoke_runs.run(production_settings(shop, None), suites, folder, budget=SECONDS, emit=emit))
    golden.require_state(shop)
    return Outcome(on_staging(shop, suites, folder, budget=SECONDS, emit=emit))
