"""PHP's error log on a host: a mark before, and what was logged since."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.remote.command import script
from pipeline.remote.host import Host

MOST = 2 * 1024 * 1024
"""Bytes that are read at most: a shop that logs more since the mark has said enough."""

_ENTRY = re.compile(
    r"\b(?:PHP\s+)?(?P<kind>Recoverable fatal error|Fatal error|Parse error|Warning|Notice|Deprecated)"
    r":\s+(?P<what>.+)"
)
_WHERE = re.compile(r"\s+in\s+(?P<file>\S+?)(?:\s+on\s+line\s+|:)(?P<line>\d+)\b")
_FATAL = frozenset({"Fatal error", "Parse error", "Recoverable fatal error"})
VARYING = re.compile(r"\b(?:0x)?[0-9a-f]{6,}\b|\b\d+\b")
"""What differs between two entries of one kind: numbers and hashes."""

_SIZE = 'if [ -f "$1" ]; then stat -c "%i %s" "$1"; else echo "0 0"; fi'
_SINCE = """
if [ ! -f "$1" ]; then exit 0; fi
set -- "$1" "$2" "$3" "$4" $(stat -c '%i %s' "$1")
from=$3
if [ "$5" != "$2" ] || [ "$6" -lt "$3" ]; then from=0; fi
tail -c "+$((from + 1))" "$1" | head -c "$4"
"""


@dataclass(frozen=True)
class Mark:
    """A place in a log: ``offset`` bytes into the file with this ``inode`` (0: there was no file yet)."""

    path: str
    inode: int
    offset: int


@dataclass(frozen=True)
class Fault:
    """One kind of entry, and how often it came. ``where`` is file:line, empty if PHP did not say."""

    kind: str
    text: str
    where: str
    count: int

    @property
    def fatal(self) -> bool:
        return self.kind in _FATAL

    @property
    def slow(self) -> bool:
        """Whether PHP only ran out of time, which says as much of the machine as of the shop."""
        return self.text.startswith("Maximum execution time")

    @property
    def kin(self) -> str:
        """What entries alike have in common, also in another version of the same file: numbers and lines differ."""
        return f"{self.kind}: {VARYING.sub('#', self.text)} in {self.where.rpartition(':')[0]}"

    def __str__(self) -> str:
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.kind}: {self.text}{f' in {self.where}' if self.where else ''}{times}"


def mark(host: Host, path: str) -> Mark:
    """Where the log ends now. :raises CommandFailed: if it is there and cannot be looked at."""
    inode, size = host.run(script(_SIZE, path)).stdout.split()
    return Mark(path, int(inode), int(size))


def since(host: Host, place: Mark) -> tuple[Fault, ...]:
    """What was logged after the mark, fatal errors first, then by how often. A log that was rotated is read anew.

    :raises CommandFailed: if the log cannot be read.
    """
    result = host.run(script(_SINCE, place.path, place.inode, place.offset, MOST))
    return group(result.stdout.splitlines())


def without_others(faults: Iterable[Fault], own: str, other: str) -> tuple[Fault, ...]:
    """Those that did not happen in another site's files: two sites of one PHP may share a log.

    :param own: the document root of the site that is asked about; what happened below it stays in any case.
    :param other: that of the other one, be it on the same host or not.
    """
    mine, theirs = f"{own.rstrip('/')}/", f"{other.rstrip('/')}/"
    return tuple(one for one in faults if one.where.startswith(mine) or not one.where.startswith(theirs))


def group(lines: Iterable[str]) -> tuple[Fault, ...]:
    """Entries of a PHP log, alike ones together: numbers in their text do not tell two entries apart."""
    counts: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = {}
    for line in lines:
        found = _ENTRY.search(line.rstrip())
        if found is None:
            continue
        place = _WHERE.search(found["what"])
        what = found["what"][: place.start()] if place else found["what"]
        key = (found["kind"], VARYING.sub("#", what), f"{place['file']}:{place['line']}" if place else "")
        counts[key] += 1
        first.setdefault(key, what)
    faults = [Fault(key[0], first[key][:300], key[2], count) for key, count in counts.items()]
    return tuple(sorted(faults, key=lambda fault: (not fault.fatal, -fault.count, fault.kind, fault.text)))
