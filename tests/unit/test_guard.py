"""The guard and the fence: whoever is slower does nothing any more."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import Refused
from pipeline.events import silent
from pipeline.guard import Guard, Supervised, guard_script
from pipeline.record import Record, TakenOver
from pipeline.remote.command import Command, Secret, command, script
from pipeline.remote.fake import FakeHost
from pipeline.remote.host import CommandFailed, OutcomeUnknown
from pipeline.remote.local import LocalHost
from pipeline.rollback import roll_back


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def record(scratch: Path) -> Iterator[Record]:
    record = Record.create(LocalHost("production"), str(scratch / "record"), "promote", "brasserie", "ines@laptop")
    record.arm()
    yield record
    Path(record.path("guard.done")).touch()
    pid = Path(record.path("guard.pid"))
    if pid.exists():
        number = pid.read_text().split()[0]
        wait_for(lambda: not alive(number))


def alive(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has(record: Record, name: str) -> bool:
    return Path(record.path(name)).exists()


def test_the_guard_is_plain_shell() -> None:
    subprocess.run(["sh", "-n"], input=guard_script(), text=True, check=True)


def test_it_is_there_after_start_and_gone_after_stop(record: Record) -> None:
    guard = Guard(record, 5)
    guard.start()
    number = Path(record.path("guard.pid")).read_text().split()[0]
    assert alive(number)
    guard.stop()
    assert not alive(number)
    assert not has(record, "halted")


def test_it_stays_quiet_while_the_heart_beats(record: Record) -> None:
    record.place(1, "close", "touch undone-it")
    guard = Guard(record, 1)
    guard.start()
    guard.allow(60)
    time.sleep(3.5)
    guard.stop()
    assert not has(record, "undone-it")


def test_it_ends_a_rollback_whose_driver_is_gone_with_the_page_still_on(record: Record) -> None:
    record.place(1, "close", "touch page-taken-down", closes=True)
    record.place(2, "switch", "touch code-put-back")
    Guard(record, 1).start()
    assert roll_back(record, silent, stay_closed=True).ok
    assert has(record, "code-put-back")
    wait_for(lambda: has(record, "rolled-back"))
    assert has(record, "page-taken-down")


def test_it_takes_everything_back_when_the_heart_stops(record: Record) -> None:
    record.place(1, "close", "touch undone-it")
    guard = Guard(record, 1)
    guard.start()
    guard.hush()
    wait_for(lambda: has(record, "rolled-back"))
    assert has(record, "undone-it")
    assert Path(record.path("rolled-back")).read_text().strip().endswith("by the guard")
    with pytest.raises(TakenOver):
        guard.stop()


def test_an_act_that_hangs_stops_the_heart_though_the_driver_lives(record: Record) -> None:
    record.place(1, "close", "touch undone-it")
    guard = Guard(record, 1)
    guard.start()
    guard.allow(0.5)
    wait_for(lambda: has(record, "rolled-back"))
    with pytest.raises(TakenOver):
        guard.stop()


def test_it_tries_again_when_a_fragment_fails_for_a_moment(record: Record) -> None:
    record.place(1, "close", "[ -e tried ] || { touch tried; exit 1; }")
    guard = Guard(record, 1)
    guard.start()
    guard.hush()
    wait_for(lambda: has(record, "rolled-back"))
    assert Path(record.path("undo.log")).read_text().count("undo 01-close failed") == 1


def test_it_waits_for_another_undoer_and_succeeds_it_when_that_one_dies(record: Record) -> None:
    record.place(1, "close", "touch undone-it")
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    started = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    node = subprocess.run(["uname", "-n"], capture_output=True, text=True, check=True).stdout.strip()
    guard = Guard(record, 1)
    guard.start()
    guard.hush()
    claim = Path(record.path("undoing"))
    claim.mkdir()
    (claim / "1").symlink_to(f"{other.pid}:{started}:{boot}:{node}")
    wait_for(lambda: "status 6" in Path(record.path("guard.log")).read_text())
    assert not has(record, "undone-it")
    other.kill()
    other.wait()
    wait_for(lambda: has(record, "rolled-back"))
    assert has(record, "undone-it")


def test_no_critical_section_without_the_way_back(record: Record) -> None:
    Path(record.path("rollback.sh")).write_text("exit 0\n")
    with pytest.raises(Refused, match="way back"):
        Guard(record, 5).start()
    Path(record.path("rollback.sh")).unlink()
    with pytest.raises(Refused, match="way back"):
        Guard(record, 5).start()
    assert not has(record, "guard.pid")


def test_no_critical_section_without_an_answering_guard() -> None:
    host = FakeHost("production", strict=False)
    host.answer("guard.sh", status=93)
    record = Record.create(host, "~/.palier/brasserie", "promote", "brasserie", "ines@laptop")
    with pytest.raises(Refused, match="guard"):
        Guard(record, 5).start()


# -- the fence


@pytest.fixture
def fenced(record: Record) -> Supervised:
    return Supervised(record.host, record.folder)


def test_a_fenced_command_is_the_same_command(fenced: Supervised, record: Record, scratch: Path) -> None:
    plain = LocalHost()
    target = str(scratch / "a file")
    for wanted in (
        command("printf", "%s\n", "it's", "a $HOME `b`"),
        command("pwd"),
        script("cat; exit 3").fed("über ", Secret("geheim")),
        command("cat").fed("x\n").pipe(command("tr", "x", "y")),
        command("false").pipe(command("true")),
        command("pwd").within("/"),
    ):
        one, two = plain.run(wanted, check=False), fenced.run(wanted, check=False)
        assert (one.status, one.raw, one.stderr) == (two.status, two.raw, two.stderr), wanted
    fenced.run(command("echo", "in a file").into(target))
    assert Path(target).read_text() == "in a file\n"
    fenced.write(target, b"\x00\xff", mode=0o640)
    assert fenced.read(target) == b"\x00\xff"
    assert Path(target).stat().st_mode & 0o777 == 0o640
    assert not has(record, "running")


def test_a_failure_names_the_command_and_not_its_fence(fenced: Supervised) -> None:
    with pytest.raises(CommandFailed) as caught:
        fenced.run(script("cat >&2; exit 3").fed(Secret("geheim")))
    assert caught.value.result.status == 3
    assert "running" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_it_says_who_may_end_what_sudo_started() -> None:
    host = FakeHost("production", strict=False)
    inner = command("cat").as_user("deploy").pipe(command("php", "x").as_user("www-data"))
    Supervised(host, "/r").run(inner)
    assert host.ran[0].command.words[-1] == "deploy www-data"


@pytest.mark.parametrize("sign", ["halted", "undoing"])
def test_nothing_starts_once_the_run_is_being_undone(
    fenced: Supervised, record: Record, scratch: Path, sign: str
) -> None:
    Path(record.path(sign)).mkdir()
    actions: tuple[Callable[[], object], ...] = (
        lambda: fenced.run(command("touch", str(scratch / "changed"))),
        lambda: fenced.run(command("touch", str(scratch / "changed")), check=False),
        lambda: fenced.write(str(scratch / "changed"), "x"),
        lambda: fenced.upload(Path(record.path("run.json")), str(scratch / "changed")),
    )
    for action in actions:
        with pytest.raises(TakenOver):
            action()
    assert not (scratch / "changed").exists()
    assert not has(record, "running")


def test_a_command_at_work_is_ended_by_the_undo(fenced: Supervised, record: Record, scratch: Path) -> None:
    log = scratch / "log"
    record.place(1, "close", f"echo undone >> '{log}'")
    errors: list[BaseException] = []

    def drive() -> None:
        try:
            fenced.run(script('echo begun >> "$1"; sleep 5; echo late >> "$1"', str(log)))
        except CommandFailed as error:
            errors.append(error)

    driver = threading.Thread(target=drive)
    driver.start()
    wait_for(lambda: log.exists() and has(record, "running"))
    record.host.run(command("sh", record.path("rollback.sh")))
    driver.join(10)
    assert log.read_text() == "begun\nundone\n"
    assert len(errors) == 1


def test_of_a_command_and_an_undo_that_race_either_one_sees_the_other(scratch: Path) -> None:
    for turn in range(12):
        record = Record.create(LocalHost(), str(scratch / "record"), "promote", "brasserie", "ines@laptop")
        record.arm()
        state = scratch / f"state {turn}"
        record.place(1, "close", f"rm -f '{state}'")
        fenced = Supervised(record.host, record.folder)
        wanted = script('sleep "0.0$2"; for i in 1 2 3; do echo > "$1"; sleep 0.05; done', str(state), turn % 5)
        driver = threading.Thread(target=_drive, args=(fenced, wanted))
        driver.start()
        time.sleep(0.004 * turn)
        record.host.run(command("sh", record.path("rollback.sh")))
        driver.join(10)
        assert not state.exists(), turn


def _drive(fenced: Supervised, wanted: Command) -> None:
    try:
        fenced.run(wanted)
    except (TakenOver, CommandFailed):
        return


def test_a_command_that_ran_out_of_time_does_not_run_on(fenced: Supervised, scratch: Path) -> None:
    late = scratch / "late"
    with pytest.raises(OutcomeUnknown) as caught:
        fenced.run(script('sleep 2; touch "$1"', str(late)), timeout=0.3)
    assert "running" not in str(caught.value)
    fenced.run(command("true"))
    time.sleep(2)
    assert not late.exists()
