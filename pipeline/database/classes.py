"""What the tables of a shop hold: who owns their rows, and so what may be copied, restored or shown.

Names are patterns (``*`` and ``?``), without the table prefix. What nobody has described counts as business and as
personal data: a new module's table is never restored over and never copied in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from pipeline.config.inventory import Tables
from pipeline.database.sql import OWN


class Class(StrEnum):
    """Whose rows a table holds."""

    BUSINESS = "business"
    """Customers' and merchants' rows: never restored over."""
    CONFIGURATION = "configuration"
    MIXED = "mixed"
    """Settings and business rows in one table: row rules are needed."""
    THROWAWAY = "throwaway"
    """Sessions, caches, statistics: never copied, never restored."""


@dataclass(frozen=True)
class Classes:
    """The classes of one shop's tables. Build one with :meth:`of`."""

    prefix: str
    patterns: Mapping[str, Class] = field(default_factory=dict)
    personal: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Table pattern -> column -> kind of personal data, as described by the platform and the inventory."""
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Table -> the columns that the platform gave it, in lower case; others came with a module."""

    @classmethod
    def of(cls, prefix: str, *descriptions: Tables, columns: Mapping[str, frozenset[str]] | None = None) -> Classes:
        """The classes that the ``descriptions`` give (a platform's, then an inventory's): later ones win."""
        patterns: dict[str, Class] = {}
        personal: dict[str, dict[str, str]] = {}
        for described in descriptions:
            for kind in Class:
                patterns.update(dict.fromkeys(getattr(described, kind.value), kind))
            for table, kinds in described.personal.items():
                personal[table] = {**personal.get(table, {}), **kinds}
        return cls(prefix, patterns, personal, columns or {})

    def classify(self, table: str) -> Class:
        """The class of ``table`` (its full name, with the prefix); business when nothing describes it."""
        found = self._described(table)
        return Class.BUSINESS if found is None else found

    def known(self, table: str) -> bool:
        """Whether the platform or the inventory says what ``table`` holds; otherwise it is personal data, too."""
        return self._described(table) is not None or bool(self.rules(table))

    def rules(self, table: str) -> dict[str, str]:
        """Column -> kind of personal data, as described for ``table``; more precise patterns win."""
        short = self.short(table)
        matching = [] if short is None else [name for name in self.personal if fnmatchcase(short, name)]
        return {
            column: kind for name in sorted(matching, key=_precision) for column, kind in self.personal[name].items()
        }

    def foreign(self, table: str, column: str) -> bool:
        """Whether a module has added ``column`` to a table of the platform's."""
        own = self.columns.get(self.short(table) or "")
        return own is not None and column.lower() not in own

    def short(self, table: str) -> str | None:
        """The name without the prefix; ``None`` if the table is not the shop's."""
        mine = table.startswith(self.prefix) and not table.startswith(OWN)
        return table[len(self.prefix) :] if mine else None

    def _described(self, table: str) -> Class | None:
        short = self.short(table)
        if short is None:
            return None
        matching = [name for name in self.patterns if fnmatchcase(short, name)]
        return self.patterns[max(matching, key=_precision)] if matching else None


def _precision(pattern: str) -> tuple[bool, int]:
    """Orders patterns: a plain name is more precise than any pattern, a longer pattern than a shorter one."""
    plain = not any(sign in pattern for sign in "*?[")
    return plain, len(pattern)
