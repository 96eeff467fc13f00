"""Where newer packages are found: a folder of zips, an https address, wordpress.org, a GitHub release.

Whatever comes from the web is pinned by its SHA-256 when it is first seen, and kept. The same version with other bytes
is never taken for the same thing.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import fnmatch
import json
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.code.extract import Archive, Limits, PackageRefused, inspect
from pipeline.code.packages import declared_version
from pipeline.code.store import Kept, Store, released_of
from pipeline.config.inventory import PACKAGE_SOURCE
from pipeline.errors import ConfigError, PalierError
from pipeline.events import Emit, Note
from pipeline.remote.download import DownloadFailed, Web, shown

FRESH = 24 * 3600
"""Seconds for which an address that was looked at is not looked at again."""

MOST_ZIPS = 5_000
_ANSWER = 8 << 20
"""Bytes that an answer about releases may have."""

WORDPRESS_API = "https://api.wordpress.org/plugins/info/1.2/?action=plugin_information&slug="
WORDPRESS_DOWNLOADS = "https://downloads.wordpress.org/plugin"
GITHUB_API = "https://api.github.com/repos"


@dataclass(frozen=True)
class Offer:
    """A package of a module that lies on this machine. Times are UTC."""

    module: str
    """The module's folder, which is its name but where the inventory says otherwise."""
    version: str
    sha256: str
    path: Path
    source: str
    released: dt.datetime | None
    """When it was released, as far as its source or the dates in it tell."""
    first_seen: dt.datetime

    def age(self, now: dt.datetime) -> dt.timedelta:
        """How old the release is at least: by its date, or if that is missing or to come, since it was first seen."""
        dated = self.released is not None and self.released <= now
        return max(now - self.first_seen, now - self.released if dated and self.released else dt.timedelta())


@dataclass(frozen=True)
class Sources:
    """Reads sources of packages; what is not a good package is told as a warning and left out."""

    store: Store
    emit: Emit
    web: Web = field(default_factory=Web)
    now: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC))

    def offers(self, sources: Sequence[str], folders: Collection[str]) -> list[Offer]:
        """Every package of the modules in ``folders`` that the sources have, each once.

        :raises ConfigError: if a folder is not there. A source that cannot be reached is a warning: what was kept of
            it before still counts.
        """
        found: dict[tuple[str, str], Offer] = {}
        for source in sources:
            for offer in self._of(source, folders):
                if offer.module in folders:
                    found.setdefault((offer.module, offer.sha256), offer)
        return list(found.values())

    def _of(self, source: str, folders: Collection[str]) -> Iterator[Offer]:
        known = PACKAGE_SOURCE.fullmatch(source)
        if known is None and not source.startswith("https://"):
            yield from self._folder(Path(source), folders)
            return
        try:
            if known is None:
                self._address(source)
            elif known["slug"]:
                self._wordpress(source, known["slug"], known["version"], folders)
            else:
                self._github(source, known["repository"], known["tag"], known["asset"] or "*.zip")
        except (DownloadFailed, PackageRefused) as failure:
            self._warn(failure)
        yield from (self._kept(kept) for kept in self.store.from_source(source))

    # A folder

    def _folder(self, folder: Path, folders: Collection[str]) -> Iterator[Offer]:
        if not folder.is_dir():
            raise ConfigError(
                f"The folder of packages {folder} is not there.", next_step="Correct packages in the inventory."
            )
        zips = sorted(path for path in folder.rglob("*.zip") if path.is_file())[:MOST_ZIPS]
        for path in zips:
            try:
                name = top_folder(path)
                if name not in folders:
                    continue
                archive = inspect(path, name=name)
                version = declared_version(archive)
            except PackageRefused as refusal:
                self._warn(refusal)
                continue
            seen = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
            released = _moment(released_of(archive))
            yield Offer(name, version, archive.sha256, path, str(folder), released, min(seen, self.now()))

    # The web

    def _address(self, source: str) -> None:
        if self._looked_at(source):
            return
        with self._fetched(source) as got:
            self._take(source, got.archive, got.released or released_of(got.archive))

    def _wordpress(self, source: str, slug: str, version: str | None, folders: Collection[str]) -> None:
        if slug not in folders or (version and self._has(source, slug, version)):
            return
        about = self._answer(f"{WORDPRESS_API}{slug}")
        newest = str(about.get("version", ""))
        wanted = version or newest
        if not wanted or self._has(source, slug, wanted):
            return
        released = _wordpress_time(str(about.get("last_updated", ""))) if wanted == newest else ""
        with self._fetched(f"{WORDPRESS_DOWNLOADS}/{slug}.{wanted}.zip") as got:
            self._take(source, got.archive, released or released_of(got.archive), wanted)

    def _github(self, source: str, repository: str, tag: str | None, pattern: str) -> None:
        release = self._answer(f"{GITHUB_API}/{repository}/releases/{f'tags/{tag}' if tag else 'latest'}")
        assets = [each for each in release.get("assets") or () if fnmatch.fnmatch(str(each.get("name")), pattern)]
        if len(assets) != 1:
            names = ", ".join(str(each.get("name")) for each in assets) or "none"
            raise PackageRefused(
                f"The release {release.get('tag_name')} of {repository} has not one asset like {pattern}.",
                why=f"Its assets like it: {names}.",
                next_step=f"Name it in the inventory: github:{repository}#NAME.zip",
            )
        digest = str(assets[0].get("digest") or "").removeprefix("sha256:")
        if digest and any(kept.sha256 == digest for kept in self.store.from_source(source)):
            return
        with self._fetched(str(assets[0].get("browser_download_url"))) as got:
            self._take(source, got.archive, str(release.get("published_at") or "") or released_of(got.archive))

    def _take(self, source: str, archive: Archive, released: str, wanted: str = "") -> None:
        version = declared_version(archive)
        if wanted and version != wanted:
            raise PackageRefused(f"The package of {archive.name} {wanted} from {source} holds version {version}.")
        before = self.store.first(archive.name, version, source)
        if before is not None and before.sha256 != archive.sha256:
            raise PackageRefused(
                f"{_named(source)} has {archive.name} {version} with other bytes than when it was first seen.",
                why=f"First seen {before.first_seen[:10]}: SHA-256 {before.sha256[:12]}…, now {archive.sha256[:12]}….",
                next_step="Ask its publisher. The package that was seen first is kept and used.",
            )
        kept = self.store.keep(archive, version, source, released)
        self.emit(Note(f"Pinned {kept.module} {kept.version} from {_named(source)}: SHA-256 {kept.sha256}"))

    def _has(self, source: str, module: str, version: str) -> bool:
        return any((kept.module, kept.version) == (module, version) for kept in self.store.from_source(source))

    def _fetched(self, address: str) -> _Fetching:
        return _Fetching(self.web, address)

    def _looked_at(self, source: str) -> bool:
        mark = self.store.folder / "looked-at.json"
        times: dict[str, str] = json.loads(mark.read_text("utf-8")) if mark.exists() else {}
        now, before = self.now(), _moment(times.get(source, ""))
        if before is not None and dt.timedelta() <= now - before < dt.timedelta(seconds=FRESH):
            return bool(self.store.from_source(source))
        self.store.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.write_text(json.dumps({**times, source: now.isoformat()}, indent=1), "utf-8")
        return False

    def _answer(self, address: str) -> Mapping[str, Any]:
        text = self.web.text(address, most=_ANSWER)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise DownloadFailed(f"{shown(address)} answered something else than a release.")
        return answer

    def _kept(self, kept: Kept) -> Offer:
        first = _moment(kept.first_seen) or self.now()
        path = self.store.path(kept.sha256)
        return Offer(kept.module, kept.version, kept.sha256, path, kept.source, _moment(kept.released), first)

    def _warn(self, error: PalierError) -> None:
        self.emit(Note(f"{error.what} {error.why} {error.next_step}".strip(), "warning"))


@dataclass(frozen=True)
class _Got:
    archive: Archive
    released: str


class _Fetching:
    """A package from the web, looked into while it lies in a temporary folder."""

    def __init__(self, web: Web, address: str) -> None:
        self._web, self._address = web, address
        self._work = tempfile.TemporaryDirectory(prefix="palier-")

    def __enter__(self) -> _Got:
        try:
            path = Path(self._work.name) / "package.zip"
            fetched = self._web.fetch(self._address, path, most=Limits().archive)
            return _Got(inspect(path, name=top_folder(path)), _http_time(fetched.modified))
        except BaseException:
            self._work.cleanup()
            raise

    def __exit__(self, *ended: object) -> None:
        self._work.cleanup()


def top_folder(path: Path) -> str:
    """The folder that a package's first entry lies in. :raises PackageRefused: if it is no zip, or has no folder."""
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (OSError, ValueError, zipfile.BadZipFile) as problem:
        raise PackageRefused(f"The package {path} is not a zip file.", why=f"{problem}.") from None
    top = names[0].split("/")[0] if names and "/" in names[0] else ""
    if not top or top in (".", ".."):
        raise PackageRefused(f"The package {path} has no folder of a module in it.")
    return top


def _named(source: str) -> str:
    return shown(source) if source.startswith("https://") else source


def _moment(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _http_time(text: str) -> str:
    try:
        return email.utils.parsedate_to_datetime(text).astimezone(dt.UTC).isoformat() if text else ""
    except ValueError:
        return ""


def _wordpress_time(text: str) -> str:
    """``2025-07-07 7:12pm GMT``"""
    try:
        return dt.datetime.strptime(text.removesuffix(" GMT"), "%Y-%m-%d %I:%M%p").replace(tzinfo=dt.UTC).isoformat()
    except ValueError:
        return ""
