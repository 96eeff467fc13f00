"""The Markdown posts of Friends of Presta: a header of YAML, then a summary with the product and the affected versions.

The posts are written by hand by many people; what this reads is only the header and the lines of the summary.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.advisories.advisory import TECHNICAL, Advisory
from pipeline.advisories.ranges import parse_range, unreadable

SOURCE = "Friends of Presta"
SITE = "https://security.friendsofpresta.org"
LARGEST = 500_000
"""Bytes. A longer file is no post."""

_HEADER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
_LINE = re.compile(r"^\s*[*-]\s+\*\*(?P<label>[^*:]+):?\*\*\s*:?(?P<value>.*)$", re.MULTILINE)
_PLAIN_LINE = re.compile(r"^(\w+):[ \t]*(.*)$", re.MULTILINE)
_FILE = re.compile(r"(\d{4})-(\d{2})-(\d{2})-(.+)\.(?:md|markdown)")
_NO_MODULE = {"prestashop", "core", "prestashop core"}


def read_folder(folder: Path) -> list[Advisory]:
    """Every advisory about modules in ``folder``, or in its ``_posts``; links are not followed."""
    posts = folder / "_posts" if (folder / "_posts").is_dir() else folder
    files = sorted(path for path in posts.iterdir() if _FILE.fullmatch(path.name) and not path.is_symlink())
    found = (read_post(path.name, _text(path)) for path in files)
    return [advisory for advisory in found if advisory is not None]


def read_post(name: str, text: str) -> Advisory | None:
    """One post; ``None`` if it is not about a module (the core, an essay, a notice)."""
    header, summary = _header(text), _summary(text)
    if not header or "summary" not in text.lower():
        return None
    modules, named_as = _products(header, summary)
    if not modules and not named_as:
        return None
    versions = summary.get("impacted release", summary.get("impacted releases", summary.get("affected versions", "")))
    return Advisory(
        identifier=_identifier(name, header, summary),
        title=_title(header),
        modules=frozenset(modules),
        affected=parse_range(versions) if versions else unreadable(""),
        source=SOURCE,
        reference=_address(name, header),
        severity=str(header.get("severity") or summary.get("severity", "")),
        named_as=named_as,
    )


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LARGEST).decode("utf-8", "replace")


def _header(text: str) -> dict[str, Any]:
    found = _HEADER.match(text.replace("\r\n", "\n"))
    if not found:
        return {}
    try:
        data = YAML(typ="safe").load(found[1])
    except (YAMLError, ValueError):
        # Titles with a stray quote are not YAML; the plain lines are still worth reading.
        data = {key: value.strip().strip('"') for key, value in _PLAIN_LINE.findall(found[1])}
    return data if isinstance(data, dict) else {}


def _summary(text: str) -> dict[str, str]:
    """The lines ``* **Label**: value``; the first of each label counts."""
    found: dict[str, str] = {}
    for line in _LINE.finditer(text):
        found.setdefault(" ".join(line["label"].lower().split()), line["value"].strip())
    return found


def _products(header: dict[str, Any], summary: dict[str, str]) -> tuple[set[str], str]:
    """The technical names that the post is certain of, and the words for people where there are others."""
    product = re.sub(r"\(\*\)$", "", summary.get("product", "")).strip()
    if product.lower() in _NO_MODULE or str(header.get("categories", "")).strip() in ("core", "research"):
        return set(), ""
    tags = [tag.strip().lower() for tag in str(header.get("meta", "")).split(",")[2:]]
    if TECHNICAL.fullmatch(product):
        return {product.lower(), *(tag for tag in tags if _plain(tag) == _plain(product))}, ""
    # Tags also name authors and themes: one counts only where the product's words hold it.
    names = {tag for tag in tags if TECHNICAL.fullmatch(tag) and len(tag) > 3 and _plain(tag) in _plain(product)}
    return names, product


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _identifier(name: str, header: dict[str, Any], summary: dict[str, str]) -> str:
    for text in (_whole_title(header), summary.get("cve id", "")):
        found = re.search(r"CVE-\d{4}-\d{4,}", text)
        if found:
            return found[0]
    return f"FOP {name.rsplit('.', 1)[0]}"


def _whole_title(header: dict[str, Any]) -> str:
    return " ".join(str(header.get("title", "")).split()).strip('"')


def _title(header: dict[str, Any]) -> str:
    return re.sub(r"^\[[^\]]*\]\s*", "", _whole_title(header))


def _address(name: str, header: dict[str, Any]) -> str:
    found = _FILE.fullmatch(name)
    if not found:
        return SITE
    category = str(header.get("categories", "modules")).strip() or "modules"
    return f"{SITE}/{category}/{found[1]}/{found[2]}/{found[3]}/{found[4]}.html"
