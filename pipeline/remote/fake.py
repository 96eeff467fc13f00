"""A host in memory, for tests of whatever builds or runs commands: scripted answers, a record of what was run.

host = FakeHost("production")
host.answer("plugin list", stdout='[{"name": "shop-search", "version": "2.1.0"}]')
host.answer("wp db export", status=1, stderr="no space left")
...
assert host.texts == ["wp plugin list --format=json"]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.errors import PalierError
from pipeline.remote.command import Command
from pipeline.remote.host import CommandFailed, Result

Pattern = str | re.Pattern[str]


class Unscripted(AssertionError):
    """A command was run that no answer was scripted for."""


@dataclass(frozen=True)
class Ran:
    """One command that was run: ``text`` as the shell would get it, ``shown`` as people would see it."""

    command: Command
    text: str
    shown: str
    input: bytes | None
    timeout: float | None


@dataclass
class Answer:
    """What is said to commands whose text holds ``pattern`` (text: as it stands; an expression: searched)."""

    pattern: Pattern
    result: Result
    error: BaseException | None = None
    effect: Callable[[Ran], str | bytes | Result | None] | None = None
    times: int | None = None

    def fits(self, text: str) -> bool:
        if self.times == 0:
            return False
        found = self.pattern in text if isinstance(self.pattern, str) else self.pattern.search(text)
        return bool(found)


@dataclass
class FakeHost:
    """A host that satisfies :class:`pipeline.remote.host.Host` without a machine behind it.

    :param strict: a command without a scripted answer raises :class:`Unscripted`; otherwise it succeeds in silence.
    """

    name: str = "fake"
    strict: bool = True
    home: str = "/home/fake"
    files: dict[str, bytes] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    ran: list[Ran] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    sockets: dict[str, int] = field(default_factory=dict)
    """Unix sockets of the host, and the local port that leads to each."""
    closed: bool = False

    def answer(
        self,
        pattern: Pattern,
        *,
        stdout: str | bytes = b"",
        stderr: str = "",
        status: int = 0,
        error: BaseException | None = None,
        effect: Callable[[Ran], str | bytes | Result | None] | None = None,
        times: int | None = None,
    ) -> None:
        """Script what commands matching ``pattern`` are told; the answer scripted last wins.

        :param error: raised instead of answering, for example ``OutcomeUnknown``.
        :param effect: called with the command; text it returns becomes the output, a ``Result`` the whole answer.
        :param times: how often this answer serves; ``None``: always.
        """
        raw = stdout if isinstance(stdout, bytes) else stdout.encode()
        self.answers.append(Answer(pattern, Result(status, raw, stderr, 0.0), error, effect, times))

    @property
    def texts(self) -> list[str]:
        """The raw shell text of everything that was run, in order."""
        return [ran.text for ran in self.ran]

    @property
    def shown(self) -> list[str]:
        """The masked text of everything that was run, in order."""
        return [ran.shown for ran in self.ran]

    def ran_like(self, pattern: Pattern) -> list[Ran]:
        """What was run whose raw text matches ``pattern``."""
        return [ran for ran in self.ran if Answer(pattern, Result(0, b"", "", 0.0)).fits(ran.text)]

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        ran = Ran(command, command.shell(), str(command), command.input(), timeout)
        self.ran.append(ran)
        result = self._result(ran)
        if check and not result.ok:
            raise CommandFailed(self.name, str(command), result)
        return result

    def _result(self, ran: Ran) -> Result:
        answer = next((answer for answer in reversed(self.answers) if answer.fits(ran.text)), None)
        if answer is None:
            if self.strict:
                raise Unscripted(f"{self.name} was asked, and has no answer to: {ran.shown}")
            return Result(0, b"", "", 0.0)
        if answer.times is not None:
            answer.times -= 1
        if answer.error is not None:
            raise answer.error
        said = answer.effect(ran) if answer.effect is not None else None
        if said is None:
            return answer.result
        if isinstance(said, Result):
            return said
        return Result(
            answer.result.status, said if isinstance(said, bytes) else said.encode(), answer.result.stderr, 0.0
        )

    def read(self, path: str) -> bytes:
        try:
            return self.files[self.expand(path)]
        except KeyError:
            raise PalierError(f"On {self.name}, {path} cannot be read.", why="No such file or directory.") from None

    def write(self, path: str, content: str | bytes, *, mode: int = 0o600) -> None:
        path = self.expand(path)
        self.files[path] = content if isinstance(content, bytes) else content.encode()
        self.modes[path] = mode

    def exists(self, path: str) -> bool:
        path = self.expand(path).rstrip("/")
        return path in self.files or any(name.startswith(path + "/") for name in self.files)

    def upload(self, source: Path, path: str) -> None:
        top = PurePosixPath(self.expand(path))
        if source.is_file():
            self.files[str(top)] = source.read_bytes()
            return
        for file in sorted(source.rglob("*")):
            if file.is_file():
                self.files[str(top / file.relative_to(source))] = file.read_bytes()

    def download(self, path: str, target: Path) -> None:
        path = self.expand(path).rstrip("/")
        if path in self.files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.files[path])
            return
        if not self.exists(path):
            raise PalierError(f"On {self.name}, {path} cannot be read.", why="No such file or directory.")
        target.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            if name.startswith(path + "/"):
                file = target / name.removeprefix(path + "/")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    @contextmanager
    def forward(self, address: str, port: int) -> Iterator[tuple[str, int]]:
        yield address, port

    @contextmanager
    def forward_socket(self, path: str) -> Iterator[tuple[str, int]]:
        yield "127.0.0.1", self.sockets[self.expand(path)]

    @contextmanager
    def listen(self, port: int, local_port: int) -> Iterator[int]:
        yield port or local_port

    def expand(self, path: str) -> str:
        return self.home + path[1:] if path == "~" or path.startswith("~/") else path

    def close(self) -> None:
        self.closed = True
