"""Commands and secrets as values: words are quoted once, rendered to shell once, and shown masked everywhere else.

A secret cannot become a word of a command: words are ``str`` and :class:`Secret` is not. Secrets travel over standard
input or in files of mode 0600, so they show neither in a process list nor in a log, a report, a plan or a script.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pipeline.errors import PalierError

MASK = "***"


@dataclass(frozen=True)
class Secret:
    """A value that is never shown. ``reveal()`` is called only where it goes on the wire or into a 0600 file."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__


TRACED = 15
"""Characters that PHP shows of a long argument in the trace of an error."""


def masked(text: str, *secrets: Secret) -> str:
    """What a program said, without these secrets: PHP's traces show the arguments of calls, passwords among them.

    A secret of fewer than 6 characters cannot be told from other words, and is left.
    """
    for secret in sorted({secret.reveal() for secret in secrets}, key=len, reverse=True):
        if len(secret) >= 6:
            text = text.replace(secret, MASK)
            text = text.replace(f"{secret[:TRACED]}...", MASK) if len(secret) > TRACED else text
    return text


def quoted(word: str) -> str:
    """One word for the shell. :raises PalierError: if it holds a NUL, which no argument or path can."""
    if "\0" in word:
        raise PalierError("A command was to be given a word with a NUL character in it.", why=ascii(word)[:200])
    return shlex.quote(word)


Stdin = str | bytes | Secret | tuple[str | Secret, ...] | None


@dataclass(frozen=True)
class Command:
    """One program and its words, or several joined by pipes: a value that can be printed, compared and run.

    Build one with :func:`command`, join them with :meth:`pipe`, send the output to a file with :meth:`into`.
    """

    words: tuple[str, ...]
    stdin: Stdin = None
    cwd: str | None = None
    user: str | None = None
    """Run as this user through ``sudo -n``; ``None``: as whoever is connected."""
    piped: Command | None = None
    """The command whose standard output is this one's standard input."""
    output: str | None = None
    """The file on the host that standard output is written to."""

    def fed(self, *parts: str | Secret) -> Command:
        """The same command with ``parts`` as standard input."""
        return replace(self, stdin=parts)

    def within(self, folder: str) -> Command:
        """The same command started in ``folder``."""
        return replace(self, cwd=folder)

    def as_user(self, user: str | None) -> Command:
        """The same command run as ``user`` (``None``: as whoever is connected)."""
        return replace(self, user=user)

    def pipe(self, into: Command) -> Command:
        """``self | into``; the pipeline fails if any part of it fails."""
        return replace(into, piped=self)

    def into(self, path: str) -> Command:
        """The same command with its output written to the file ``path`` on the host."""
        return replace(self, output=path)

    def shell(self) -> str:
        """The text for ``bash -o pipefail -c``: the one place where words are quoted."""
        text = " ".join(quoted(word) for word in self.words)
        if self.user is not None:
            text = f"sudo -n -u {quoted(self.user)} -- {text}"
        if self.cwd is not None:
            text = f"cd -- {quoted(self.cwd)} && {text}"
        if self.output is not None:
            text = f"{text} > {quoted(self.output)}"
        if self.piped is not None:
            text = f"{self.piped.grouped()} | {self.grouped_text(text)}"
        return text

    def grouped(self) -> str:
        """The text of this command so that it can stand before a pipe sign."""
        return self.grouped_text(self.shell())

    @staticmethod
    def grouped_text(text: str) -> str:
        return f"{{ {text}; }}" if " && " in text else text

    def input(self) -> bytes | None:
        """What goes over the wire as standard input of the whole pipeline; may hold secrets."""
        source = self.first().stdin
        if source is None or isinstance(source, bytes):
            return source
        parts = source if isinstance(source, tuple) else (source,)
        return "".join(part.reveal() if isinstance(part, Secret) else part for part in parts).encode()

    def wire(self) -> bytes:
        """The shell text as bytes; file names that are not UTF-8 (``surrogateescape``) come out as they went in."""
        return self.shell().encode("utf-8", "surrogateescape")

    def secrets(self) -> Iterator[Secret]:
        """The secrets that standard input holds."""
        source = self.first().stdin
        for part in source if isinstance(source, tuple) else (source,):
            if isinstance(part, Secret):
                yield part

    def masked(self, text: str) -> str:
        """``text`` with every secret of this command replaced: for what a program said, which may echo its input."""
        for secret in self.secrets():
            for value in {secret.reveal(), secret.reveal().strip()} - {""}:
                text = text.replace(value, MASK)
        return text

    def first(self) -> Command:
        """The head of the pipeline: the only part that is given standard input."""
        return self if self.piped is None else self.piped.first()

    def __str__(self) -> str:
        """As people may see it: the shell text; standard input shown as ``<<< ***`` where it holds a secret."""
        return self.shell() + (f" <<< {MASK}" if any(True for _ in self.secrets()) else "")


def command(*words: str | int) -> Command:
    """A command from its words; numbers are written as decimals. Words are quoted when it is rendered."""
    return Command(tuple(str(word) for word in words))


def script(text: str, *arguments: str | int) -> Command:
    """A POSIX shell text with arguments ``$1 $2 ...``; outside values go into ``arguments``, never into ``text``."""
    return command("sh", "-euc", text, "palier", *arguments)
