"""The error border: sentences and exit codes, never a traceback for a user's mistake."""

from __future__ import annotations

import os
import signal

import click
import pytest

from pipeline.cli.border import guarded
from pipeline.errors import (
    ApprovalMissing,
    ConfigError,
    ExitCode,
    Hold,
    Inconclusive,
    Interrupted,
    Locked,
    PalierError,
    Refused,
    RolledBack,
    SmokeFailed,
)


def ending(raised: BaseException | None, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit status and standard error of a command that raises ``raised``."""

    @click.group(invoke_without_command=True)
    def group() -> None:
        if raised is not None:
            raise raised

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["palier"])
        with pytest.raises(SystemExit) as left:
            guarded(group)
    return int(left.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (PalierError, 1),
        (ConfigError, 2),
        (SmokeFailed, 3),
        (ApprovalMissing, 4),
        (Refused, 5),
        (Locked, 6),
        (RolledBack, 7),
        (Hold, 8),
        (Inconclusive, 9),
        (Interrupted, 130),
    ],
)
def test_each_error_leaves_with_its_own_code_and_says_first_whether_production_was_changed(
    kind: type[PalierError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = ending(kind("It broke.", why="A wheel came off.", next_step="Put it on."), capsys)
    assert status == code
    assert said.splitlines() == ["Production was not changed.", "It broke.", "A wheel came off.", "Put it on."]


def test_success_leaves_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(None, capsys) == (0, "")


def test_ctrl_c_leaves_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = ending(KeyboardInterrupt(), capsys)
    assert status == ExitCode.INTERRUPTED
    assert said.splitlines()[-1] == "Interrupted."


def test_a_wrong_word_on_the_command_line_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = ending(click.UsageError("No such option: --fast"), capsys)
    assert status == ExitCode.USAGE
    assert said.startswith("Production was not changed.")
    assert "No such option: --fast" in said


def test_a_defect_of_palier_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PALIER_DEBUG", raising=False)
    status, said = ending(ZeroDivisionError("division by zero"), capsys)
    assert status == ExitCode.HOLD
    assert "Traceback" not in said
    assert "defect of Palier: ZeroDivisionError" in said
    assert said.startswith("Whether production was changed is not known")


def test_sigterm_is_an_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    @click.group(invoke_without_command=True)
    def group() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["palier"])
            with pytest.raises(SystemExit) as left:
                guarded(group)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)
    assert left.value.code == ExitCode.INTERRUPTED
    assert "Interrupted." in capsys.readouterr().err
