"""This machine as a host: the same promises as over SSH, without a network."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.errors import PalierError
from pipeline.remote.command import Command
from pipeline.remote.host import CommandFailed, OutcomeUnknown, Result
from pipeline.remote.relay import LOOPBACK, Stream, serve

DEFAULT_TIMEOUT = 600.0
"""Seconds that a command may take when nothing else is said."""

POLITE = 1.0
"""Seconds between SIGTERM and SIGKILL when a command is stopped."""


def unknown_outcome(host: str, command: Command, why: str) -> OutcomeUnknown:
    """The error for a command whose effect is not known; flows that know more put their own first sentence."""
    return OutcomeUnknown(
        f"On {host}, it is not known whether this took effect: {command}",
        why=why,
        next_step="Look at what it should have done before you repeat it.",
        production="Whether production was changed is not known.",
    )


def failed(host: str, command: Command, result: Result) -> CommandFailed:
    """The error for a status other than 0, without the secrets that the program may have echoed."""
    said = command.masked(result.stdout).encode() if not result.stderr.strip() else b""
    return CommandFailed(host, str(command), replace(result, raw=said, stderr=command.masked(result.stderr)))


class LocalHost:
    """This machine. Commands start in the home folder, as they do over SSH."""

    def __init__(self, name: str = "local", *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.name = name
        self.timeout = timeout

    def __repr__(self) -> str:
        return f"LocalHost({self.name!r})"

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        given = command.input()
        limit = self.timeout if timeout is None else timeout
        began = time.monotonic()
        process = self._start(command, with_input=given is not None)
        try:
            raw, stderr = process.communicate(given, timeout=limit)
        except subprocess.TimeoutExpired:
            stop(process)
            raise unknown_outcome(self.name, command, f"It did not end within {limit:g} s and was stopped.") from None
        except BaseException:
            stop(process)  # Ctrl-C: what was interrupted must not run on beside its own undo
            raise
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        result = Result(status, raw, stderr.decode("utf-8", "replace"), time.monotonic() - began)
        if check and not result.ok:
            raise failed(self.name, command, result)
        return result

    def _start(self, command: Command, *, with_input: bool) -> subprocess.Popen[bytes]:
        home = Path.home()
        try:
            return subprocess.Popen(
                [b"bash", b"-o", b"pipefail", b"-c", command.wire() + b"\nexit $?"],
                stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=home if home.is_dir() else "/",
                start_new_session=True,
            )
        except OSError as problem:
            raise PalierError(
                f"On {self.name}, a command could not be started: {str(command)[:300]}", why=f"{problem}."
            ) from None

    def read(self, path: str) -> bytes:
        try:
            return Path(self.expand(path)).read_bytes()
        except OSError as problem:
            raise PalierError(f"On {self.name}, {path} cannot be read.", why=f"{problem.strerror}.") from None

    def write(self, path: str, content: str | bytes, *, mode: int = 0o600) -> None:
        whole = self.expand(path)
        partial = f"{whole}.partial-{secrets.token_hex(4)}"
        data = content if isinstance(content, bytes) else content.encode()
        try:
            _write_synced(partial, data, mode)
            Path(partial).replace(whole)
            _sync_folder(Path(whole).parent)
        except OSError as problem:
            raise PalierError(f"On {self.name}, {path} cannot be written.", why=f"{problem.strerror}.") from None
        finally:
            Path(partial).unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        return Path(self.expand(path)).exists()

    def upload(self, source: Path, path: str) -> None:
        self._copy(str(source.absolute()), self.expand(path))

    def download(self, path: str, target: Path) -> None:
        self._copy(self.expand(path), str(target.absolute()))

    def _copy(self, source: str, target: str) -> None:
        if not os.path.lexists(source):
            raise PalierError(f"On {self.name}, {source} cannot be read.", why="No such file or directory.")
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        self.run(Command(("cp", "-a", "--remove-destination", "-T", "--", source, target)))

    @contextmanager
    def forward(self, address: str, port: int) -> Iterator[tuple[str, int]]:
        yield address, port

    @contextmanager
    def forward_socket(self, path: str) -> Iterator[tuple[str, int]]:
        whole = self.expand(path)

        def open_far() -> Stream:
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                far.connect(whole)
            except OSError:
                far.close()
                raise
            return far

        with serve(open_far) as address:
            yield address

    @contextmanager
    def listen(self, port: int, local_port: int) -> Iterator[int]:
        if port in (0, local_port):
            yield local_port
            return
        try:
            with serve(lambda: socket.create_connection((LOOPBACK, local_port)), port) as (_, served):
                yield served
        except OSError as problem:
            raise PalierError(
                f"On {self.name}, port {port} cannot be listened on.", why=f"{problem.strerror}."
            ) from None

    def expand(self, path: str) -> str:
        return str(Path.home()) + path[1:] if path == "~" or path.startswith("~/") else path

    def close(self) -> None:
        """Nothing to close."""


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process started in its own session, with its whole group: politely, then not."""
    for number, patience in ((signal.SIGTERM, POLITE), (signal.SIGKILL, POLITE)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _write_synced(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 & mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
