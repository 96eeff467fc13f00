"""What the records that a smoke process left come to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ExitCode, Inconclusive, SmokeFailed
from pipeline.evidence.smoke import _believed
from pipeline.evidence.verdicts import CaseResult, SmokeRun, SuiteResult, Verdict, read_attempt, worst

CHECKOUT = {"suite": "checkout", "test": "buys"}


def left(folder: Path, records: Sequence[dict[str, Any]], *, counted: int | None = None) -> None:
    """An evidence folder as the suites leave it."""
    whole = {"node": "n", "outcome": "passed", "sentence": "", "seconds": 1.0, "trace": None}
    lists = ("steps", "visits", "screenshots", "not_checked", "console_errors", "failed_requests")
    for record in records:
        path = folder / record["suite"] / record["test"] / "record.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**whole, **{name: [] for name in lists}, **record}))
    (folder / "plan.json").write_text(json.dumps([{"suite": r["suite"], "test": r["test"]} for r in records]))
    cases = "<testcase/>" * (len(records) if counted is None else counted)
    (folder / "junit.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")


def run(*cases: CaseResult) -> SmokeRun:
    return SmokeRun(tuple(SuiteResult(case.suite, (case,)) for case in cases), 1.0, Path("/evidence"))


def case(verdict: Verdict, sentence: str = "", suite: str = "checkout", **more: Any) -> CaseResult:
    return CaseResult(suite, "buys", verdict, sentence=sentence, **more)


def test_a_whole_run_is_read(tmp_path: Path) -> None:
    left(tmp_path, [CHECKOUT | {"screenshots": ["01-a.png"], "not_checked": ["the mail"]}])
    attempt = read_attempt(tmp_path, 0, tmp_path / "pytest.log")
    assert attempt.broken == ""
    assert attempt.cases[0].verdict is Verdict.PASSED
    assert attempt.cases[0].screenshots == (tmp_path / "checkout" / "buys" / "01-a.png",)


def test_evidence_that_the_junit_file_contradicts_proves_nothing(tmp_path: Path) -> None:
    left(tmp_path, [CHECKOUT], counted=2)
    assert "2 tests" in read_attempt(tmp_path, 0, tmp_path / "pytest.log").broken


def test_an_exit_status_that_the_evidence_contradicts_proves_nothing(tmp_path: Path) -> None:
    left(tmp_path, [CHECKOUT])
    assert "contradicts" in read_attempt(tmp_path, 1, tmp_path / "pytest.log").broken


def test_an_exit_status_of_0_over_a_failed_record_proves_nothing(tmp_path: Path) -> None:
    left(tmp_path, [CHECKOUT | {"outcome": "failed"}])
    assert "contradicts" in read_attempt(tmp_path, 0, tmp_path / "pytest.log").broken


def test_a_process_that_broke_down_says_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "pytest.log"
    log.write_text("one\nERROR: no such option\n\n")
    assert read_attempt(tmp_path, 4, log).broken == "pytest was called wrongly: ERROR: no such option"


def test_a_skipped_test_is_shown_as_unchecked(tmp_path: Path) -> None:
    left(tmp_path, [CHECKOUT | {"outcome": "skipped"}])
    assert read_attempt(tmp_path, 5, tmp_path / "x").cases[0].not_checked == ("the whole test (it was skipped)",)


def test_nothing_at_all_is_not_passed() -> None:
    assert worst([]) is Verdict.INCONCLUSIVE
    assert not run().passed
    assert not SmokeRun((SuiteResult("checkout", ()),), 0, Path()).passed


@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_a_run_passes_only_if_every_part_did(verdicts: list[Verdict]) -> None:
    fine = {Verdict.PASSED, Verdict.DOUBTFUL}
    assert run(*(case(verdict) for verdict in verdicts)).passed == (set(verdicts) <= fine)


def test_a_failed_run_is_refused_with_its_sentences() -> None:
    failed = run(case(Verdict.FAILED, "checkout: the page /checkout/ answered 500"), case(Verdict.PASSED))
    with pytest.raises(SmokeFailed, match="the page /checkout/ answered 500") as caught:
        failed.demand()
    assert caught.value.exit_code is ExitCode.SMOKE
    assert str(caught.value).startswith("Production was not changed.")


def test_an_inconclusive_run_is_another_error_than_a_failed_one() -> None:
    with pytest.raises(Inconclusive) as caught:
        run(case(Verdict.INCONCLUSIVE, "checkout: no browser")).demand(production="Production is open.")
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE
    assert str(caught.value).startswith("Production is open.")


def test_the_reason_is_the_worst_sentence_and_a_doubt_is_not_counted_with_it() -> None:
    several = run(
        case(Verdict.DOUBTFUL, "home: slow", suite="home"),
        case(Verdict.FAILED, "search: a", suite="search"),
        case(Verdict.FAILED, "checkout: b"),
    )
    assert several.reason == "search: a (and 1 more)"
    assert several.sentences == ("search: a", "checkout: b", "home: slow")


def test_the_picture_is_the_last_one_of_the_first_failure() -> None:
    pictures = (Path("01-a.png"), Path("02-failure.png"))
    shown = run(case(Verdict.PASSED, screenshots=(Path("00.png"),)), case(Verdict.FAILED, screenshots=pictures))
    assert shown.picture == Path("02-failure.png")


@pytest.mark.parametrize(
    ("first", "second", "believed"),
    [
        (Verdict.FAILED, Verdict.FAILED, Verdict.FAILED),
        (Verdict.FAILED, Verdict.PASSED, Verdict.DOUBTFUL),
        (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.FAILED),
        (Verdict.INCONCLUSIVE, Verdict.FAILED, Verdict.FAILED),
        (Verdict.INCONCLUSIVE, Verdict.PASSED, Verdict.DOUBTFUL),
        (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ],
)
def test_two_tries_make_one_verdict(first: Verdict, second: Verdict, believed: Verdict) -> None:
    assert _believed(case(first, "checkout: x"), [case(second)]).verdict is believed


def test_a_doubt_says_that_it_is_one() -> None:
    doubtful = _believed(case(Verdict.FAILED, "checkout: x"), [case(Verdict.PASSED)])
    assert doubtful.sentence == "checkout: x (doubtful: it passed when tried again)"
