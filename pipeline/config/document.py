"""A YAML file as plain data, with the line and column of every key and value, and its syntax mistakes as sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarbool import ScalarBoolean

from pipeline.errors import ConfigError

Location = tuple[str | int, ...]
"""Where something stands in a document: keys and indexes from the top."""

LARGEST = 1_000_000
"""Bytes. A bigger file is not an inventory or a playbook."""

MOST_NODES = 20_000
"""Values, repeated ones counted: a few lines of YAML can repeat themselves into billions."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing that is wrong, at a line and a column counted from 1."""

    line: int
    column: int
    text: str


def refusal(path: Path, mistakes: list[Mistake]) -> ConfigError:
    """One error that holds every mistake of a file, one a line."""
    lines = [f"{shown(path)}:{mistake.line}:{mistake.column}: {mistake.text}" for mistake in sorted(set(mistakes))]
    return ConfigError("\n".join(lines), next_step="Every key is described in docs/reference.md.")


def shown(path: Path) -> str:
    """The path as people know it: from the working folder, if it lies in it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def dotted(location: Location) -> str:
    """``production.hosts[0].ssh``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


@dataclass
class Document:
    """The data of one file, and where its parts stand."""

    path: Path
    text: str
    data: dict[Any, Any] = field(default_factory=dict)
    keys: dict[Location, tuple[int, int]] = field(default_factory=dict)
    values: dict[Location, tuple[int, int]] = field(default_factory=dict)

    def key_at(self, location: Location) -> tuple[int, int]:
        """Line and column of a key or list item; of the nearest thing around it if it is not there itself."""
        while location and location not in self.keys:
            location = location[:-1]
        return self.keys.get(location, (1, 1))

    def value_at(self, location: Location) -> tuple[int, int]:
        """Line and column of a plain value; of its key if it is a table or a list, or not there."""
        return self.values.get(location) or self.key_at(location)

    def source(self, location: Location) -> str:
        """A plain value as it is written: ``4.10`` where the data have 4.1."""
        line, column = self.value_at(location)
        rest = self.text.splitlines()[line - 1][column - 1 :]
        found = re.match(r"[^\s#,\]}]+", rest)
        return found[0] if found else ""


def read_document(path: Path) -> Document:
    """Read a YAML file.

    :raises ConfigError: if it cannot be read, is not UTF-8 or YAML, or is not a table of keys; with line and column.
    """
    text = _text(path)
    try:
        loaded = YAML(typ="rt").load(text)
    except DuplicateKeyError as problem:
        raise refusal(path, [_twice(problem)]) from None
    except (MarkedYAMLError, ReaderError) as problem:
        raise refusal(path, [_syntax(problem, text)]) from None
    except (YAMLError, ValueError, RecursionError) as problem:
        raise refusal(path, [Mistake(1, 1, f"is not YAML that can be read: {_first_line(str(problem))}")]) from None
    if not isinstance(loaded, CommentedMap):
        what = "is empty" if loaded is None else "is not a table of keys"
        raise refusal(path, [Mistake(1, 1, f'{what}; write it as "key: value" lines')])
    document = Document(path, text)
    document.data = _Reading(document).plain(loaded, ())
    return document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as problem:
        raise refusal(path, [Mistake(1, 1, f"cannot be read: {problem.strerror}")]) from None
    if len(raw) > LARGEST:
        raise refusal(
            path, [Mistake(1, 1, f"is larger than {LARGEST // 1000} kB; it cannot be an inventory or a playbook")]
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start]
        line, column = before.count(b"\n") + 1, problem.start - (before.rfind(b"\n") + 1) + 1
        fix = f"save the file as UTF-8 (byte 0x{raw[problem.start]:02x} is not)"
        raise refusal(path, [Mistake(line, column, f"is not UTF-8 text; {fix}")]) from None


def _twice(problem: DuplicateKeyError) -> Mistake:
    # Ruamel's own text repeats both values, and one of them may be a secret in the wrong place.
    found = re.search(r'found duplicate key "(.*?)"', problem.problem or "")
    mark = problem.problem_mark
    return Mistake(mark.line + 1, mark.column + 1, f'the key "{found[1] if found else "?"}" is given twice; remove one')


def _syntax(problem: MarkedYAMLError | ReaderError, text: str) -> Mistake:
    if isinstance(problem, ReaderError):
        before = text[: problem.position]
        line, column = before.count("\n") + 1, problem.position - (before.rfind("\n") + 1) + 1
        return Mistake(line, column, "a control character; remove it")
    mark = problem.problem_mark or problem.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    if re.match(r"\s*\t", written):
        return Mistake(line, written.index("\t") + 1, "a tab; indent with spaces")
    what = _first_line(problem.problem or problem.context or "it cannot be parsed")
    return Mistake(line, column, f"is not YAML: {what}; look for a missing colon, quote or space on this line or above")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "it cannot be parsed"


class _Reading:
    """Turns the round-trip tree into plain data and notes where everything stands."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def plain(self, node: Any, location: Location) -> Any:
        self._count(location)
        if isinstance(node, CommentedMap):
            return {key: self._entry(node, key, (*location, key)) for key in node}
        if isinstance(node, CommentedSeq):
            return [self._item(node, index, (*location, index)) for index in range(len(node))]
        return self._scalar(node, location)

    def _entry(self, node: CommentedMap, key: Any, location: Location) -> Any:
        if key in (node.lc.data or {}):  # keys merged in by "<<" stand elsewhere
            line, column, value_line, value_column = node.lc.data[key]
            self._document.keys[location] = (line + 1, column + 1)
            if node[key] is not None and not isinstance(node[key], (CommentedMap, CommentedSeq)):
                self._document.values[location] = (value_line + 1, value_column + 1)
        return self.plain(node[key], location)

    def _item(self, node: CommentedSeq, index: int, location: Location) -> Any:
        line, column = node.lc.item(index)
        self._document.keys[location] = (line + 1, column + 1)
        return self.plain(node[index], location)

    def _scalar(self, node: Any, location: Location) -> Any:
        if isinstance(node, TaggedScalar):
            self._refuse(location, "has a YAML tag (!...); remove it")
        if isinstance(node, ScalarBoolean):
            return bool(node)
        for kind in (str, int, float):
            if isinstance(node, kind) and not isinstance(node, bool):
                return kind(node)
        return node

    def _count(self, location: Location) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES or len(location) > 50:
            self._refuse(location[:1], "repeats itself too often; write it without anchors (&) and aliases (*)")

    def _refuse(self, location: Location, text: str) -> None:
        line, column = self._document.value_at(location)
        raise refusal(self._document.path, [Mistake(line, column, f"{dotted(location)}: {text}")])
