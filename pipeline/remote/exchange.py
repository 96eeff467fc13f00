"""One command on one SSH channel: input sent and both outputs read at the same time, as long as needed."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import paramiko

from pipeline.remote.command import quoted

CHUNK = 65536


class Exchange:
    """A command that runs on the host. Its process group can be told from the first line that it writes to stderr.

    That line is taken out again. Without a terminal a command outlives its connection, and SSH offers no dependable
    way of stopping it: the id is what a second channel kills.
    """

    def __init__(self, channel: paramiko.Channel, source: bytes | BinaryIO | None, sink: BinaryIO | None) -> None:
        self._channel = channel
        self._sink = sink
        self._source = source
        self._token = f"palier-{secrets.token_hex(8)}"
        self._out: list[bytes] = []
        self._err: list[bytes] = []
        self._threads: list[threading.Thread] = []
        self.problem: OSError | None = None
        """What went wrong on this machine while output was stored or input read."""

    def start(self, text: bytes) -> None:
        """:raises paramiko.SSHException: if the host does not take the command; it may have been started or not."""
        # The last line keeps bash from replacing itself by the program: it stays as its parent, with the id that was
        # told, and turns a deadly signal into the status 128 + n.
        whole = f'echo "{self._token} $$" >&2\n'.encode() + text + b"\nexit $?"
        self._channel.exec_command(b"exec bash -o pipefail -c " + _quoted(whole))
        for work in (self._send, self._read_out, self._read_err):
            thread = threading.Thread(target=work, name="palier-exchange", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self, seconds: float) -> bool:
        """Whether the command ended, and everything it wrote was read, within ``seconds``."""
        deadline = time.monotonic() + seconds
        for thread in self._threads[1:]:
            thread.join(max(deadline - time.monotonic(), 0))
            if thread.is_alive():
                return False
        return self._channel.status_event.wait(max(deadline - time.monotonic(), 0))

    @property
    def status(self) -> int:
        """The command's status; −1: the connection ended before the host told it."""
        return self._channel.exit_status

    @property
    def out(self) -> bytes:
        return b"".join(self._out)

    @property
    def err(self) -> bytes:
        return self._marker().sub(b"", b"".join(self._err), count=1)

    def process_within(self, seconds: float) -> int | None:
        """The id of the shell that runs the command; ``None`` if it did not tell it, or the channel has ended."""
        deadline = time.monotonic() + seconds
        while True:
            found = self._marker().search(b"".join(self._err))
            if found is not None:
                return int(found[1])
            if self._channel.closed or time.monotonic() > deadline:
                return None
            time.sleep(0.05)

    def _marker(self) -> re.Pattern[bytes]:
        return re.compile(self._token.encode() + rb" (\d+)\n")

    def _send(self) -> None:
        # A program may end without reading its input: channel and source are closed under us then, which is no failure.
        with contextlib.suppress(OSError, EOFError, ValueError):
            for chunk in self._chunks():
                self._channel.sendall(chunk)
            self._channel.shutdown_write()

    def _chunks(self) -> Iterator[bytes]:
        # In pieces: Paramiko copies all that is left of a large block each time it sends a part of it.
        if isinstance(self._source, bytes):
            for start in range(0, len(self._source), CHUNK):
                yield self._source[start : start + CHUNK]
        elif self._source is not None:
            while chunk := self._source.read(CHUNK):
                yield chunk

    def _read_out(self) -> None:
        keep = self._out.append if self._sink is None else self._sink.write
        self._read(self._channel.recv, keep)

    def _read_err(self) -> None:
        self._read(self._channel.recv_stderr, self._err.append)

    def _read(self, receive: Callable[[int], bytes], keep: Callable[[bytes], object]) -> None:
        try:
            while data := receive(CHUNK):
                keep(data)
        except OSError as problem:
            self.problem = problem
            self._channel.close()


def _quoted(text: bytes) -> bytes:
    return quoted(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
