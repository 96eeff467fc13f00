"""A playbook as text: updates with their reasons, everything else as comments; and a file that is not written over."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.code.sources import Offer
from pipeline.errors import Refused

WIDTH = 118
_FIRST = re.compile(r"\A# Written by `palier plan`.*\(text ([0-9a-f]{16})\)\n")


@dataclass(frozen=True)
class Update:
    """One update as it is to be written."""

    module: str
    before: str
    offer: Offer
    kind: str
    text: str
    reference: str
    notes: tuple[str, ...]


def text(
    shop: str, updates: Sequence[Update], comments: Sequence[tuple[str, Sequence[tuple[str, str]]]], folder: Path
) -> str:
    """The YAML.

    :param comments: headings, each with what stands below it: a sentence and the command that would change it.
    :param folder: the playbook's folder; packages are named relative to it.
    """
    lines = [
        f"shop: {shop}",
        "",
        "# Tried in this order, each on its own. Packages are pinned by their SHA-256.",
        "updates:",
    ]
    for update in updates:
        lines += _update(update, folder)
    for head, entries in comments:
        lines += ["", f"# {head}"]
        for sentence, command in entries:
            lines += _wrapped(sentence, "#   ", "#     ")
            lines += [f"#     {command}"] if command else []
    body = "\n".join(lines) + "\n"
    return f"# Written by `palier plan` on {dt.datetime.now(dt.UTC):%Y-%m-%d} for {shop} (text {_digest(body)})\n{body}"


def _update(update: Update, folder: Path) -> Iterator[str]:
    offer = update.offer
    when = f"released {offer.released:%Y-%m-%d}" if offer.released else f"first seen {offer.first_seen:%Y-%m-%d}"
    yield from _wrapped(
        f"{update.module} {update.before} → {offer.version}, {when}, from {_relative(offer.source, folder)}",
        "  # ",
        "  #   ",
    )
    for note in update.notes:
        yield from _wrapped(note, "  # ", "  #   ")
    yield f"  - module: {_word(update.module)}"
    yield f"    to: {json.dumps(offer.version)}"
    yield f"    package: {_word(os.path.relpath(offer.path, folder))}"
    yield f"    sha256: {offer.sha256}"
    yield "    reason:"
    yield f"      kind: {update.kind}"
    yield f"      text: {_word(update.text)}"
    if update.reference:
        yield f"      reference: {_word(update.reference)}"


def _relative(source: str, folder: Path) -> str:
    return os.path.relpath(source, folder) if source.startswith("/") else source


def _wrapped(sentence: str, first: str, other: str) -> list[str]:
    return textwrap.wrap(
        plain(sentence),
        WIDTH,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )


def plain(text: str) -> str:
    """``text`` in one line, without what no eye sees and no YAML may hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _word(value: str) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def require_replaceable(path: Path) -> None:
    """:raises Refused: if there is a file that was not written by this, or was edited since."""
    if not path.exists():
        return
    found = path.read_text("utf-8", "replace")
    first = _FIRST.match(found)
    if first is None or first[1] != _digest(found[first.end() :]):
        raise Refused(
            f"{path} was written or edited by people; it is not written over.",
            next_step="Give the plan another name with -o, and take over what you want.",
        )


def write(path: Path, content: str, check: Callable[[Path], None]) -> None:
    """Written beside, checked, then given its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    partial.write_text(content, "utf-8")
    try:
        check(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
