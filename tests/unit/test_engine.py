"""The engine: undo first, any failure undoes, stop at the first undo that fails, one way back."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.engine import Act, Step, on, plan, run
from pipeline.errors import Hold, Interrupted, PalierError, RolledBack, SmokeFailed
from pipeline.events import Doing, Event, Note, StepBegun, StepDone, StepFailed, StepUndone, silent
from pipeline.record import Record
from pipeline.remote.command import Secret, command
from pipeline.remote.host import HostUnreachable, OutcomeUnknown
from pipeline.remote.local import LocalHost
from tests.engine_world import KINDS, USUAL, Fault, FaultyHost, drive, production, state
from tests.engine_world import steps as planned


@pytest.fixture
def shop(scratch: Path) -> Path:
    return production(scratch)


def failing(name: str, error: BaseException) -> Callable[[list[Step]], list[Step]]:
    """Let the step ``name`` fail once its acts are done."""

    def fail() -> str:
        raise error

    def change(steps: list[Step]) -> list[Step]:
        return [replace(step, acts=(*step.acts, Act("fail", fail))) if step.name == name else step for step in steps]

    return change


def undoing(name: str, undo: str) -> Callable[[list[Step]], list[Step]]:
    return lambda steps: [replace(step, undo=undo) if step.name == name else step for step in steps]


def guard_is_gone(record: Record) -> bool:
    pid = Path(record.path("guard.pid"))
    if not pid.exists():
        return True
    try:
        return Path(f"/proc/{pid.read_text().split()[0]}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


# -- when all goes well


def test_steps_are_applied_in_order_and_told(shop: Path) -> None:
    error, events, record, _ = drive(shop.parent, change=failing("none", ValueError()))
    assert error is None
    assert state(shop)["code/version"] == "2\n"
    assert not (shop / "closed").exists()
    names = [event.name for event in events if isinstance(event, StepBegun)]
    assert names == [
        "Prepare 2",
        "Close the shop",
        "Look 10",
        "Write 12",
        "Swap 13",
        "Append 14",
        "Look 15",
        "Write 16",
        "Open the shop",
    ]
    assert names == [event.name for event in events if isinstance(event, StepDone)]
    assert all(event.seconds > 0 for event in events if isinstance(event, StepDone))
    journalled = [entry.facts["step"] for entry in record.journal.entries() if entry.event == "applied"]
    assert journalled == names
    assert record.journal.entries()[-1].facts["outcome"] == "done"
    assert guard_is_gone(record)
    assert not Path(record.path("running")).exists()


def test_it_takes_few_round_trips(shop: Path) -> None:
    _, _, _, host = drive(shop.parent)
    acts = 1 + 1 + 1 + 2 + 2 + 1 + 1 + 2 + 1
    placed, guard, end = 9, 2, 1
    assert host.count == acts + placed + guard + end


def test_details_are_told_and_journalled(shop: Path, scratch: Path) -> None:
    record = Record.create(LocalHost(), str(scratch / "record"), "clone", "brasserie", "ines@laptop")
    events: list[Event] = []
    step = Step(
        "Count rows", (Act("count", lambda: "3 rows"), Act("sum", lambda: None), Act("look", lambda: "2 tables"))
    )
    run([step], record, events.append, heartbeat=5)
    assert [event.detail for event in events if isinstance(event, StepDone)] == ["3 rows; 2 tables"]
    assert not Path(record.path("rollback.sh")).exists()


def test_a_rollback_by_hand_after_a_run_that_went_well_brings_everything_back(shop: Path) -> None:
    before = state(shop)
    _, _, record, _ = drive(shop.parent)
    assert state(shop) != before
    done = subprocess.run(["sh", record.path("rollback.sh")], cwd="/", check=True, capture_output=True, text=True)
    assert state(shop) == before
    assert "everything is as it was" in done.stdout


def test_the_way_back_is_there_before_the_step(shop: Path, scratch: Path) -> None:
    record = Record.create(LocalHost(), str(scratch / "record"), "promote", "brasserie", "ines@laptop")
    seen: list[str] = []

    def look() -> None:
        assert Path(record.path("undo.d/01-change.sh")).exists()
        assert Path(record.path("rollback.sh")).exists()
        seen.extend(entry.event for entry in record.journal.entries())

    run([Step("Change", (Act("look", look),), undo="true")], record, silent, heartbeat=5)
    assert seen == ["created", "begun"]


def test_two_runs_on_one_record_count_on(scratch: Path) -> None:
    record = Record.create(LocalHost(), str(scratch / "record"), "promote", "brasserie", "ines@laptop")
    for _ in range(2):
        run([Step("Change", (), undo="true")], record, silent, heartbeat=5)
    assert sorted(path.name for path in Path(record.path("undo.d")).iterdir()) == ["01-change.sh", "02-change.sh"]


# -- failures before anything critical


def test_a_failure_before_anything_to_undo_is_the_failure_itself(scratch: Path) -> None:
    record = Record.create(LocalHost(), str(scratch / "record"), "promote", "brasserie", "ines@laptop")
    cause = SmokeFailed("The search page is dead.")
    events: list[Event] = []
    steps = [*failing("Look", cause)([Step("Look", ())]), Step("Change", (), undo="true", critical=True)]
    with pytest.raises(SmokeFailed) as caught:
        run(steps, record, events.append, heartbeat=5)
    assert caught.value is cause
    assert cause.production == "Production was not changed."
    assert [event.reason for event in events if isinstance(event, StepFailed)] == ["The search page is dead."]
    assert record.journal.entries()[-1].facts["outcome"] == "failed"


def test_what_was_prepared_is_taken_away_and_the_failure_kept(shop: Path) -> None:
    before = state(shop)
    cause = PalierError("The disk is full.")
    error, events, _, _ = drive(shop.parent, change=failing("Prepare 2", cause))
    assert error is cause
    assert str(error).startswith("Production was not changed; what had been prepared")
    assert state(shop) == before
    assert [event.name for event in events if isinstance(event, StepUndone)] == ["Prepare 2"]


def test_a_defect_before_anything_critical_is_undone_and_shown(shop: Path) -> None:
    before = state(shop)
    error, _, _, _ = drive(shop.parent, change=failing("Prepare 2", ZeroDivisionError()))
    assert isinstance(error, ZeroDivisionError)
    assert state(shop) == before


def test_an_interruption_says_whether_production_was_changed(shop: Path) -> None:
    for name, sentence in (
        ("Prepare 2", "Production was not changed"),
        ("Swap 13", "Production was changed and has been put back"),
    ):
        before = state(shop)
        error, _, record, _ = drive(shop.parent, change=failing(name, KeyboardInterrupt()))
        assert isinstance(error, Interrupted)
        assert str(error).startswith(sentence)
        assert error.exit_code == 130
        assert state(shop) == before
        assert "interrupted" in str(record.journal.entries()[-1].facts["outcome"])


# -- failures in the critical section


def test_a_failed_smoke_test_rolls_back_and_says_why(shop: Path) -> None:
    before = state(shop)
    cause = SmokeFailed("The checkout is dead.", why="500 on /checkout/.")
    error, events, record, _ = drive(shop.parent, change=failing("Write 16", cause))
    assert isinstance(error, RolledBack)
    assert error.exit_code == 7
    assert error.__cause__ is cause
    text = str(error)
    assert text.startswith("Production was changed and has been put back")
    assert "Production was not changed" not in text
    assert "'Write 16' failed: The checkout is dead." in text
    assert "500 on /checkout/." in text
    assert state(shop) == before
    undone = [event.name for event in events if isinstance(event, StepUndone)]
    assert undone == ["Write 16", "Append 14", "Swap 13", "Write 12", "Close the shop", "Prepare 2"]
    assert guard_is_gone(record)
    events_of = [entry.event for entry in record.journal.entries()]
    assert events_of.count("undo ok") == 6
    assert events_of.index("failed") < events_of.index("undo ok")
    assert record.journal.entries()[-1].facts["outcome"] == "rolled back"
    assert Record.list(LocalHost(), str(shop.parent / "record"))[0].outcome == "rolled back"


def test_it_stops_at_an_undo_that_fails_and_holds(shop: Path) -> None:
    def change(steps: list[Step]) -> list[Step]:
        return failing("Append 14", SmokeFailed("dead"))(undoing("Swap 13", "echo 'mv: read-only' >&2; false")(steps))

    error, events, record, _ = drive(shop.parent, change=change)
    assert isinstance(error, Hold)
    assert error.exit_code == 8
    text = str(error)
    assert "05-swap-13" in text
    assert "04-write-12, 02-close-the-shop, 01-prepare-2" in text
    assert "mv: read-only" in text
    assert f"sh {record.path('rollback.sh')}" in text
    assert "lock" in text
    assert (shop / "closed").exists()
    assert [event.name for event in events if isinstance(event, StepUndone)] == ["Append 14"]
    assert guard_is_gone(record)
    assert str(record.journal.entries()[-1].facts["outcome"]).startswith("hold")


def test_without_its_rollback_script_nothing_critical_is_begun(shop: Path) -> None:
    before = state(shop)

    def spoil() -> None:
        next((shop.parent / "record").glob("runs/*/rollback.sh")).write_text("exit 0\n")

    def change(steps: list[Step]) -> list[Step]:
        return [replace(steps[0], acts=(Act("spoil", spoil),)), *steps[1:]]

    error, events, _, _ = drive(shop.parent, change=change)
    assert isinstance(error, PalierError)
    assert error.exit_code == 5
    assert "way back is not in place" in str(error)
    assert "Close the shop" not in [event.name for event in events if isinstance(event, StepBegun)]
    assert state(shop) == before


def test_what_the_guard_took_back_is_reported_as_such(shop: Path) -> None:
    before = state(shop)

    def change(steps: list[Step]) -> list[Step]:
        slow = Act("hang", lambda: time.sleep(3.5), budget=0.1)
        return [replace(step, acts=(slow, *step.acts)) if step.name == "Swap 13" else step for step in steps]

    error, events, record, _ = drive(shop.parent, heartbeat=1, change=change)
    assert isinstance(error, RolledBack)
    assert "by the guard" in str(error)
    assert state(shop) == before
    assert "Write 12" in [event.name for event in events if isinstance(event, StepUndone)]
    assert guard_is_gone(record)


def test_an_undo_by_hand_in_the_middle_is_reported_as_such(shop: Path) -> None:
    before = state(shop)

    def change(steps: list[Step]) -> list[Step]:
        def by_hand() -> None:
            script = next((shop.parent / "record").glob("runs/*/rollback.sh"))
            subprocess.run(["sh", str(script)], check=True, capture_output=True)

        return [
            replace(step, acts=(Act("hand", by_hand), *step.acts)) if step.name == "Swap 13" else step for step in steps
        ]

    error, _, _, _ = drive(shop.parent, change=change)
    assert isinstance(error, RolledBack)
    assert "by hand" in str(error)
    assert state(shop) == before


def test_a_second_ctrl_c_does_not_stop_the_undo(shop: Path) -> None:
    before = state(shop)
    handler = signal.getsignal(signal.SIGINT)

    def change(steps: list[Step]) -> list[Step]:
        return failing("Append 14", KeyboardInterrupt())(
            undoing("Look 15", "")(undoing("Write 12", f"sleep 1\n{steps[3].undo}")(steps))
        )

    timers = [
        threading.Timer(pause, os.kill, (os.getpid(), number)) for pause, number in ((0.5, 2), (0.7, 15), (0.9, 1))
    ]

    def begin(event: Event) -> None:
        if isinstance(event, Note) and "Ctrl-C is ignored" in event.text:
            for timer in timers:
                timer.start()

    host = FaultyHost()
    record = Record.create(host, str(shop.parent / "record"), "promote", "brasserie", "ines@laptop")
    with pytest.raises(Interrupted):
        run(change(planned(record, shop)), record, begin, heartbeat=5)
    assert all(timer.finished.is_set() for timer in timers)
    assert state(shop) == before
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_listener_that_breaks_does_not_stop_the_undo(shop: Path) -> None:
    before = state(shop)
    host = FaultyHost()
    record = Record.create(host, str(shop.parent / "record"), "promote", "brasserie", "ines@laptop")

    def listen(event: Event) -> None:
        if isinstance(event, Doing):
            return
        if not isinstance(event, StepBegun | StepDone) or event.name == "Swap 13":
            raise BrokenPipeError

    with pytest.raises(RolledBack):
        run(planned(record, shop), record, listen, heartbeat=5)
    assert state(shop) == before


# -- the host goes away


def test_a_lost_connection_is_called_anew_and_undone(shop: Path) -> None:
    before = state(shop)
    error, _, _, host = drive(
        shop.parent, faults=[Fault(12, "after", OutcomeUnknown("The connection was lost."), away=3)]
    )
    assert isinstance(error, RolledBack)
    assert host.reconnected == 1
    assert state(shop) == before


def test_a_host_that_stays_away_is_left_to_its_guard(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.record.Record.insist.__kwdefaults__", {"timeout": None, "reach": 0.3})
    before = state(shop)
    lost = HostUnreachable("The host does not answer.")
    error, _, record, _ = drive(shop.parent, heartbeat=1, faults=[Fault(12, "before", lost, away=10**6)])
    assert isinstance(error, Hold)
    text = str(error)
    assert "guard on the host puts it back" in text
    assert "within about 1 seconds" in text
    assert record.path("undo.log") in text
    deadline = time.monotonic() + 10
    while not Path(record.path("rolled-back")).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert state(shop) == before


def test_a_host_that_went_away_before_anything_critical_is_not_said_to_be_closed(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.record.Record.insist.__kwdefaults__", {"timeout": None, "reach": 0.3})
    error, _, record, _ = drive(shop.parent, faults=[Fault(2, "before", HostUnreachable("gone"), away=10**6)])
    assert isinstance(error, HostUnreachable)
    assert "Customers see production as before" in str(error)
    assert record.path("rollback.sh") in str(error)


# -- everywhere

ERRORS: tuple[Callable[[], BaseException], ...] = (
    KeyboardInterrupt,
    lambda: OutcomeUnknown("The connection was lost."),
    lambda: PalierError("no"),
    lambda: RuntimeError("a defect"),
)


def _undone(folder: Path, kinds: tuple[str, ...], faults: list[Fault]) -> None:
    """Drive with ``faults``; whatever happened, the shop is as before, or the last step was done and nothing undone."""
    shop = production(folder)
    before = state(shop)
    error, events, record, _ = drive(folder, kinds, faults=faults)
    opened = any(isinstance(event, StepDone) and event.name == "Open the shop" for event in events)
    if opened and not Path(record.path("halted")).exists():
        assert not (shop / "closed").exists()
    else:
        assert error is not None
        assert state(shop) == before, (faults, error)
    assert guard_is_gone(record)
    record.journal.entries()


@pytest.mark.slow
@pytest.mark.parametrize(("when", "error"), [("before", KeyboardInterrupt()), ("after", OutcomeUnknown("lost"))])
def test_a_failure_at_every_command_leaves_the_shop_as_it_was(scratch: Path, when: str, error: BaseException) -> None:
    for number in range(1, 18):
        folder = scratch / str(number)
        folder.mkdir()
        _undone(folder, ("prepare", "write", "swap"), [Fault(number, when, error)])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_second_failure_at_every_command_of_the_undo_changes_nothing(scratch: Path, when: str) -> None:
    for number in range(1, 7):
        folder = scratch / str(number)
        folder.mkdir()
        faults = [Fault(15, "after", PalierError("no")), Fault(15 + number, when, OutcomeUnknown("lost"), away=2)]
        _undone(folder, USUAL, faults)


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(KINDS), max_size=5).map(tuple),
    st.integers(1, 30),
    st.sampled_from(["before", "after"]),
    st.sampled_from(ERRORS),
)
def test_any_steps_that_fail_anywhere_are_taken_back(
    kinds: tuple[str, ...], number: int, when: str, error: Callable[[], BaseException]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _undone(Path(folder), kinds, [Fault(number, when, error())])


# -- the plan


def test_the_plan_shows_names_acts_and_undo_and_no_secret() -> None:
    acts = on(LocalHost(), command("mariadb", "shop").fed(Secret("geheim")), command("echo", "a b"))
    text = plan(
        [
            Step("Look around", ()),
            Step("Switch code", acts, host="web1", undo="\n    mv a b\n    mv c d\n", critical=True),
        ]
    )
    assert text.splitlines() == [
        " 1. Look around",
        "",
        " 2. Switch code (on web1, critical)",
        "      + mariadb shop <<< ***",
        "      + echo 'a b'",
        "      - mv a b",
        "      - mv c d",
    ]


def test_slugs_are_safe_in_file_names() -> None:
    assert Step("Switch code: /var/www (2)", ()).slug == "switch-code-var-www-2"
    assert Step("…", ()).slug == "step"
