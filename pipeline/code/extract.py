"""Looking into a package and unpacking it. A package that is not plainly harmless is refused, never repaired.

Nothing is written before every byte has been unpacked once in memory and its checksum compared; what is written then
are the same bytes, because they are kept and the file is not read again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.code.archive import PackageRefused, Record, content, records, shown_name
from pipeline.code.tree import Tree

__all__ = ["Archive", "Entry", "Limits", "PackageRefused", "extract", "inspect"]

FILE_MODE, FOLDER_MODE = 0o644, 0o755
"""Modes are ours: what a package asks for is not followed."""

_LONGEST_NAME = 255
_LONGEST_PATH = 1024
_DEEPEST = 50
_DRIVE = re.compile(r"[A-Za-z]:")
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories: control, format (directions, joiners), surrogate, line and paragraph separators."""


@dataclass(frozen=True)
class Limits:
    """How big a package may be; sizes in bytes. The defaults hold the largest modules on the market several times."""

    archive: int = 128 << 20
    entries: int = 30_000
    file: int = 128 << 20
    total: int = 512 << 20
    ratio: int = 100
    """Unpacked over packed size, of one entry and of the whole."""
    ratio_from: int = 64 << 10
    """Smaller entries may be packed as tightly as they like: a blank placeholder is no bomb."""


@dataclass(frozen=True)
class Entry:
    """One file of a package; ``path`` is relative to the module's folder."""

    path: str
    size: int
    record: Record = field(repr=False)


@dataclass(frozen=True)
class Archive:
    """A package that was looked into and found harmless, with the bytes that were looked at."""

    path: Path
    name: str
    sha256: str
    entries: tuple[Entry, ...]
    folders: tuple[str, ...]
    """Every folder below the module's own, parents before children."""
    tree: Tree
    """The module's content, with paths relative to its folder."""
    data: bytes = field(repr=False, compare=False)

    def read(self, path: str) -> bytes:
        """The content of one file. :raises KeyError: if there is none of that path."""
        for entry in self.entries:
            if entry.path == path:
                return content(self.data, entry.record)
        raise KeyError(path)


def inspect(zip_path: Path, *, name: str, sha256: str | None = None, limits: Limits | None = None) -> Archive:
    """Look into a package without writing anything.

    :param name: the folder that everything in it must lie in.
    :param sha256: the file's hash, where it is known; another file is not looked into, however harmless.
    :raises PackageRefused: naming the first thing that is wrong with it.
    """
    limits = limits or Limits()
    data = _load(zip_path, limits.archive)
    digest = hashlib.sha256(data).hexdigest()
    if sha256 not in (None, digest):
        raise PackageRefused(f"The package {zip_path} is another file.", why=f"Its SHA-256 is {digest}, not {sha256}.")
    found = records(data, most=limits.entries)
    _check_sizes(found, limits)
    _check_names(found, name)
    inside = len(name) + 1
    entries = tuple(Entry(record.name[inside:], record.size, record) for record in found if not record.folder)
    hashes = {entry.path: hashlib.sha256(content(data, entry.record)).hexdigest() for entry in entries}
    for record in found:
        if record.folder:
            content(data, record)
    if not entries:
        raise PackageRefused(f"The package holds the folder {shown_name(name)} and not one file.")
    return Archive(zip_path, name, digest, entries, _folders(found, inside), Tree(hashes), data)


def _load(zip_path: Path, most: int) -> bytes:
    try:
        with os.fdopen(os.open(zip_path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
            status = os.fstat(source.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PackageRefused(f"The package {zip_path} is not a file.")
            data = source.read(most + 1)
    except FileNotFoundError as error:
        raise PackageRefused(f"The package {zip_path} does not exist.") from error
    except OSError as error:
        raise PackageRefused(f"The package {zip_path} cannot be read.", why=str(error)) from error
    if len(data) > most:
        raise PackageRefused(f"The package {zip_path} is larger than {most} bytes.")
    return data


def _check_sizes(found: Sequence[Record], limits: Limits) -> None:
    for record in found:
        shown = shown_name(record.name)
        if record.size > limits.file:
            raise PackageRefused(f"{shown} declares {record.size} bytes; at most {limits.file} are accepted.")
        _check_ratio(f"{shown} unpacks", record.size, record.packed, limits)
    total = sum(record.size for record in found)
    if total > limits.total:
        raise PackageRefused(f"The package unpacks to {total} bytes; at most {limits.total} are accepted.")
    _check_ratio("The package unpacks", total, sum(record.packed for record in found), limits)


def _check_ratio(what: str, size: int, packed: int, limits: Limits) -> None:
    if size > limits.ratio_from and size > packed * limits.ratio:
        raise PackageRefused(f"{what} to more than {limits.ratio} times its size, as a zip bomb does.")


def _check_names(found: Iterable[Record], name: str) -> None:
    """Each name alone, then all of them together as one tree."""
    declared: set[str] = set()
    spelt: dict[str, str] = {}
    kinds: dict[str, bool] = {}
    for record in found:
        _check_name(record.name)
        path = record.name.removesuffix("/")
        parts = path.split("/")
        if parts[0] != name:
            raise PackageRefused(
                f"{shown_name(record.name)} lies outside {shown_name(name)}, the only folder that the package may have."
            )
        if path in declared:
            raise PackageRefused(f"{shown_name(path)} is in the package twice.")
        declared.add(path)
        for count in range(1, len(parts) + 1):
            _claim("/".join(parts[:count]), record.folder or count < len(parts), spelt, kinds)


def _claim(path: str, folder: bool, spelt: dict[str, str], kinds: dict[str, bool]) -> None:
    known = spelt.setdefault(_folded(path), path)
    if known != path:
        raise PackageRefused(f"{shown_name(known)} and {shown_name(path)} would be one file on some systems.")
    if kinds.setdefault(path, folder) is not folder or (path.count("/") == 0 and not folder):
        raise PackageRefused(f"{shown_name(path)} is used as a file and as a folder.")


def _folded(path: str) -> str:
    """What a path becomes where neither case nor the way of writing an accent counts."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _check_name(name: str) -> None:
    shown = shown_name(name)
    if any(unicodedata.category(sign) in _INVISIBLE for sign in name):
        raise PackageRefused(f"The name {shown} holds control or invisible characters.")
    if "\\" in name:
        raise PackageRefused(f"The name {shown} holds a backslash.")
    if name.startswith("/"):
        raise PackageRefused(f"The path {shown} is absolute.")
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        raise PackageRefused(f"The path {shown} leads outside the package.")
    if any(_DRIVE.match(part) for part in parts):
        raise PackageRefused(f"The path {shown} begins with a drive letter.")
    if any(part in ("", ".") for part in parts):
        raise PackageRefused(f"The path {shown} is not written plainly.")
    longest = max(len(part.encode()) for part in parts)
    if len(parts) > _DEEPEST or len(name.encode()) > _LONGEST_PATH or longest > _LONGEST_NAME:
        raise PackageRefused(f"The path {shown} is too long.")


def _folders(found: Iterable[Record], inside: int) -> tuple[str, ...]:
    every: set[str] = set()
    for record in found:
        parts = record.name[inside:].removesuffix("/").split("/")
        deepest = len(parts) if record.folder else len(parts) - 1
        every.update("/".join(parts[:count]) for count in range(1, deepest + 1))
    return tuple(sorted(every - {""}))


def extract(archive: Archive, target: Path) -> Path:
    """Unpack the module's folder into ``target`` (made if missing) and return its path: whole or not at all.

    Files are 0644 and folders 0755, whatever the package or the umask says.

    :raises PackageRefused: if the folder is there already, or cannot be written.
    """
    place = target / archive.name
    partial = target / f".{archive.name}.partial-{os.getpid()}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            raise PackageRefused(f"The folder {place} exists already; a package is never unpacked over another.")
        _make_folder(partial)
        _fill(archive, partial)
        partial.rename(place)
    except OSError as error:
        raise PackageRefused(f"The package cannot be unpacked into {target}.", why=str(error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _fill(archive: Archive, place: Path) -> None:
    for folder in archive.folders:
        _make_folder(place / folder)
    for entry in archive.entries:
        _make_file(place / entry.path, content(archive.data, entry.record))


def _make_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(FOLDER_MODE)


def _make_file(path: Path, content_: bytes) -> None:
    """Made anew: never through a link, never over a file that is there."""
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(made, "wb") as sink:
        os.fchmod(sink.fileno(), FILE_MODE)
        sink.write(content_)
