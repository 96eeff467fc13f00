"""Events as people see them, on a terminal's width and in a job's log."""

from __future__ import annotations

import pytest

from pipeline.cli.draw import Drawing, amount
from pipeline.events import Doing, Event, Note, Progress, StepBegun, StepDone, StepFailed, StepUndone


def drawn(capsys: pytest.CaptureFixture[str], *events: Event, verbose: bool = False) -> list[str]:
    drawing = Drawing(verbose=verbose)
    for event in events:
        drawing(event)
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()


def test_a_step_is_one_line_with_its_host_its_seconds_and_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn(capsys, StepBegun("Switch code", "web1"), StepDone("Switch code", 0.21, "3 modules"))
    assert lines == ["+ Switch code on web1 .. ok (0.2 s)  3 modules"]


def test_a_failure_and_an_undo_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    lines = drawn(
        capsys, StepBegun("Switch code"), StepFailed("Switch code", 1, "No room."), StepUndone("Switch code", 0.1)
    )
    assert lines == ["+ Switch code .. FAILED (1.0 s)  No room.", "- Switch code .. undone (0.1 s)"]


def test_a_log_is_not_filled_with_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, *(Progress("rows", done, 100, "rows") for done in range(100))) == []


def test_commands_are_shown_only_to_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    act = Doing("mv a b")
    assert drawn(capsys, act) == []
    assert drawn(capsys, act, verbose=True) == ["    $ mv a b"]


def test_a_note_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn(capsys, Note("Kept: a 1.1", "good")) == ["Kept: a 1.1"]


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [(0, "bytes", "0 bytes"), (1536, "bytes", "1.5 kB"), (5 << 30, "bytes", "5.0 GB"), (1200, "rows", "1,200 rows")],
)
def test_amounts_are_readable(number: int, unit: str, text: str) -> None:
    assert amount(number, unit) == text
