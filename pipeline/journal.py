"""The journal of a run: append-only lines of JSON on the host, each of which carries the hash of the line before.

A line ends in ``"sum"``, the SHA-256 of everything in front of it, and holds ``"prev"``, the SHA-256 of the whole
previous line (for the first line: of the run's id). So any change, deletion or exchange of lines shows. Lines are
synced before the next thing is done; a crash can tear the last line at most.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.errors import Inconclusive, PalierError
from pipeline.remote.command import script
from pipeline.remote.host import Host, Result

Fact = str | int | float | bool | None

MOVED = 96
"""What :data:`APPEND` answers when the journal has another length than was thought: another writer, or a lost write."""

TORN = "torn"
"""The event of the last entry of :func:`verify` if the last line was torn; its fact ``text`` is what remains of it."""

APPEND = """
[ "$(wc -c < journal.jsonl)" -eq "$size" ] || exit 96
printf %s "$lines" >> journal.jsonl
sync -d journal.jsonl 2>/dev/null || sync
"""
"""Shell text that appends ``$lines`` in the run's folder if the journal is ``$size`` bytes long."""

_LINE = re.compile(r'(?P<body>\{.*),"sum":"(?P<sum>[0-9a-f]{64})"\}')


class JournalDamaged(PalierError):
    """A journal was changed after it was written."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened, ``at`` a time in UTC (ISO 8601), with its facts."""

    at: str
    event: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


def render(entry: Entry, previous: str) -> str:
    """One line, without its end; ``previous`` is the whole line before it, or the run's id."""
    table = {"at": entry.at, "event": entry.event, **entry.facts, "prev": _sha256(previous)}
    body = json.dumps(table, separators=(",", ":"))[:-1]
    return f'{body},"sum":"{_sha256(body)}"}}'


def verify(text: str, run: str | None = None) -> list[Entry]:
    """The entries of a journal, oldest first; a torn last line becomes an entry with the event :data:`TORN`.

    :param run: the id of the run that it must belong to; ``None``: any.
    :raises JournalDamaged: if anything else is not as it was written.
    """
    *lines, tail = text.split("\n")
    entries: list[Entry] = []
    previous = run
    for number, line in enumerate(lines, start=1):
        entry, said = _parsed(line, number)
        if previous is None:
            previous = str(entry.facts.get("run", ""))
        if said != _sha256(previous):
            raise _damaged(number, "It does not follow the line before it")
        entries.append(entry)
        previous = line
    if tail:
        entries.append(Entry("", TORN, {"text": tail}))
    return entries


def _parsed(line: str, number: int) -> tuple[Entry, str]:
    found = _LINE.fullmatch(line)
    if found is None or _sha256(found["body"]) != found["sum"]:
        raise _damaged(number, "It is not what was written")
    table = json.loads(found["body"] + "}")
    said = table.pop("prev")
    return Entry(table.pop("at"), table.pop("event"), table), said


def _damaged(number: int, why: str) -> JournalDamaged:
    return JournalDamaged(
        f"The journal was changed after it was written: line {number}.",
        why=f"{why}; nothing after it can be relied on.",
        next_step="Compare the run's record with a backup of the host.",
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> str:
    """The time in UTC, to the millisecond."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _arrived(sent: str, text: str) -> int:
    """How many of the lines last sent stand at the end of ``text``: a lost connection may have let some through."""
    lines = sent.splitlines(keepends=True)
    return next((count for count in range(len(lines), 0, -1) if text.endswith("".join(lines[:count]))), 0)


Write = Callable[[int, str], Result]
"""Runs :data:`APPEND`, alone or with other work, for a size and lines; answers with its result whatever the status."""


class Journal:
    """The journal of the run ``run`` in ``folder`` on ``host``. One writer; others are noticed, not merged."""

    def __init__(self, host: Host, folder: str, run: str) -> None:
        self._host = host
        self._folder = folder
        self._run = run
        self._queue: list[Entry] = []
        self._sent = ""
        self._size: int | None = None  # None: what is on the host is not known and must be read before writing
        self._last = run

    def begin(self, **facts: Fact) -> str:
        """The first line, for whoever creates the file with it."""
        line = render(Entry(now(), "created", {"run": self._run, **facts}), self._run)
        self._size, self._last = len(line) + 1, line
        return line + "\n"

    def entries(self) -> list[Entry]:
        """What is written so far, verified. :raises JournalDamaged: if it was changed."""
        return verify(self._text(), self._run)

    def note(self, event: str, **facts: Fact) -> None:
        """Keep an entry for the next :meth:`append` or :meth:`commit`: it costs no round trip of its own."""
        self._queue.append(Entry(now(), event, facts))

    def append(self, event: str, **facts: Fact) -> None:
        """Write an entry, and those kept by :meth:`note`, to the disk of the host."""
        self.note(event, **facts)
        self.flush()

    def flush(self) -> None:
        """Write what :meth:`note` kept, if anything."""
        if self._queue:
            result = self.commit(self._append)
            if not result.ok:
                raise PalierError(f"The journal in {self._folder} could not be written.", why=result.stderr.strip())

    def commit(self, write: Write) -> Result:
        """Let ``write`` put the kept entries into the journal together with work of its own.

        Entries stay kept until the host says that they are on its disk; so none is lost, or written twice, when the
        connection dies in between.
        """
        for _ in range(3):
            if self._size is None:
                self._catch_up()
            size, lines, last = self._rendered()
            self._sent, self._size = lines, None
            result = write(size, lines)
            if result.ok:
                self._size, self._last, self._sent = size + len(lines), last, ""
                self._queue.clear()
            if result.status != MOVED:
                return result
        raise Inconclusive(
            f"The journal in {self._folder} is being written by somebody else.",
            next_step="Look who holds the shop: palier lock status SHOP",
        )

    def _rendered(self) -> tuple[int, str, str]:
        lines, last = [], self._last
        for entry in self._queue:
            last = render(entry, last)
            lines.append(last + "\n")
        return self._size or 0, "".join(lines), last

    def _catch_up(self) -> None:
        """Learn what is on the host; take a torn end away, so that lines can follow, and keep it as an entry."""
        text = self._text()
        entries = verify(text, self._run)
        whole = text
        if entries and entries[-1].event == TORN:
            whole = text[: text.rfind("\n") + 1]
            self._host.run(script('truncate -s "$1" "$2"', len(whole), f"{self._folder}/journal.jsonl"))
        self._queue = self._queue[_arrived(self._sent, whole) :]
        if whole != text:
            self._queue.insert(0, Entry(now(), "repaired", {"torn": text[len(whole) :]}))
        self._size, self._sent = len(whole), ""
        self._last = whole.splitlines()[-1] if whole else self._run

    def _append(self, size: int, lines: str) -> Result:
        return self._host.run(script('cd "$1"; size=$2; lines=$3' + APPEND, self._folder, size, lines), check=False)

    def _text(self) -> str:
        # Lines are ASCII; a byte that is not shows as a character that no line can hold, and counts as one.
        return self._host.read(f"{self._folder}/journal.jsonl").decode("ascii", "surrogateescape")
