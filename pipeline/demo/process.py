"""Servers as child processes: started with a limit in time, found again by another process, ended to the last child."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import PalierError

MARK = "PALIER_DEMO"
"""Environment variable of every process of a world, also of those started over its SSH: its value is the folder."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers started by this process, kept so that one that ends is reaped and never stays as a zombie."""


class ServiceFailed(PalierError):
    """A server of the demo world did not start or did not stop in time; the end of its log is in the message."""


def program(name: str, package: str) -> str:
    """The full path of a server program, also where ordinary users have no ``sbin`` in their PATH.

    :raises ServiceFailed: naming the Debian package that has it.
    """
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        raise ServiceFailed(
            f"The program {name} is not installed.", next_step=f"Install it with: apt-get install {package}"
        )
    return path


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        text = log.read_text("utf-8", "replace")
    except OSError:
        return f"(nothing was written to {log})"
    return "\n".join(text.splitlines()[-lines:]) or f"({log} is empty)"


class Daemon:
    """One server process, known by ``<folder>/<name>.pid`` (its id and its start time) and ``<folder>/<name>.log``."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._record = folder / f"{name}.pid"

    @property
    def pid(self) -> int | None:
        """The process id, or ``None`` if it does not run. A reused id is told apart by its start time."""
        try:
            pid, started = map(int, self._record.read_text().split())
        except (OSError, ValueError):
            return None
        return pid if _started(pid) == started else None

    def start(
        self,
        words: Sequence[str],
        ready: Callable[[], bool],
        *,
        seconds: float = 30,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        marked: Path | None = None,
        logs: Iterable[Path] = (),
    ) -> None:
        """Run ``words`` in a session of its own and wait until ``ready()``; nothing to do when it runs already.

        :param marked: the world that the process belongs to, see :data:`MARK`.
        :param logs: further logs whose end is told when it fails.
        :raises ServiceFailed: if it ended, or was not ready after ``seconds``.
        """
        if self.pid is not None and ready():
            return
        self.stop()
        env = {**os.environ, **(environment or {}), MARK: str(marked or self.log.parent)}
        with self.log.open("ab") as out:
            child = subprocess.Popen(
                list(words), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd, start_new_session=True
            )
        _children[child.pid] = child
        self._record.write_text(f"{child.pid} {_started(child.pid) or 0}\n")
        self._wait(ready, seconds, logs)

    def _wait(self, ready: Callable[[], bool], seconds: float, logs: Iterable[Path]) -> None:
        deadline = time.monotonic() + seconds
        while True:
            if self.pid is None:
                what = f"{self.name} ended as soon as it was started."
                break
            if ready():
                return
            if time.monotonic() > deadline:
                what = f"{self.name} was not ready after {seconds:.0f} s."
                break
            time.sleep(0.05)
        said = "\n".join(f"{log}:\n{tail(log)}" for log in (self.log, *logs))
        self.stop()
        raise ServiceFailed(what, why=f"The end of its log:\n{said}")

    def stop(self, *, seconds: float = 15) -> None:
        """End it and all its children, first politely; no process of it is left. Nothing to do when it does not run."""
        pid = self.pid
        if pid is not None:
            end([pid], seconds=seconds)
        self._record.unlink(missing_ok=True)


def end(pids: Iterable[int], *, seconds: float = 15) -> None:
    """End processes and their descendants: SIGTERM, then SIGKILL after ``seconds``.

    The descendants are noted first: a session of sshd outlives its server and would be nobody's child afterwards.
    """
    first = list(pids)
    began_at = {pid: _started(pid) for pid in family(first)}
    for pid in first:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(_started(pid) == began_at[pid] for pid in first) and time.monotonic() < deadline:
        time.sleep(0.02)
    rest = [pid for pid, began in began_at.items() if began is not None and _started(pid) == began]
    for pid in rest:
        _signal(pid, signal.SIGTERM if pid not in first else signal.SIGKILL)
    deadline = time.monotonic() + 3
    while rest and time.monotonic() < deadline:
        time.sleep(0.02)
        rest = [pid for pid in rest if _started(pid) == began_at[pid]]
    for pid in rest:
        _signal(pid, signal.SIGKILL)


def marked(world: Path) -> list[int]:
    """Processes that carry the mark of ``world``: above all those that detached themselves over its SSH."""
    wanted = f"{MARK}={world}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _stat(pid: int) -> list[str] | None:
    """The fields of ``/proc/PID/stat`` from the state on; the name before them may hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None


def _started(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; ``None`` if it is not there or only a zombie."""
    if pid in _children:
        _children[pid].poll()
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def family(pids: Iterable[int]) -> set[int]:
    """The processes themselves and all their descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields is not None:
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    queue = list(pids)
    while queue:
        pid = queue.pop()
        if pid not in found:
            found.add(pid)
            queue += parents.get(pid, [])
    return found
