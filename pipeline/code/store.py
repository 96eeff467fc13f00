"""The shop's packages on this machine: every zip that was ever offered or installed, by hash and origin."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.code import tree
from pipeline.code.extract import Archive, Limits
from pipeline.errors import PalierError
from pipeline.remote.command import command
from pipeline.remote.host import Host

INDEX = "index.json"
INSTALLED = "installed"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Kept:
    """One package in the store. Times are UTC, in ISO 8601; ``released`` is empty where nobody says."""

    sha256: str
    module: str
    version: str
    source: str
    first_seen: str
    released: str = ""
    tree: str = ""
    """The digest of its files, as a host with the same files has it."""


class Store:
    """The folder of packages of one shop. Zips are ``SHA256.zip``; ``index.json`` tells what they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.zip"

    def known(self) -> tuple[Kept, ...]:
        """Everything that the store knows, oldest first."""
        try:
            return tuple(Kept(**row) for row in json.loads((self.folder / INDEX).read_text("utf-8")))
        except FileNotFoundError:
            return ()
        except (ValueError, TypeError):
            raise PalierError(
                f"The index of packages {self.folder / INDEX} cannot be read.",
                next_step="Move it away; packages are then seen anew.",
            ) from None

    def from_source(self, source: str) -> tuple[Kept, ...]:
        """What came from ``source`` and is still there."""
        return tuple(kept for kept in self.known() if kept.source == source and self.path(kept.sha256).is_file())

    def first(self, module: str, version: str, source: str) -> Kept | None:
        """The package that this version of the module was, when it was first seen at ``source``."""
        return next(
            (kept for kept in self.known() if (kept.module, kept.version, kept.source) == (module, version, source)),
            None,
        )

    def keep(self, archive: Archive, version: str, source: str, released: str = "") -> Kept:
        """Keep the bytes and remember them; what is known already stays as it was first seen."""
        for kept in self.known():
            if (kept.sha256, kept.source) == (archive.sha256, source) and self.path(kept.sha256).is_file():
                return kept
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(self.path(archive.sha256), archive.data)
        kept = Kept(archive.sha256, archive.name, version, source, _now(), released=released, tree=archive.tree.digest)
        self._remember(kept)
        return kept

    def keep_installed(self, host: Host, folder: str, module: str, version: str) -> Kept:
        """Keep the module as the host has it: its vendor may not sell this version again.

        Nothing is copied where the very same files are kept already. Links are left out.

        :raises PalierError: if it cannot be read, or is larger than a package may be.
        """
        found = tree.on_host(host, folder).digest
        for kept in self.from_source(INSTALLED):
            if (kept.module, kept.version, kept.tree) == (module, version, found):
                return kept
        size = int(host.run(command("du", "-sk", folder)).stdout.split()[0]) << 10
        if size > Limits().total:
            raise PalierError(f"The module {module} is {size >> 20} MB large and is not kept.")
        with tempfile.TemporaryDirectory(prefix="palier-") as work:
            copy = Path(work) / folder.rstrip("/").rpartition("/")[2]
            host.download(folder, copy)
            packed = Path(work) / "package.zip"
            pack(copy, packed)
            data = packed.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(self.path(sha256), data)
        kept = Kept(sha256, module, version, INSTALLED, _now(), tree=found)
        self._remember(kept)
        return kept

    def _remember(self, kept: Kept) -> None:
        rows: list[dict[str, Any]] = [asdict(each) for each in (*self.known(), kept)]
        text = json.dumps(rows, ensure_ascii=False, indent=1)
        _write(self.folder / INDEX, text.encode())


def pack(folder: Path, target: Path) -> None:
    """Zip ``folder``, itself on top, without links; equal files give equal bytes."""
    with zipfile.ZipFile(target, "w", compresslevel=6) as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def released_of(archive: Archive) -> str:
    """The date of the newest entry of a zip, as its packer's clock had it; empty where that was blanked out."""
    with zipfile.ZipFile(archive.path) as packed:
        newest = max(entry.date_time for entry in packed.infolist())
    try:
        moment = dt.datetime(*newest, tzinfo=dt.UTC)
    except ValueError:
        return ""
    return moment.isoformat() if moment.year > _EPOCH[0] else ""


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
