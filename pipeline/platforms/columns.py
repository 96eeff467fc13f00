"""A platform's own tables and columns, from a list beside its code: what is on no list came with a module."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib.resources import files

from pipeline.config.inventory import Tables

CLASSES = ("business", "configuration", "mixed", "throwaway")
Columns = dict[str, frozenset[str]]
"""Table, without the prefix -> its own columns, in lower case."""


def read(package: str) -> Columns:
    """The list ``columns.txt`` of a package: a line a table, ``name: column column``."""
    lines = (files(package) / "columns.txt").read_text("utf-8").splitlines()
    parts = (line.partition(":") for line in lines if not line.startswith("#"))
    return {table: frozenset(columns.split()) for table, _, columns in parts}


def spelled_out(own: Iterable[str], described: Tables) -> Tables:
    """``described`` with the ``own`` tables by name: a table of a module's never falls under a pattern."""
    patterns = {pattern: kind for kind in CLASSES for pattern in getattr(described, kind)}
    found: dict[str, list[str]] = {kind: [] for kind in CLASSES}
    for table in own:
        matching = [pattern for pattern in patterns if fnmatchcase(table, pattern)]
        if matching:  # a name before any pattern, a longer pattern before a shorter one
            found[patterns[max(matching, key=lambda pattern: ("*" not in pattern, len(pattern)))]].append(table)
    return described.model_copy(update={kind: tuple(sorted(names)) for kind, names in found.items()})
