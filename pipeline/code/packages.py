"""Packages: what a playbook's update must prove about its zip before it touches anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.code.extract import Archive, Limits, PackageRefused, extract, inspect
from pipeline.code.tree import Tree
from pipeline.config.playbook import Update

_HEADER_SIZE = 8192
"""WordPress reads a plugin's header from so many bytes at the start of a file."""


@dataclass(frozen=True)
class Package:
    """A verified package. ``pinned``: the playbook stated its hash; otherwise the hash is to be shown and pinned."""

    module: str
    version: str
    sha256: str
    path: Path
    tree: Tree
    pinned: bool
    archive: Archive = field(repr=False, compare=False)

    def unpack(self, target: Path) -> Path:
        """The module's folder, unpacked below ``target``: exactly the bytes that were verified."""
        return extract(self.archive, target)


def verify(update: Update, playbook_path: Path, *, folder: str | None = None, limits: Limits | None = None) -> Package:
    """Check the package of one update.

    :param playbook_path: the playbook's file; packages are named relative to it.
    :param folder: the module's folder, where it is not named like the module.
    :raises PackageRefused: if it is missing, is not the file that was pinned, is not harmless, or holds another
        module or another version.
    """
    path = playbook_path.parent / update.package
    archive = _inspected(path, update, folder or update.module, limits)
    found = declared_version(archive)
    if found != update.to:
        raise PackageRefused(
            f"The package {path} holds version {found} of {update.module}; the playbook wants {update.to}.",
            next_step="Put the right package there, or change the playbook.",
        )
    return Package(update.module, found, archive.sha256, path, archive.tree, update.sha256 is not None, archive)


def _inspected(path: Path, update: Update, folder: str, limits: Limits | None) -> Archive:
    try:
        return inspect(path, name=folder, sha256=update.sha256, limits=limits)
    except PackageRefused as refusal:
        raise PackageRefused(
            f"The package of {update.module} is refused: {refusal.what}",
            why=refusal.why,
            next_step="Put the right package there, or take the update out of the playbook.",
        ) from refusal


def declared_version(archive: Archive) -> str:
    """The version that the module's own files declare, as WordPress or PrestaShop would read it.

    :raises PackageRefused: if they declare none, or several.
    """
    return _wordpress_version(archive) or _prestashop_version(archive) or _no_version(archive)


def _no_version(archive: Archive) -> str:
    raise PackageRefused(
        f"The package {archive.path} declares no version.",
        why=f"It has neither a plugin header (Plugin Name, Version) nor $this->version in {archive.name}.php.",
    )


def _wordpress_version(archive: Archive) -> str | None:
    main = f"{archive.name}.php"
    tops = [entry.path for entry in archive.entries if re.fullmatch(r"[^/]+\.php", entry.path)]
    headers = {path: _text(archive, path, _HEADER_SIZE) for path in tops}
    plugins = {path: _header(text, "Version") for path, text in headers.items() if _header(text, "Plugin Name")}
    if main in plugins:
        return plugins[main]
    return _only(archive, (version for version in plugins.values() if version))


def _header(text: str, label: str) -> str | None:
    found = re.search(rf"^(?:[ \t]*<\?php)?[ \t/*#@]*{re.escape(label)}:(.*)$", text, re.IGNORECASE | re.MULTILINE)
    value = re.sub(r"\s*(?:\*/|\?>).*", "", found[1]).strip() if found else ""
    return value or None


def _prestashop_version(archive: Archive) -> str | None:
    """The main class is believed before config.xml, which PrestaShop writes anew from it."""
    main = _text(archive, f"{archive.name}.php")
    stated = re.findall(r"""^[ \t]*\$this->version[ \t]*=[ \t]*(['"])([^'"]+)\1[ \t]*;""", main, re.MULTILINE)
    written = re.findall(r"<version>\s*(?:<!\[CDATA\[)?\s*([^\s<\]]+)", _text(archive, "config.xml"))
    return _only(archive, (version for _, version in stated)) or _only(archive, written)


def _only(archive: Archive, versions: Iterable[str]) -> str | None:
    found = sorted(set(versions))
    if len(found) > 1:
        raise PackageRefused(f"The package {archive.path} declares several versions: {', '.join(found)[:200]}.")
    return found[0] if found else None


def _text(archive: Archive, path: str, size: int | None = None) -> str:
    if path not in archive.tree.entries:
        return ""
    return archive.read(path)[:size].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def store(package: Package, folder: Path) -> Package:
    """Keep a copy as ``folder/SHA256.zip`` and return the package that lies there.

    Whole or not at all; a copy that is there already and is not what its name says is replaced.
    """
    kept = folder / f"{package.sha256}.zip"
    if not (kept.is_file() and kept.read_bytes() == package.archive.data):
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{package.sha256}.partial-{os.getpid()}"
        partial.write_bytes(package.archive.data)
        partial.replace(kept)
    return replace(package, path=kept)


def stored(folder: Path, module: str, sha256: str, *, folder_name: str | None = None) -> Archive:
    """A package out of the store: the bytes that were tested, checked again.

    :param folder_name: the module's folder, where it is not named like the module.
    :raises PackageRefused: if the copy is missing or is no longer what its name says.
    """
    kept = folder / f"{sha256}.zip"
    try:
        return inspect(kept, name=folder_name or module, sha256=sha256)
    except PackageRefused as refusal:
        raise PackageRefused(
            f"The package of {module} that was tested is no longer there: {refusal.what}",
            why=refusal.why,
            next_step="Run the update again; only what was tested is installed.",
        ) from refusal
