"""The advisories that an inventory names, read from where they are; what comes from afar is kept for a day."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.advisories import friends_of_presta, team, wordfence
from pipeline.advisories.advisory import Advisory
from pipeline.config.inventory import AdvisorySource
from pipeline.config.secrets import resolve
from pipeline.errors import ConfigError, PalierError
from pipeline.events import Emit, Note
from pipeline.remote.command import Secret
from pipeline.remote.download import DownloadFailed, Web

POSTS = "https://github.com/friends-of-presta/security-advisories"
FRESH = 24 * 3600
"""Seconds for which what was fetched serves."""

LARGEST = 400 << 20
"""Bytes; the whole feed of Wordfence is about a quarter of that."""

CLONE_SECONDS = 300
_ADDRESS = re.compile(r"[a-z]+://")


class AdvisoriesUnavailable(PalierError):
    """Advisories could not be read; nothing was planned without them."""


@dataclass(frozen=True)
class Feeds:
    """Reads sources of advisories; ``cache`` is the folder on this machine that fetched ones are kept in."""

    cache: Path
    emit: Emit
    web: Web = field(default_factory=Web)
    fresh: float = FRESH

    def read(self, sources: Sequence[AdvisorySource]) -> list[Advisory]:
        """Every advisory of every source.

        What was fetched before serves for a day, and for longer, with a warning, where its publisher cannot be reached.

        :raises AdvisoriesUnavailable: if a source can neither be reached nor was ever fetched.
        :raises ConfigError: if a file is not what it should be.
        """
        return [advisory for source in sources for advisory in self._one(source)]

    def _one(self, source: AdvisorySource) -> list[Advisory]:
        if source.kind == "team":
            return team.read(Path(source.at or ""))
        return self._posts(source) if source.kind == "friends-of-presta" else self._wordfence(source)

    def _posts(self, source: AdvisorySource) -> list[Advisory]:
        place = source.at or POSTS
        folder = self._cloned(place) if _ADDRESS.match(place) else Path(place)
        if not folder.is_dir():
            raise ConfigError(f"The folder of advisories {folder} is not there.", next_step="Correct advisories.at.")
        found = friends_of_presta.read_folder(folder)
        if not found:
            raise ConfigError(
                f"There is no advisory in {place}.",
                why="It holds no post with a header and a summary.",
                next_step="Correct advisories.at; a checkout of Friends of Presta's repository has a folder _posts.",
            )
        return found

    def _wordfence(self, source: AdvisorySource) -> list[Advisory]:
        place = source.at or wordfence.FEED
        if not _ADDRESS.match(place):
            try:
                return wordfence.read(Path(place).read_bytes(), place)
            except OSError as problem:
                raise ConfigError(f"The feed {place} cannot be read.", why=f"{problem.strerror}.") from None
        kept = self._kept(place, ".json")
        headers: dict[str, str | Secret] = {}
        if source.key is not None:
            headers["Authorization"] = Secret(f"Bearer {resolve(source.key).reveal()}")
        if not self._is_fresh(kept):
            try:
                self.web.fetch(place, kept, most=LARGEST, headers=headers)
            except DownloadFailed as failure:
                self._older(kept, place, failure)
        return wordfence.read(kept.read_bytes(), place)

    def _cloned(self, address: str) -> Path:
        kept = self._kept(address, "")
        if self._is_fresh(kept / "fetched"):
            return kept / "posts"
        partial = kept.with_name(f".{kept.name}.partial-{os.getpid()}")
        try:
            _clone(address, partial / "posts")
            (partial / "fetched").touch()
            _replace(partial, kept)
        except AdvisoriesUnavailable as failure:
            self._older(kept / "fetched", address, failure)
        finally:
            _remove(partial)
        return kept / "posts"

    def _kept(self, address: str, suffix: str) -> Path:
        return self.cache / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}{suffix}"

    def _is_fresh(self, mark: Path) -> bool:
        return mark.exists() and 0 <= time.time() - mark.stat().st_mtime < self.fresh

    def _older(self, mark: Path, place: str, failure: PalierError) -> None:
        """Go on with what was fetched before, and say so; :raises AdvisoriesUnavailable: if there is nothing."""
        if not mark.exists():
            raise AdvisoriesUnavailable(
                f"The advisories at {place} cannot be read.",
                why=f"{failure.what} {failure.why}".strip(),
                next_step="Check the address and the network, or take the source out of the inventory's advisories.",
            ) from None
        days = (time.time() - mark.stat().st_mtime) / 86400
        self.emit(Note(f"{failure.what} Going on with the advisories fetched {days:.1f} days ago.", "warning"))


def _clone(address: str, target: Path) -> None:
    """A shallow clone by the git program: no hook, no submodule, no link, no other protocol, no question."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scheme = address.split("://", 1)[0]
    settings = [
        "protocol.allow=never",
        f"protocol.{scheme}.allow=always",
        "core.symlinks=false",
        "core.hooksPath=/dev/null",
    ]
    words = [
        "git", *(word for setting in settings for word in ("-c", setting)),
        "clone", "--quiet", "--depth", "1", "--no-tags", "--no-recurse-submodules", "--", address, str(target),
    ]  # fmt: skip
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    try:
        ended = subprocess.run(
            words, capture_output=True, text=True, timeout=CLONE_SECONDS, check=False, env=environment,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise AdvisoriesUnavailable(f"{address} could not be cloned within {CLONE_SECONDS} s.") from None
    except OSError as problem:
        raise AdvisoriesUnavailable("The program git cannot be run.", why=f"{problem.strerror}.") from None
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        raise AdvisoriesUnavailable(f"{address} cannot be cloned.", why=said[-1][:300] if said else "")


def _replace(partial: Path, kept: Path) -> None:
    _remove(kept)
    partial.rename(kept)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
