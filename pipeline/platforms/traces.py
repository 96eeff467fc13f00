"""What test visitors leave in a shop's tables, and how it is known for theirs.

A description, no doing: SQL in which ``{p}`` stands for the table prefix, ``{emails}`` for the addresses of test
visitors, ``{emails in column}`` for the condition that a text holds one of them, ``{view name}`` for a question of
:attr:`Traces.views`, and any other name in braces for the :class:`Set` of that name that was found before. A statement
whose tables a shop does not have is left out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Set:
    """Keys that are a test's, under a name. Several of one name add up; each may use those before it."""

    name: str
    query: str


@dataclass(frozen=True)
class Rows:
    """The rows of ``table`` (without the prefix) that are a test's."""

    table: str
    condition: str


@dataclass(frozen=True)
class Doubt:
    """A question whose every answer is a reason to remove nothing: something is shared with somebody real."""

    query: str
    why: str


@dataclass(frozen=True)
class Traces:
    """Everything that one platform knows of what test visitors leave.

    :param addresses: questions for e-mail addresses like ``%s``.
    :param locks: questions that hold the orders while their stock is counted.
    :param stock: questions for what goes back into stock: the product as people know it, and the pieces.
    :param returns: statements that put it back.
    :param views: questions that others ask within their own, by name.
    :param columns: columns by which tables of modules that nobody described tell whose rows they hold: the name, and
        the set whose keys it holds.
    """

    addresses: tuple[str, ...]
    sets: tuple[Set, ...]
    doubts: tuple[Doubt, ...]
    locks: tuple[str, ...]
    stock: tuple[str, ...]
    returns: tuple[str, ...]
    rows: tuple[Rows, ...]
    views: tuple[tuple[str, str], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Traces) -> Traces:
        """What both know; sets of ``self`` are found first."""
        mine, theirs = vars(self), vars(other)
        return Traces(**{name: mine[name] + theirs[name] for name in mine})


OWNERS = {"order": "orders", "customer": "customers", "cart": "carts", "email": "emails"}
"""What an inventory may say that a column of a table of its own holds, and the set that this is."""
