"""Drift: how a shop's code differs from what the ledger expects, in lines for people."""

from __future__ import annotations

from pipeline.code.tree import Tree, difference

SHOWN = 20


def drift(expected: Tree, actual: Tree, *, shown: int = SHOWN) -> list[str]:
    """One line for each file that is not as expected, at most ``shown`` and one that counts the others.

    Empty when both are the same. Both trees must have been made with the same exclusions.
    """
    found = difference(expected, actual)
    lines = sorted(
        [(path, "changed") for path in found.changed]
        + [(path, "added") for path in found.added]
        + [(path, "missing") for path in found.removed]
    )
    told = [f"{verb}: {printable(path)}" for path, verb in lines[:shown]]
    return told if len(lines) <= shown else [*told, f"and {len(lines) - shown} more"]


def printable(path: str) -> str:
    """A path as it can stand on one line of a terminal: whatever does not print is escaped."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in path)
