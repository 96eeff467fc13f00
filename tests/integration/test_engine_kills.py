"""Whatever kills or stops the process that drives a run, the shop ends as it was before, and open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.journal import verify
from tests.engine_world import production, state

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
COMMANDS = 26
"""As many as the usual steps take, and a few more: the last ones find a run that has ended well."""


class Driven:
    """A shop and a separate process that drives the engine over it."""

    def __init__(self, folder: Path, heartbeat: int, how: str, where: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shop = production(folder)
        self.before = state(self.shop)
        self.folder = folder
        words = [sys.executable, "-m", "tests.engine_world", str(folder), str(heartbeat), how, str(where)]
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @property
    def record(self) -> Path:
        return next(self.folder.glob("record/runs/*-promote-*"))

    def has(self, name: str) -> bool:
        return any(self.folder.glob(f"record/runs/*-promote-*/{name}"))

    def ended(self) -> tuple[int, str]:
        said, _ = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def roll_back(self) -> subprocess.CompletedProcess[str]:
        words = ["sh", str(self.record / "rollback.sh")]
        return subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=60, check=False)

    def dismiss_guard(self) -> None:
        """End the guard of a killed run, so that nothing is left running."""
        if self.has("guard.sh"):
            (self.record / "guard.done").touch()
            wait_for(lambda: not self.guard_is_there())

    def guard_is_there(self) -> bool:
        return self._alive("guard.pid")

    def _alive(self, name: str) -> bool:
        try:
            number = (self.record / name).read_text().split()[0]
            return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (OSError, IndexError):
            return False


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("part", range(2))
def test_killed_at_every_command_a_rollback_by_hand_brings_everything_back(scratch: Path, how: str, part: int) -> None:
    for where in range(1 + part, COMMANDS, 2):
        run = Driven(scratch / f"{where}", 30, how, where)
        status, said = run.ended()
        assert status in {-signal.SIGKILL, 0}, said
        verify((run.record / "journal.jsonl").read_text(), run.record.name)
        if not run.has("rollback.sh"):
            assert state(run.shop) == run.before
            continue
        done = run.roll_back()
        assert done.returncode == 0, done.stdout
        assert state(run.shop) == run.before, (where, done.stdout)
        assert run.roll_back().returncode == 0
        run.dismiss_guard()


@pytest.mark.parametrize(("how", "where"), [("before", 5), ("after", 9), ("after", 14), ("before", 20)])
def test_killed_in_the_critical_section_the_guard_brings_everything_back(scratch: Path, how: str, where: int) -> None:
    run = Driven(scratch / "run", 2, how, where)
    assert run.ended()[0] == -signal.SIGKILL
    assert run.has("guard.pid")
    began = time.monotonic()
    wait_for(lambda: run.has("rolled-back"))
    assert time.monotonic() - began < 10
    assert state(run.shop) == run.before
    wait_for(lambda: not run.guard_is_there())


@pytest.mark.parametrize("by", ["guard", "hand"])
def test_killed_while_a_command_is_at_work_that_command_does_not_run_on(scratch: Path, by: str) -> None:
    run = Driven(scratch / "run", 2 if by == "guard" else 30, "within", 13)
    assert run.ended()[0] == -signal.SIGKILL
    if by == "hand":
        assert run.roll_back().returncode == 0
    wait_for(lambda: run.has("rolled-back"))
    time.sleep(1)
    assert state(run.shop) == run.before
    run.dismiss_guard()


def test_a_driver_that_wakes_up_after_the_guard_did_its_work_does_nothing_more(scratch: Path) -> None:
    run = Driven(scratch / "run", 2, "stop", 13)
    wait_for(lambda: stopped(run.process.pid) or run.process.poll() is not None)
    assert run.process.poll() is None
    wait_for(lambda: run.has("rolled-back"))
    assert state(run.shop) == run.before
    os.kill(run.process.pid, signal.SIGCONT)
    status, said = run.ended()
    assert status == 7, said
    assert "by the guard" in said
    assert state(run.shop) == run.before
    assert not run.guard_is_there()


def test_a_driver_that_wakes_up_while_the_guard_is_at_work_does_nothing_more(scratch: Path) -> None:
    run = Driven(scratch / "run", 2, "stop", 13)
    wait_for(lambda: stopped(run.process.pid))
    fragment = next((run.record / "undo.d").glob("*-write-12.sh"))
    fragment.write_text(fragment.read_text().replace("set -eu\n", "set -eu\nsleep 2\n"))
    wait_for(lambda: run.has("undoing"))
    os.kill(run.process.pid, signal.SIGCONT)
    status, said = run.ended()
    assert status == 7, said
    assert state(run.shop) == run.before
    assert not run.guard_is_there()


def test_a_driver_that_hangs_is_not_waited_for(scratch: Path) -> None:
    run = Driven(scratch / "run", 2, "hang", 13)
    wait_for(lambda: run.has("rolled-back"))
    assert state(run.shop) == run.before
    status, said = run.ended()
    assert status == 7, said
    assert state(run.shop) == run.before


def test_ctrl_c_from_a_terminal_reaches_the_driver_and_not_the_undo(scratch: Path) -> None:
    run = Driven(scratch / "run", 10, "hang", 13)
    wait_for(lambda: run.has("undo.d/05-swap-13.sh"))
    for _ in range(3):
        time.sleep(0.3)
        run.process.send_signal(signal.SIGINT)
    status, said = run.ended()
    assert status == 130, said
    assert said.startswith("Production was changed and has been put back")
    assert state(run.shop) == run.before
    assert not run.guard_is_there()
