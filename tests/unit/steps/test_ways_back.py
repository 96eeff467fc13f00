"""A later promotion takes the place of an earlier one's copies, so the earlier one must not try its way back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.record import Record
from pipeline.remote.local import LocalHost
from pipeline.steps.tables import supersede


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Record, Record]:
    """Two promotions, the first of which stands."""
    host = LocalHost("production")
    first, second = (Record.create(host, str(tmp_path), "promote", "brasserie", "ines@laptop") for _ in range(2))
    for record in (first, second):
        record.arm()
        record.place(1, "close", "touch taken-back", closes=True)
    first.end("promoted")
    return first, second


def roll_back_by_hand(record: Record) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", record.path("rollback.sh")], capture_output=True, text=True, check=False)


def test_the_earlier_one_says_which_run_to_take_back_and_changes_nothing(runs: tuple[Record, Record]) -> None:
    first, second = runs
    supersede(second)
    done = roll_back_by_hand(first)
    assert done.returncode == 8
    assert second.run in done.stdout
    assert "Nothing was changed" in done.stdout
    assert not Path(first.path("taken-back")).exists()
    assert not Path(first.path("halted")).exists()


def test_the_later_one_goes_back_as_ever(runs: tuple[Record, Record]) -> None:
    _, second = runs
    supersede(second)
    assert roll_back_by_hand(second).returncode == 0
    assert Path(second.path("taken-back")).exists()


def test_the_list_of_runs_tells_it(runs: tuple[Record, Record]) -> None:
    first, second = runs
    supersede(second)
    told = {run.run: run.outcome for run in Record.list(first.host, str(Path(first.folder).parents[1]))}
    assert told[first.run] == "superseded"
    assert told[second.run] == "unfinished"


def test_a_promotion_that_was_taken_back_is_left_as_it_is(runs: tuple[Record, Record]) -> None:
    first, second = runs
    assert roll_back_by_hand(first).returncode == 0
    supersede(second)
    assert "already been taken back" in roll_back_by_hand(first).stdout
