"""What a run of ``update`` came to, and which suites it may believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.cli.update import command
from pipeline.code.tree import Tree
from pipeline.config.playbook import SUITES, Playbook, Update
from pipeline.errors import ExitCode, Refused
from pipeline.evidence.baseline import Baseline
from pipeline.flows.update import Outcome, Tried, without_broken_suites
from pipeline.steps.modules import Target
from pipeline.steps.trial import Candidate, Measured

UPDATE = {"module": "a", "to": "2.0", "package": "a.zip", "reason": {"kind": "feature", "text": "wanted"}}
VERDICTS = {str(suite): "passed" for suite in SUITES} | {"contact": "failed", "login": "inconclusive"}
BROKEN = Baseline(VERDICTS)


def tried(why: str = "") -> Tried:
    target = Target("a", "2.0", Path("a"), Tree({}))
    return Tried(Candidate(Update.model_validate(UPDATE), target, "0" * 64, "1.0"), Measured(), why)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ((tried(), tried()), ExitCode.DONE),
        ((tried(), tried("it failed")), ExitCode.SET_ASIDE),
        ((tried("it failed"), tried("it failed")), ExitCode.SMOKE),
    ],
)
def test_the_status_says_whether_anything_was_set_aside(results: tuple[Tried, ...], code: ExitCode) -> None:
    assert Outcome("shop", "run", results, None, "", Path("report.html"), 0).exit_code is code


def test_the_help_says_which_status_means_what() -> None:
    assert "10 if something was set aside" in " ".join((command.help or "").split())
    assert (ExitCode.SET_ASIDE, ExitCode.SMOKE) == (10, 3)


def without(playbook: dict[str, object], baseline: Baseline = BROKEN) -> tuple[Playbook, tuple[str, ...]]:
    made = Playbook.model_validate({"shop": "shop", "updates": [UPDATE]} | playbook)
    return without_broken_suites(made, baseline, "runs/r/baseline")


def test_a_suite_that_failed_before_any_update_is_left_out_unless_it_is_named() -> None:
    playbook, left_out = without({})
    assert left_out == ("contact", "login")
    assert playbook.suites == ("home", "category", "search", "product", "checkout")
    for named in ({"suites": ["home", "contact"]}, {"final_suites": ["home", "contact"]}):
        with pytest.raises(Refused, match=r"these suites did not pass on staging: .*contact"):
            without(dict(named))


def test_suites_that_passed_are_all_run() -> None:
    playbook, left_out = without({"suites": ["home", "search"]})
    assert (playbook.suites, left_out) == (("home", "search"), ())


def test_where_nothing_passed_there_is_nothing_to_go_by() -> None:
    with pytest.raises(Refused, match="these suites did not pass"):
        without({}, Baseline())


def test_every_status_is_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "ci.md").read_text("utf-8")
    assert all(f"\n| {int(code)} |" in page for code in ExitCode)
