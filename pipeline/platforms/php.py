"""Which PHP a shop may run on, and which of a host's programs is the one: said once, for `init` and for `doctor`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.platforms.recognition import Facts

_PRESTASHOP = (
    ("9.1", "8.1", "8.5"),
    ("9.0", "8.1", "8.4"),
    ("8.0", "7.2", "8.1"),
    ("1.7.8", "7.1", "7.4"),
    ("1.7.7", "7.1", "7.3"),
    ("1.7.5", "5.6", "7.2"),
    ("1.7.0", "5.4", "7.1"),
    ("1.6.1", "5.2", "7.1"),
)
"""From which version on, and the lowest and highest PHP that its makers state (devdocs.prestashop-project.org)."""


@dataclass(frozen=True)
class Range:
    """The versions of PHP, to the second number, that a shop's makers state. ``highest`` empty: none is stated."""

    lowest: str = ""
    highest: str = ""

    def holds(self, version: str) -> bool:
        """Whether a version lies in it."""
        found = _numbers(version)[:2]
        above = not self.lowest or found >= _numbers(self.lowest)[:2]
        return above and (not self.highest or found <= _numbers(self.highest)[:2])

    def __str__(self) -> str:
        if not self.lowest:
            return "any PHP"
        return f"PHP {self.lowest} to {self.highest}" if self.highest else f"PHP {self.lowest} or later"


def stated(facts: Facts) -> Range:
    """What a shop's makers state: PrestaShop's by its version, WordPress's as its files and WooCommerce's say it."""
    if facts.platform == "prestashop":
        version = _numbers(facts.version)
        known = (Range(low, high) for since, low, high in _PRESTASHOP if version >= _numbers(since))
        return next(known, Range())
    wanted = [each for each in facts.all("requires_php") if _numbers(each)]
    return Range(max(wanted, key=_numbers)) if wanted else Range()


def served(facts: Facts) -> str:
    """The version that the web server runs, to the second number; empty if that cannot be told.

    Where it runs several, the one that the shop's makers state, if it is one.
    """
    running = tuple(dict.fromkeys(facts.all("web_php")))
    fitting = [version for version in running if stated(facts).holds(version)]
    return running[0] if len(running) == 1 else fitting[0] if len(fitting) == 1 else ""


def programs(facts: Facts) -> dict[str, str]:
    """Program → version, as the host found them, the one called ``php`` first."""
    lines = (line.split(" ") for line in facts.all("php"))
    return {words[0]: words[1] for words in lines if len(words) > 1 and _numbers(words[1])}


def choose(found: Mapping[str, str], web: str, wanted: Range) -> str:
    """The program to run the shop's own commands with; empty if there is none.

    The version that the web server runs is the one that the shop is known to work on; where that is not known, the
    newest of those that its makers state; where none of them is there, whatever ``php`` is.
    """
    same = [program for program, version in found.items() if web and _numbers(version)[:2] == _numbers(web)[:2]]
    stated_ = [program for program, version in found.items() if wanted.holds(version)]
    stated_.sort(key=lambda program: _numbers(found[program])[:2], reverse=True)
    plain = [program for program in stated_ if program == "php"] if not wanted.highest else []
    return next(iter((*same, *plain, *stated_, *found)), "")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0])[:3])
