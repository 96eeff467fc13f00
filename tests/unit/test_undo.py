"""``rollback.sh``: run by anybody, from anywhere, as often as needed, by one party at a time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import PalierError
from pipeline.undo import UndoLine, fragment, fragment_name, parse, rollback_script

SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]


class Run:
    """A run's folder with fragments, as the engine would leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "undo.d").mkdir(parents=True)
        (folder / "undone").mkdir()
        (folder / "rollback.sh").write_text(rollback_script())

    def place(self, number: int, slug: str, body: str) -> None:
        (self.folder / "undo.d" / f"{fragment_name(number, slug)}.sh").write_text(fragment(slug, body))

    def started(self, *options: str, shell: list[str] | None = None, cwd: str = "/") -> subprocess.Popen[str]:
        words = [*(shell or ["sh"]), str(self.folder / "rollback.sh"), *options]
        return subprocess.Popen(
            words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def roll_back(self, *options: str, shell: list[str] | None = None) -> tuple[int, str]:
        process = self.started(*options, shell=shell)
        said, _ = process.communicate(timeout=30)
        return process.returncode, said

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    @property
    def order(self) -> str:
        file = self.folder / "order"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def undo(scratch: Path) -> Iterator[Run]:
    run = Run(scratch / "20261121T190102Z-promote-0a1b")
    run.place(1, "close", "printf 1 >> order")
    run.place(3, "switch-code", "printf 3 >> order")
    run.place(10, "migrate", "printf X >> order")
    yield run
    deadline = time.monotonic() + 10
    while str(run.folder) in _command_lines():
        assert time.monotonic() < deadline, "a process was left running"
        time.sleep(0.05)


def _command_lines() -> str:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(line for line in found if "pytest" not in line)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_newest_step_is_taken_back_first_in_every_shell(undo: Run, shell: list[str]) -> None:
    subprocess.run([*shell, "-n", str(undo.folder / "rollback.sh")], check=True)
    status, said = undo.roll_back(shell=shell)
    assert status == 0, said
    assert undo.order == "X31"
    assert [(line.fragment, line.what) for line in parse(said)] == [
        (name, what) for name in ("10-migrate", "03-switch-code", "01-close") for what in ("begun", "ok")
    ]
    assert parse((undo.folder / "undo.log").read_text()) == parse(said)
    assert " by hand" in (undo.folder / "rolled-back").read_text()
    assert undo.has("halted")
    assert not undo.has("undoing")


def test_a_second_run_says_that_it_is_done(undo: Run) -> None:
    undo.roll_back()
    status, said = undo.roll_back()
    assert status == 0
    assert "already been taken back" in said
    assert undo.order == "X31"


def test_nothing_is_older_than_nothing(scratch: Path) -> None:
    run = Run(scratch / "run")
    assert run.roll_back()[0] == 0
    assert run.has("rolled-back")


def test_the_list_changes_nothing(undo: Run) -> None:
    status, said = undo.roll_back("--list")
    assert status == 0
    assert [line.split()[0] for line in said.splitlines()[1:]] == ["10-migrate", "03-switch-code", "01-close"]
    assert sorted(path.name for path in undo.folder.iterdir()) == ["rollback.sh", "undo.d", "undone"]


def test_a_wrong_option_changes_nothing(undo: Run) -> None:
    assert undo.roll_back("--lsit")[0] == 2
    assert undo.order == ""


def test_it_stops_at_the_first_failure_and_goes_on_once_that_is_mended(undo: Run) -> None:
    undo.place(3, "switch-code", "echo 'mv: no space left' >&2\ntest -e mended\nprintf 3 >> order")
    status, said = undo.roll_back()
    assert status == 8
    assert undo.order == "X"
    assert UndoLine("03-switch-code", "failed") in parse(said)
    assert "| mv: no space left" in said
    rest = said[said.index("Still to be taken back") :]
    assert "10-migrate" not in rest
    assert rest.index("03-switch-code") < rest.index("01-close")
    assert f"sh '{undo.folder}/rollback.sh'" in said
    assert not undo.has("rolled-back")
    assert undo.roll_back()[0] == 8
    (undo.folder / "mended").touch()
    status, said = undo.roll_back()
    assert status == 0
    assert undo.order == "X31"
    assert UndoLine("10-migrate", "begun") not in parse(said)


def test_a_fragment_ends_at_its_first_command_that_fails(undo: Run) -> None:
    undo.place(10, "migrate", "false\nprintf X >> order")
    assert undo.roll_back()[0] == 8
    assert undo.order == ""


def test_the_shop_can_stay_closed(undo: Run) -> None:
    status, said = undo.roll_back("--stay-closed")
    assert status == 0
    assert undo.order == "X3"
    assert not undo.has("rolled-back")
    assert "To open the shop" in said
    assert undo.roll_back()[0] == 0
    assert undo.order == "X31"


def test_what_came_before_the_closing_waits_with_it(undo: Run) -> None:
    (undo.folder / "closed-by").write_text("03-switch-code\n")
    undo.roll_back("--stay-closed")
    assert undo.order == "X"


def test_a_ballast_is_dropped_first(undo: Run) -> None:
    (undo.folder / "ballast").write_bytes(b"\0" * 4096)
    undo.place(10, "migrate", "test ! -e ballast")
    assert undo.roll_back()[0] == 0


def test_only_one_of_many_undoes(undo: Run) -> None:
    undo.place(10, "migrate", "sleep 0.7; printf X >> order")
    processes = [undo.started() for _ in range(5)]
    statuses = [process.wait(30) for process in processes]
    said = [process.communicate()[0] for process in processes]
    assert undo.order == "X31"
    assert statuses.count(0) >= 1
    assert set(statuses) <= {0, 6}
    assert any("right now" in text for text in said)


@pytest.mark.parametrize("at", ["undo 10-migrate begun", "undo 03-switch-code begun"])
def test_a_killed_undo_is_succeeded_and_its_fragment_ended_first(undo: Run, at: str) -> None:
    undo.place(10, "migrate", "echo begun >> half; sleep 0.5; printf X >> order")
    undo.place(3, "switch-code", "[ -e 3 ] || { touch 3; sleep 30; printf bad >> order; }\nprintf 3 >> order")
    process = undo.started()
    log = undo.folder / "undo.log"
    wait_for(lambda: log.exists() and at in log.read_text())
    if "03" in at:
        wait_for(lambda: undo.has("3"))
    process.kill()
    process.communicate()
    (undo.folder / "3").touch()
    processes = [undo.started() for _ in range(4)]
    statuses = [process.wait(30) for process in processes]
    for process in processes:
        process.communicate()
    assert set(statuses) <= {0, 6}
    assert 0 in statuses
    assert undo.order == "X31"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_between_two_fragments(undo: Run, number: signal.Signals) -> None:
    undo.place(10, "migrate", "touch begun; sleep 0.5; printf X >> order")
    process = undo.started()
    wait_for(lambda: undo.has("begun"))
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 8
    assert undo.order == "X"
    assert "stopped on request" in said
    assert undo.roll_back()[0] == 0
    assert undo.order == "X31"


def test_a_closed_connection_does_not_stop_it(undo: Run) -> None:
    undo.place(10, "migrate", "touch begun; sleep 0.3; printf X >> order")
    process = undo.started()
    wait_for(lambda: undo.has("begun"))
    assert process.stdout is not None
    process.stdout.close()
    os.killpg(process.pid, signal.SIGHUP)
    process.wait(10)
    assert undo.order == "X31"
    assert undo.has("rolled-back")


def test_a_claim_from_before_a_reboot_is_stale_and_one_of_another_machine_is_not(undo: Run) -> None:
    (undo.folder / "undoing").mkdir()
    (undo.folder / "undoing" / "1").symlink_to(f"1:1:some-other-boot:{os.uname().nodename}")
    (undo.folder / "undoing" / "2").symlink_to("1:1:some-other-boot:elsewhere")
    status, said = undo.roll_back()
    assert status == 6
    assert "elsewhere" in said
    (undo.folder / "undoing" / "2").unlink()
    assert undo.roll_back()[0] == 0


def test_a_claim_that_its_maker_died_in_is_free(undo: Run) -> None:
    (undo.folder / "undoing").mkdir()
    assert undo.roll_back()[0] == 0


def _running(undo: Run, process: int) -> None:
    line = Path(f"/proc/{process}/stat").read_text()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    (undo.folder / "running").write_text(f"{line}{boot}\n")


def test_the_command_at_work_is_ended_with_all_that_it_started_before_anything_is_undone(undo: Run) -> None:
    body = """trap "" TERM; setsid sh -c 'while :; do echo >> "$0"; sleep 0.1; done' "$0/beats" & sleep 300"""
    work = subprocess.Popen(["sh", "-c", body, str(undo.folder)], start_new_session=True)
    beats = undo.folder / "beats"
    while not beats.exists():
        time.sleep(0.05)
    _running(undo, work.pid)
    undo.place(10, "migrate", f"if read -r a b c d < /proc/{work.pid}/stat; then test $c = Z; fi")
    status, said = undo.roll_back()
    work.wait(5)
    assert status == 0, said
    counted = beats.stat().st_size
    time.sleep(1)
    assert beats.stat().st_size == counted
    assert not undo.has("running")


def test_a_number_that_now_belongs_to_another_process_is_left_alone(undo: Run) -> None:
    other = subprocess.Popen(["sleep", "30"], start_new_session=True)
    _running(undo, other.pid)
    file = undo.folder / "running"
    fields = file.read_text().split(" ")
    fields[21] = str(int(fields[21]) - 1)
    file.write_text(" ".join(fields))
    assert undo.roll_back()[0] == 0
    assert other.poll() is None
    other.kill()
    other.wait()


def test_it_refuses_to_guess_its_folder(undo: Run) -> None:
    done = subprocess.run(["sh"], input=rollback_script().encode(), cwd="/", capture_output=True, check=False)
    assert done.returncode == 2
    assert undo.order == ""


@pytest.mark.parametrize("number", [0, -1, 100])
def test_numbers_that_would_not_sort_are_refused(number: int) -> None:
    with pytest.raises(PalierError):
        fragment_name(number, "close")


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "..", "é", "a;b", "-a", "a-"])
def test_names_that_mean_something_to_a_shell_are_refused(slug: str) -> None:
    with pytest.raises(PalierError):
        fragment_name(1, slug)


def test_a_title_cannot_break_out_of_its_comment() -> None:
    assert fragment("Switch\nrm -rf /", "true").splitlines()[1] == "# Takes back: Switch rm -rf /"


def test_that_it_is_done_and_cannot_be_written_down_is_said(undo: Run) -> None:
    """A full disk: without the mark the run would count as one that may be taken back still."""
    (undo.folder / ".rolled-back").symlink_to("/dev/full")
    status, said = undo.roll_back()
    assert status == 0
    assert "Everything is taken back, and this cannot be written down" in said
    (undo.folder / ".rolled-back").unlink()
    assert undo.roll_back()[0] == 0
    assert undo.has("rolled-back")
    assert undo.order == "X31"
