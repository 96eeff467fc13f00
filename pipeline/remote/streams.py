"""Bytes from a program on one host into a program on another, never through Python objects.

On one machine it is a plain pipe of that machine's shell. Otherwise the system's ``ssh`` program carries the bytes from
pipe to pipe, through this machine but not through this process.
"""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from typing import IO

from pipeline.errors import PalierError
from pipeline.remote.command import Command, quoted, script
from pipeline.remote.host import CommandFailed, Host, Result
from pipeline.remote.local import LocalHost, stop, unknown_outcome

TIMEOUT = 24 * 3600.0
"""Seconds that a stream may take."""

LOST = 255
"""The status of the ``ssh`` program when the connection, not the command, failed."""

_WHO = "cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/mnt; uname -n; id -u"


def same_login(one: Host, other: Host) -> bool:
    """Whether two hosts are the same user on the same machine: then what one may read the other may, too."""
    if one is other or (isinstance(one, LocalHost) and isinstance(other, LocalHost)):
        return True
    first, second = (host.run(script(_WHO), check=False, timeout=30) for host in (one, other))
    return first.ok and second.ok and first.raw == second.raw


def stream(source: Host, producer: Command, target: Host, consumer: Command, *, timeout: float = TIMEOUT) -> None:
    """Run ``producer`` on ``source`` and ``consumer`` on ``target``; the first one's output is the other's input.

    :raises CommandFailed: if either of them fails; what both said on standard error is in it.
    :raises OutcomeUnknown: if a connection died or the time ran out.
    """
    if same_login(source, target):
        source.run(producer.pipe(consumer), timeout=timeout)
    else:
        relay(source, producer, target, consumer, timeout=timeout)


def relay(source: Host, producer: Command, target: Host, consumer: Command, *, timeout: float = TIMEOUT) -> None:
    """Like :func:`stream`, by way of this machine, whatever the hosts are."""
    began = time.monotonic()
    with ExitStack() as stack:
        sending = _start(stack, source, producer, None)
        receiving = _start(stack, target, consumer, sending)
        feeding = threading.Thread(target=_feed, args=(sending, producer.input()), name="palier-feed", daemon=True)
        feeding.start()
        said = [_listen(process) for process in (receiving, sending)]
        try:
            for process in (receiving, sending):
                process.wait(max(0.0, timeout - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            raise unknown_outcome(
                target.name, consumer, f"It did not end within {timeout:g} s and was stopped."
            ) from None
        # The reader is judged first: when it fails, the sender dies of a closed pipe, which says nothing.
        for host, wanted, process in ((target, consumer, receiving), (source, producer, sending)):
            if process.returncode:
                text = "\n".join(part() for part in said)
                _judge(host, wanted, process.returncode, text, time.monotonic() - began)


def _judge(host: Host, wanted: Command, status: int, said: str, seconds: float) -> None:
    if status == LOST:
        raise unknown_outcome(host.name, wanted, f"The connection was lost while it ran. {said}")
    raise CommandFailed(host.name, str(wanted), Result(status, b"", wanted.masked(said), seconds))


def _start(
    stack: ExitStack, host: Host, wanted: Command, feeder: subprocess.Popen[bytes] | None
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        _words(stack, host, wanted),
        stdin=subprocess.PIPE if feeder is None else feeder.stdout,
        stdout=subprocess.PIPE if feeder is None else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    stack.callback(stop, process)
    if feeder is not None and feeder.stdout is not None:
        feeder.stdout.close()  # or the sender would not notice that its reader has died
    return process


def _words(stack: ExitStack, host: Host, wanted: Command) -> list[str]:
    from pipeline.remote.ssh import SshHost
    from pipeline.remote.ssh_program import configured

    text = f"bash -o pipefail -c {quoted(wanted.shell())}"
    if isinstance(host, LocalHost):
        return ["sh", "-c", text]
    if isinstance(host, SshHost):
        return [*stack.enter_context(configured(palier=host.login)), "palier", text]
    raise PalierError(f"Nothing can be streamed to or from {host.name}: it is neither this machine nor one over SSH.")


def _feed(process: subprocess.Popen[bytes], text: bytes | None) -> None:
    pipe = process.stdin
    if pipe is not None:
        with suppress(OSError):
            pipe.write(text or b"")
        with suppress(OSError):
            pipe.close()


class _listen:  # noqa: N801 - read as a verb where it is used
    """Collects what a program says on standard error, so that a full pipe never stops it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._said = b""
        self._thread = threading.Thread(target=self._read, args=(process.stderr,), name="palier-listen", daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        with suppress(OSError, ValueError):
            self._said = pipe.read()

    def __call__(self) -> str:
        self._thread.join(5)
        return self._said.decode("utf-8", "replace").strip()
