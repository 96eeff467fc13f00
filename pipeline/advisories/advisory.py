"""One advisory, whoever published it, and whether it speaks of a module at a version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.advisories.versions import Range, Verdict

TECHNICAL = re.compile(r"^[a-z0-9][a-z0-9_.-]*$", re.IGNORECASE)
"""What the name of a module's folder looks like. Names with spaces or commas are a product's, for people."""


@dataclass(frozen=True)
class Advisory:
    """One published weakness.

    :param modules: the technical names of the modules that it speaks of, in lower case.
    :param named_as: other words that name the product, where the technical name is not certain.
    """

    identifier: str
    title: str
    modules: frozenset[str]
    affected: Range
    source: str
    """Who published it, in a few words: ``Friends of Presta``."""
    reference: str = ""
    severity: str = ""
    named_as: str = ""

    def about(self, module: str, version: str) -> Match | None:
        """What it says of a module at a version; ``None`` if it does not speak of the module at all."""
        if module.lower() in self.modules:
            return Match(self, module, version, self.affected.verdict(version))
        if self.named_as and _names(self.named_as, module):
            return Match(self, module, version, Verdict.UNDECIDED, unsure_name=True)
        return None

    def __str__(self) -> str:
        return f"{self.identifier}: {self.title}"


@dataclass(frozen=True)
class Match:
    """An advisory held against an installed, or an offered, version."""

    advisory: Advisory
    module: str
    version: str
    verdict: Verdict
    unsure_name: bool = False

    @property
    def sentence(self) -> str:
        """What is known, one sentence; for what cannot be decided, with the text that it stems from."""
        words = f"“{self.advisory.affected.text or 'no version is named'}”"
        if self.unsure_name:
            name = f"the advisory calls its product “{self.advisory.named_as}”"
            return f"cannot decide whether {self.advisory.identifier} is about {self.module}: {name}, versions {words}"
        if self.verdict is Verdict.UNDECIDED:
            what = f"{self.module} {self.version}"
            return f"cannot decide whether {self.advisory.identifier} affects {what}: it says {words}"
        negation = "affects" if self.verdict is Verdict.AFFECTED else "does not affect"
        return f"{self.advisory.identifier} {negation} {self.module} {self.version}: it says {words}"

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.advisory.identifier,
            "title": self.advisory.title,
            "verdict": self.verdict.value,
            "versions": self.advisory.affected.text,
            "fixed": list(self.advisory.affected.fixed),
            "severity": self.advisory.severity,
            "source": self.advisory.source,
            "reference": self.advisory.reference,
        }


def matches(advisories: Iterable[Advisory], module: str, version: str) -> tuple[Match, ...]:
    """Every advisory that affects a module at a version, or of which that cannot be decided; the certain ones first."""
    found = [match for advisory in advisories if (match := advisory.about(module, version)) is not None]
    relevant = [match for match in found if match.verdict is not Verdict.CLEAR]
    return tuple(sorted(relevant, key=lambda match: (match.verdict.value, match.advisory.identifier)))


def _names(text: str, module: str) -> bool:
    """Whether words for people may mean a module: its name stands there, or is what the words make when joined."""
    words = re.findall(r"[a-z0-9_]+", text.lower())
    plain = re.sub(r"[^a-z0-9]", "", module.lower())
    joined = {"".join(words[start:end]) for end in range(len(words) + 1) for start in range(end)}
    return len(plain) > 3 and (module.lower() in words or plain in {each.replace("_", "") for each in joined})
