"""The host in memory keeps the promises that tests rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import PalierError
from pipeline.remote.command import Secret, command
from pipeline.remote.fake import FakeHost, Ran, Unscripted
from pipeline.remote.host import CommandFailed, Host, OutcomeUnknown, Result


def test_it_is_a_host() -> None:
    host: Host = FakeHost()
    assert host.name == "fake"


def test_the_answer_scripted_last_wins_and_can_run_out() -> None:
    host = FakeHost()
    host.answer("wp", stdout="old")
    host.answer(re.compile(r"wp .*list"), stdout="new", times=1)
    assert [host.run(command("wp", "list")).stdout for _ in range(2)] == ["new", "old"]


def test_a_command_without_an_answer_fails_the_test_unless_told_otherwise() -> None:
    with pytest.raises(Unscripted, match="no answer to: ls"):
        FakeHost().run(command("ls"))
    assert FakeHost(strict=False).run(command("ls")).ok


def test_a_scripted_failure_raises_only_when_checked() -> None:
    host = FakeHost()
    host.answer("x", status=3, stderr="no")
    assert host.run(command("x"), check=False).status == 3
    with pytest.raises(CommandFailed):
        host.run(command("x"))


def test_errors_and_effects_can_be_scripted() -> None:
    host = FakeHost()
    host.answer("lost", error=OutcomeUnknown("gone"))
    host.answer("echo", effect=lambda ran: ran.command.words[-1])
    host.answer("whole", effect=lambda _: Result(4, b"x", "", 1.0))
    with pytest.raises(OutcomeUnknown):
        host.run(command("lost"))
    assert host.run(command("echo", "hi")).stdout == "hi"
    assert host.run(command("whole"), check=False).status == 4


def test_everything_is_recorded_masked_and_raw() -> None:
    host = FakeHost(strict=False)
    host.run(command("login").fed(Secret("hunter2")), timeout=5)
    assert host.ran == [Ran(host.ran[0].command, "login", "login <<< ***", b"hunter2", 5)]
    assert (host.texts, host.shown, len(host.ran_like("log"))) == (["login"], ["login <<< ***"], 1)


def test_files_live_in_memory(tmp_path: Path) -> None:
    host = FakeHost()
    host.write("~/a/b", "x", mode=0o640)
    assert (host.read("/home/fake/a/b"), host.modes["/home/fake/a/b"]) == (b"x", 0o640)
    assert host.exists("~/a")
    assert not host.exists("~/c")
    host.download("~/a", tmp_path / "a")
    host.upload(tmp_path / "a", "/z")
    assert host.files["/z/b"] == b"x"
    with pytest.raises(PalierError, match="cannot be read"):
        host.read("/none")
