"""What a host can be asked, whatever stands behind it: a protocol that ``ssh``, ``local`` and ``fake`` satisfy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import Inconclusive, PalierError
from pipeline.remote.command import Command


@dataclass(frozen=True)
class Result:
    """What a command left behind. Text is decoded as UTF-8 with replacement; ``raw`` is the exact output."""

    status: int
    raw: bytes
    stderr: str
    seconds: float

    @property
    def stdout(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        return self.status == 0


class CommandFailed(PalierError):
    """A command answered with a status other than 0; ``result`` has what it said, ``command`` is masked text."""

    def __init__(self, host: str, command: str, result: Result) -> None:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()
        super().__init__(
            f"On {host}, a command failed with status {result.status}: {command}",
            why=" / ".join(said[-3:])[:600],
        )
        self.result = result
        self.command = command


class HostUnreachable(PalierError):
    """The host did not answer, refused the port, or refused the login; nothing was run on it."""


class HostKeyRefused(HostUnreachable):
    """The host's key is unknown or has changed; the next step is the command that would accept it."""


class OutcomeUnknown(Inconclusive):
    """The connection died while a command ran: it may or may not have taken effect."""


class Host(Protocol):
    """One machine. Paths are strings on that host; a leading ``~/`` means the connected user's home."""

    name: str

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        """Run ``command`` to its end.

        :param timeout: seconds after which it is killed; ``None``: the host's default (600).
        :raises CommandFailed: if ``check`` and the status is not 0.
        :raises OutcomeUnknown: if the connection died, or the time ran out, while it ran.
        """

    def read(self, path: str) -> bytes:
        """The content of a file. :raises PalierError: if it cannot be read."""

    def write(self, path: str, content: str | bytes, *, mode: int = 0o600) -> None:
        """Write a file whole or not at all: beside it, synced, then renamed over it. Its folder must exist."""

    def exists(self, path: str) -> bool: ...

    def upload(self, source: Path, path: str) -> None:
        """Copy a local file or folder (recursively, contents of ``source`` become contents of ``path``)."""

    def download(self, path: str, target: Path) -> None:
        """Copy a file or folder of the host to this machine."""

    def forward(self, address: str, port: int) -> AbstractContextManager[tuple[str, int]]:
        """A local (address, port) that leads to ``address:port`` as the host sees it."""

    def forward_socket(self, path: str) -> AbstractContextManager[tuple[str, int]]:
        """A local (address, port) that leads to the Unix socket ``path`` on the host."""

    def listen(self, port: int, local_port: int) -> AbstractContextManager[int]:
        """Make the host's loopback ``port`` (0: any) lead to ``local_port`` here; yields the host's port."""

    def expand(self, path: str) -> str:
        """``path`` with a leading ``~/`` replaced by the connected user's home folder."""

    def close(self) -> None: ...
