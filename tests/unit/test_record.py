"""The record: a run's folder on the host, readable by whoever rolls back."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from pipeline.errors import PalierError
from pipeline.record import Record, TakenOver
from pipeline.remote.command import Command
from pipeline.remote.host import Result
from pipeline.remote.local import LocalHost


class Counting(LocalHost):
    """Counts the round trips."""

    def __init__(self) -> None:
        super().__init__("production")
        self.count = 0

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        self.count += 1
        return super().run(command, check=check, timeout=timeout)


@pytest.fixture
def host() -> Counting:
    return Counting()


@pytest.fixture
def root(scratch: Path) -> str:
    return str(scratch / "record")


@pytest.fixture
def record(host: Counting, root: str) -> Record:
    return Record.create(host, root, "promote", "brasserie", "ines@laptop")


def test_a_new_run_is_one_round_trip_and_nobody_elses_business(record: Record, host: Counting, root: str) -> None:
    assert host.count == 1
    assert re.fullmatch(r"\d{8}T\d{6}Z-promote-[0-9a-f]{4}", record.run)
    assert record.folder == f"{root}/runs/{record.run}"
    for folder in (root, f"{root}/runs", record.folder):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(record.path("run.json")).stat().st_mode) == 0o600


def test_whoever_opens_it_finds_what_was_written(record: Record, root: str) -> None:
    record.write("manifest.json", "{}")
    record.write("signatures/ines.sig", b"\x00\xff")
    other = Record.open(LocalHost(), root, record.run)
    assert other.about == record.about
    assert other.read("manifest.json") == b"{}"
    assert other.read("signatures/ines.sig") == b"\x00\xff"
    assert [entry.event for entry in other.journal.entries()] == ["created"]


def test_an_unknown_or_hostile_run_is_a_sentence(record: Record, root: str) -> None:
    for run in ("20261121T190102Z-promote-ffff", f"../runs/{record.run}", ""):
        with pytest.raises(PalierError, match="There is no run"):
            Record.open(LocalHost(), root, run)


def test_placing_is_one_round_trip_and_leaves_a_whole_fragment_and_the_journal(record: Record, host: Counting) -> None:
    before = host.count
    assert record.place(3, "switch-code", 'echo "à"\n', title="Switch code", critical=True) == "03-switch-code"
    assert host.count == before + 1
    text = Path(record.path("undo.d/03-switch-code.sh")).read_text()
    assert "# Takes back: Switch code\n" in text
    assert text.endswith('echo "à"\n')
    assert [path.name for path in Path(record.path("undo.d")).iterdir()] == ["03-switch-code.sh"]
    entry = record.journal.entries()[-1]
    assert (entry.event, entry.facts["step"], entry.facts["number"]) == ("begun", "Switch code", 3)
    assert record.last_number() == 3


def test_a_step_without_undo_leaves_no_fragment(record: Record) -> None:
    assert record.place(1, "look", " \n") == ""
    assert not list(Path(record.path("undo.d")).iterdir())
    assert record.journal.entries()[-1].event == "begun"


def test_a_fragment_that_is_no_shell_is_refused_before_its_step(record: Record) -> None:
    with pytest.raises(PalierError, match="way back"):
        record.place(1, "close", "if true; then")
    assert not list(Path(record.path("undo.d")).glob("*.sh"))
    assert [entry.event for entry in record.journal.entries()] == ["created"]


@pytest.mark.parametrize("sign", ["halted", "undoing"])
def test_nothing_is_begun_once_the_run_is_being_undone(record: Record, sign: str) -> None:
    Path(record.path(sign)).mkdir()
    with pytest.raises(TakenOver):
        record.place(1, "close", "true")
    assert not list(Path(record.path("undo.d")).iterdir())


def test_another_machine_goes_on_with_the_numbers(record: Record, root: str) -> None:
    record.place(2, "close", "true")
    assert Record.open(LocalHost(), root, record.run).last_number() == 2


def test_all_runs_are_listed_in_one_round_trip(host: Counting, root: str) -> None:
    assert Record.list(host, root) == []
    records = [
        Record.create(host, root, flow, "brasserie", "ines@laptop") for flow in ("clone", "promote", "update", "smoke")
    ]
    done, hand, torn, damaged = records
    done.place(1, "look", "")
    done.end("done")
    Path(hand.path("rolled-back")).write_text("")
    with Path(torn.path("journal.jsonl")).open("a") as file:
        file.write('{"at":')
    journal = Path(damaged.path("journal.jsonl"))
    journal.write_text(journal.read_text().replace("ines", "paul"))
    before = host.count
    found = {summary.run: summary for summary in Record.list(host, root)}
    assert host.count == before + 1
    assert sorted(found) == list(found)
    assert [found[record.run].outcome for record in records] == ["done", "rolled back", "unfinished", "journal damaged"]
    assert found[done.run].by == "ines@laptop"
    assert found[done.run].flow == "clone"
    assert found[done.run].started == done.about.started


def test_a_run_that_went_on_after_its_end_is_unfinished(record: Record, root: str) -> None:
    record.end("done")
    record.place(1, "look", "")
    assert [summary.outcome for summary in Record.list(LocalHost(), root)] == ["unfinished"]


def test_the_undo_log_is_folded_into_the_journal_once(record: Record) -> None:
    log = Path(record.path("undo.log"))
    assert record.fold() == ()
    log.write_text(
        "2026-11-21T19:01:02Z undo 02-code begun\n    | undo 01-close ok\n2026-11-21T19:01:02Z undo 02-code ok 0.25\n"
    )
    assert [(line.fragment, line.what, line.seconds) for line in record.fold()] == [
        ("02-code", "begun", 0.0),
        ("02-code", "ok", 0.25),
    ]
    assert record.fold() == ()
    with log.open("a") as file:
        file.write("2026-11-21T19:01:02Z undo 01-close failed\n")
    assert [line.what for line in record.fold()] == ["failed"]
    events = [entry.event for entry in record.journal.entries()]
    assert events == ["created", "undo begun", "undo ok", "folded", "undo failed", "folded"]
