"""The content of a folder as a value: which path holds which bytes, here or on a host.

A tree knows regular files (SHA-256) and symbolic links (their target, never followed). Empty folders, modes, owners and
times are not part of it: two trees are equal when PHP would read the same bytes from them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from pipeline.errors import PalierError
from pipeline.remote.command import Command, command
from pipeline.remote.host import Host

LINK = "link:"
"""What an entry begins with when the path is a symbolic link; the target follows."""

WITHIN = "[^/]*"
"""Any text of one name, in a pattern of an :class:`Exclusion`."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Difference:
    """What turns one tree into another: sorted paths."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __len__(self) -> int:
        return len(self.added) + len(self.removed) + len(self.changed)


@dataclass(frozen=True)
class Tree:
    """Relative path -> SHA-256 in hexadecimal, or ``link:TARGET``.

    Names that are not UTF-8 are kept with Python's surrogate escapes, so every name survives.
    """

    entries: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ordered = sorted(self.entries.items(), key=lambda entry: os.fsencode(entry[0]))
        object.__setattr__(self, "entries", MappingProxyType(dict(ordered)))

    @property
    def digest(self) -> str:
        """One SHA-256 over every path and entry, in the byte order of the paths."""
        total = hashlib.sha256()
        for path, entry in self.entries.items():
            total.update(os.fsencode(entry) + b"\0" + os.fsencode(path) + b"\0")
        return total.hexdigest()

    def under(self, folder: str) -> Tree:
        """The part below ``folder``, with paths relative to it."""
        prefix = folder.rstrip("/") + "/"
        return Tree({path[len(prefix) :]: entry for path, entry in self.entries.items() if path.startswith(prefix)})

    def without(self, patterns: Iterable[str]) -> Tree:
        """The tree without what ``patterns`` exclude (see :class:`Exclusion`)."""
        excluded = Exclusion(tuple(patterns))
        return Tree({path: entry for path, entry in self.entries.items() if not excluded.covers(path)})

    def __len__(self) -> int:
        return len(self.entries)


@dataclass(frozen=True)
class Exclusion:
    """Patterns of relative paths to leave out; the same ones work here and in ``find`` on a host.

    ``*`` stands for any text, ``/`` included, and ``[^/]*`` for any text of one name; nothing else is special. Patterns
    are matched against the whole path, and a folder that matches is left out with all that it holds. ``*.log``: every
    log; ``[^/]*.sql``: the dumps at the top; ``cache``: only the one at the top.
    """

    patterns: tuple[str, ...] = ()

    @cached_property
    def _itself(self) -> re.Pattern[str]:
        """All patterns as one, compiled once: a shop has 22,000 files of code."""
        return re.compile("|".join(map(_expression, self.patterns)) if self.patterns else "(?!)", re.DOTALL)

    @cached_property
    def _itself_or_above(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self._itself.pattern})(?:/.*)?", re.DOTALL)

    def matches(self, path: str) -> bool:
        """Whether ``path`` itself matches."""
        return self._itself.fullmatch(path) is not None

    def covers(self, path: str) -> bool:
        """Whether ``path`` or a folder above it matches."""
        return self._itself_or_above.fullmatch(path) is not None

    def find_words(self) -> tuple[str, ...]:
        """What to write after ``find .`` so that excluded paths are pruned and the rest is tested on."""
        words: list[str] = []
        for pattern in self.patterns:
            name = pattern.rstrip("/")
            if WITHIN in name:
                tried = ("-regex", "[.]/" + WITHIN.join(map(_emacs, name.split(WITHIN))))
            else:
                tried = ("-path", "./" + re.sub(r"([\\?\[\]])", r"\\\1", name))
            words += [*(["-o"] if words else ["("]), *tried]
        return (*words, ")", "-prune", "-o") if words else ()


def _expression(pattern: str) -> str:
    names = pattern.rstrip("/").split(WITHIN)
    return WITHIN.join(".*".join(map(re.escape, name.split("*"))) for name in names)


def _emacs(part: str) -> str:
    """A part of a pattern in the regular expressions of ``find``, where braces and bars are plain."""
    plain = re.sub(r"([\\^$])", r"\\\1", re.sub(r"[.+?\[]", r"[\g<0>]", part))
    return plain.replace("*", ".*")


def as_exclusions(patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns of rsync as :class:`Exclusion` takes them: ``/a/b/`` from the top, ``name`` at any depth."""
    found: list[str] = []
    for pattern in patterns:
        name = pattern.strip("/")
        if pattern.startswith("/"):
            found.append("*".join(part.replace("*", WITHIN) for part in name.split("**")))
        else:
            found += [name, f"*/{name}"]
    return tuple(found)


def walk(folder: Path, excluded: Exclusion) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file and link below ``folder`` with its relative path, in no promised order; links are not followed."""
    waiting = [("", os.fspath(folder))]
    while waiting:
        prefix, place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                path = prefix + entry.name
                if excluded.matches(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((path + "/", entry.path))
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    yield path, entry


def local(folder: Path, exclude: Iterable[str] = ()) -> Tree:
    """The tree of a folder on this machine.

    :raises PalierError: if something in it cannot be read.
    """
    try:
        found = walk(folder, Exclusion(tuple(exclude)))
        return Tree({path: _entry(entry) for path, entry in found})
    except OSError as error:
        raise PalierError(f"The folder {folder} cannot be read.", why=str(error)) from error


def _entry(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return LINK + os.readlink(entry.path)  # noqa: PTH115 - Path would rewrite the target ("./a" to "a")
    content = hashlib.sha256()
    with Path(entry.path).open("rb") as source:
        while chunk := source.read(_CHUNK):
            content.update(chunk)
    return content.hexdigest()


def files_command(folder: str, exclude: Iterable[str] = (), user: str | None = None) -> Command:
    """Prints ``SHA256␠␠./path NUL`` for each regular file below ``folder``: ``--zero`` keeps every name as it is."""
    excluded = Exclusion(tuple(exclude)).find_words()
    found = _ask("find", ".", *excluded, "-type", "f", "-print0").within(folder).as_user(user)
    hashed = _ask("xargs", "-0", "-r", "sha256sum", "--zero").within(folder).as_user(user)
    return found.pipe(_ask("sort", "-z")).pipe(hashed)


def links_command(folder: str, exclude: Iterable[str] = (), user: str | None = None) -> Command:
    """Prints ``path NUL target NUL`` for each symbolic link below ``folder``."""
    excluded = Exclusion(tuple(exclude)).find_words()
    return _ask("find", ".", *excluded, "-type", "l", "-printf", r"%P\0%l\0").within(folder).as_user(user)


def _ask(*words: str) -> Command:
    return command("env", "LC_ALL=C", *words)


def on_host(host: Host, folder: str, exclude: Iterable[str] = (), *, user: str | None = None) -> Tree:
    """The tree of a folder on a host, hashed there by plain shell commands.

    :param user: the user who may read it, when that is not the one who is connected.
    :raises CommandFailed: if the folder is missing, cannot be read, or changes while it is read.
    """
    place, patterns = host.expand(folder), tuple(exclude)
    entries: dict[str, str] = {}
    for record in _records(host.run(files_command(place, patterns, user)).raw):
        digest, _, path = record.partition(b"  ./")
        entries[os.fsdecode(path)] = digest.decode("ascii")
    links = _records(host.run(links_command(place, patterns, user)).raw)
    for path, target in zip(links[::2], links[1::2], strict=True):
        entries[os.fsdecode(path)] = LINK + os.fsdecode(target)
    return Tree(entries)


def _records(output: bytes) -> list[bytes]:
    return output.split(b"\0")[:-1]


def difference(before: Tree, after: Tree) -> Difference:
    """What was added, removed and changed on the way from ``before`` to ``after``."""
    old, new = before.entries, after.entries
    return Difference(
        added=tuple(path for path in new if path not in old),
        removed=tuple(path for path in old if path not in new),
        changed=tuple(path for path in new if path in old and old[path] != new[path]),
    )
