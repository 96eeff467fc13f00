"""Streams between two hosts, over real SSH and on one machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.inventory import HostSpec
from pipeline.demo.sshd import Sshd
from pipeline.remote import streams
from pipeline.remote.command import Secret, command, script
from pipeline.remote.connect import connect
from pipeline.remote.host import CommandFailed, Host, OutcomeUnknown
from pipeline.remote.local import LocalHost

pytestmark = pytest.mark.integration


@pytest.fixture
def far(sshd: Sshd) -> Iterator[Host]:
    spec = HostSpec(
        ssh=f"{sshd.user}@127.0.0.1:{sshd.port}", identity=sshd.identity, known_hosts=sshd.known_hosts, jump=None
    )
    host = connect(spec, "production")
    yield host
    host.close()


@pytest.fixture(params=[streams.stream, streams.relay], ids=["stream", "relay"])
def way(request: pytest.FixtureRequest) -> Callable[..., None]:
    """A pipe of the one machine that everything here is, and the way between different ones."""
    found: Callable[..., None] = request.param
    return found


def test_one_user_of_one_machine_is_recognised(far: Host) -> None:
    assert streams.same_login(far, LocalHost())


@pytest.mark.parametrize("ends", ["out", "in", "both"])
def test_every_byte_arrives(far: Host, scratch: Path, way: Callable[..., None], ends: str) -> None:
    source, target = {"out": (LocalHost(), far), "in": (far, LocalHost()), "both": (far, far)}[ends]
    data = bytes(range(256)) * 20_000
    way(
        source,
        replace(script("cat"), stdin=data),
        target,
        script('cat > "$1"', str(scratch / "it's here")),
    )
    assert hashlib.sha256((scratch / "it's here").read_bytes()).digest() == hashlib.sha256(data).digest()


def test_a_writer_that_fails_is_told_though_its_reader_is_content(far: Host, way: Callable[..., None]) -> None:
    with pytest.raises(CommandFailed, match="broken here"):
        way(LocalHost(), script("echo a; echo broken here >&2; exit 3"), far, script("cat >/dev/null"))


def test_a_reader_that_fails_is_told_and_its_writer_ends(far: Host, way: Callable[..., None]) -> None:
    with pytest.raises(CommandFailed, match="no more"):
        way(far, command("yes"), LocalHost(), script("head -c 10 >/dev/null; echo no more >&2; exit 4"))


def test_a_secret_that_is_fed_is_not_told(far: Host, way: Callable[..., None]) -> None:
    wanted = script("cat >&2; exit 1").fed("pass=", Secret("hunter2"))
    with pytest.raises(CommandFailed) as failure:
        way(far, wanted, LocalHost(), script("cat >/dev/null"))
    assert "hunter2" not in str(failure.value) + failure.value.result.stderr


def test_a_stream_that_takes_too_long_is_stopped(far: Host, way: Callable[..., None]) -> None:
    with pytest.raises(OutcomeUnknown, match="did not end"):
        way(far, command("sleep", "60"), LocalHost(), command("cat"), timeout=1)
