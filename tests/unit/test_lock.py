"""The lock: one of many contenders, and a sentence for the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import Hold, Locked, PalierError, Refused
from pipeline.lock import acquire, me, release, status
from pipeline.remote.command import Command
from pipeline.remote.host import HostUnreachable, OutcomeUnknown, Result
from pipeline.remote.local import LocalHost

HOST = LocalHost("production")


@pytest.fixture
def root(scratch: Path) -> str:
    return str(scratch / "record")


@pytest.mark.parametrize("turn", range(8))
def test_of_four_contenders_exactly_one_wins(root: str, turn: int) -> None:
    ready, over = threading.Barrier(4), threading.Barrier(4)

    def contend(name: int) -> bool:
        ready.wait()
        try:
            with acquire(LocalHost(), root, f"contender {name}"):
                over.wait()
                return True
        except Locked:
            over.wait()
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(contend, range(4))) == 1
    assert status(HOST, root) is None


def test_a_second_run_is_told_who_when_why_and_what_to_type(root: str) -> None:
    with acquire(HOST, root, "promote 20261121T190102Z-promote-0a1b") as owner:
        with pytest.raises(Locked) as caught, acquire(HOST, root, "update", shop="brasserie"):
            pass
        text = str(caught.value)
    assert text.startswith("Production was not changed.")
    assert me() in text
    assert owner.when in text
    assert "promote 20261121T190102Z-promote-0a1b" in text
    assert "palier lock status brasserie" in text
    assert "palier lock release brasserie" in text
    assert caught.value.exit_code == 6


def test_it_is_free_after_success_failure_and_interruption(root: str) -> None:
    with acquire(HOST, root, "promote"):
        pass
    assert status(HOST, root) is None
    for error in (PalierError("no"), KeyboardInterrupt(), ValueError()):
        with pytest.raises(type(error)), acquire(HOST, root, "promote"):
            raise error
        assert status(HOST, root) is None


def test_it_is_kept_when_a_person_must_look(root: str) -> None:
    with pytest.raises(Hold), acquire(HOST, root, "promote"):
        raise Hold("stuck")
    owner = status(HOST, root)
    assert owner is not None
    assert owner.why == "promote"
    assert release(HOST, root) == owner
    assert status(HOST, root) is None
    assert release(HOST, root) is None


def test_a_crash_before_the_owner_was_written_locks_nobody_out(root: str) -> None:
    Path(root, "lock").mkdir(parents=True)
    owner = status(HOST, root)
    assert owner is not None
    assert owner.who == "unknown"
    with acquire(HOST, root, "promote"):
        assert status(HOST, root) is not None
    assert status(HOST, root) is None


def test_somebody_elses_lock_is_opened_by_force_only(root: str) -> None:
    with acquire(HOST, root, "promote"):
        file = Path(root, "lock", "owner.json")
        file.write_text(file.read_text().replace(me(), "ines@laptop"))
        with pytest.raises(Refused, match="ines@laptop"):
            release(HOST, root)
        assert status(HOST, root) is not None
        assert release(HOST, root, force=True) is not None
        assert status(HOST, root) is None


def test_a_run_whose_lock_was_taken_from_it_leaves_the_new_owners_alone(root: str) -> None:
    with acquire(HOST, root, "first"):
        release(HOST, root)
        second = acquire(HOST, root, "second")
        second.__enter__()
    owner = status(HOST, root)
    assert owner is not None
    assert owner.why == "second"
    second.__exit__(None, None, None)


class Cut(LocalHost):
    """Loses the connection after the commands with these numbers have taken effect."""

    def __init__(self, error: type[PalierError], *numbers: int) -> None:
        super().__init__()
        self.error, self.numbers, self.count = error, numbers, 0

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        self.count += 1
        result = super().run(command, check=check, timeout=timeout)
        if self.count in self.numbers:
            raise self.error("The connection was lost.")
        return result


def test_a_connection_lost_while_locking_leaves_no_lock(root: str) -> None:
    with pytest.raises(OutcomeUnknown), acquire(Cut(OutcomeUnknown, 1), root, "promote"):
        pass
    assert status(HOST, root) is None


def test_a_lock_that_cannot_be_released_does_not_hide_the_failure(root: str) -> None:
    with pytest.raises(Refused) as caught, acquire(Cut(HostUnreachable, 2), root, "promote"):
        raise Refused("drift")
    assert "palier lock release" in caught.value.__notes__[0]


def test_after_success_a_lock_left_behind_is_said_without_doubting_the_run(root: str) -> None:
    with (
        pytest.raises(PalierError, match="The run is done") as caught,
        acquire(Cut(HostUnreachable, 2), root, "promote"),
    ):
        pass
    assert "palier lock release" in str(caught.value)


def test_a_place_that_cannot_be_written_is_a_refusal(scratch: Path) -> None:
    (scratch / "file").write_text("")
    with pytest.raises(Refused), acquire(HOST, str(scratch / "file"), "promote"):
        pass
