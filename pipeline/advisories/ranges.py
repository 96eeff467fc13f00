"""Ranges as people write them in advisories: ``>= 2.3.1 & <= 2.4.53 / >= 2.5.2 & <= 2.6.0 (2.6.1 fixed it)``.

What is not plainly a range stays a text that cannot be decided; a guess in either direction would be worse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.advisories.versions import Bound, Interval, Operator, Range

_VERSION = r"[vV]?[0-9]+(?:\.[0-9A-Za-z]+)*(?:[-+~][0-9A-Za-z.]+)?"
_BOUND = re.compile(rf"(<=|>=|<|>|=|≤|≥)\s*({_VERSION})")
_SIGNS: dict[str, Operator] = {"<": "<", "<=": "<=", "≤": "<=", ">": ">", ">=": ">=", "≥": ">=", "=": "="}
_NOTE = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|\*\*([^*]*)\*\*")
_JOINT = re.compile(r"\s*(?:,|&|/|;|\band\b|\bor\b|\|\||)\s*", re.IGNORECASE)
_LIST = re.compile(rf"{_VERSION}(?:\s*(?:,|\band\b|&)\s*{_VERSION})*", re.IGNORECASE)
_ALL = re.compile(r"all (?:versions|releases)|every version|\*", re.IGNORECASE)
_AT_LEAST = re.compile(r"^at least\s+", re.IGNORECASE)
_MANY = rf"{_VERSION}(?:\s*(?:,|and|&|or)\s*{_VERSION})*"
_FIXED = (
    # As in: 1.2.7 fixed the vulnerability; 2.4.2 fixed issue; 3.3.3 patched the issue.
    re.compile(
        rf"^({_MANY})\s+(?:fix|fixes|fixed|fixe|patches|patched|corrects|corrected)"
        r"(?:\s+(?:the|this))?(?:\s+security|\s+critical)?(?:\s+(?:issue|vulnerability|vulnerabilities|problem))?\.?$",
        re.IGNORECASE,
    ),
    # The version at the end, as in: fixed in version 1.8.12; patched versions 8.0.4 and 1.7.8.9.
    re.compile(rf"^(?:fix|fixed|patched)(?:\s+(?:in|on|by|since))?(?:\s+versions?)?:?\s+({_MANY})\.?$", re.IGNORECASE),
)


def parse_range(text: str, *, fixed: Sequence[str] = ()) -> Range:
    """Read the words of an advisory about affected versions.

    :param fixed: versions that mend it, where the advisory names them elsewhere.
    """
    words = " ".join(text.split())
    body, notes = _without_notes(words)
    body, trailing = _without_trailing_fix(body)
    mended, unclear = list(fixed), False
    for note in (*notes, *trailing):
        found = _fix(note)
        mended += found
        unclear = unclear or not found
    if _ALL.fullmatch(body.strip(" *.!")) or body == "*":
        return Range(words, ((),), tuple(mended))
    body, sure = _AT_LEAST.subn("", body)[0], not unclear and not _AT_LEAST.match(body)
    intervals = _intervals(body)
    if intervals is None:
        return Range(words, fixed=tuple(mended), readable=False)
    return Range(words, intervals, tuple(dict.fromkeys(mended)), sure=sure)


def unreadable(text: str) -> Range:
    """A text that nothing can be read from."""
    return Range(" ".join(text.split()), readable=False)


def _without_notes(text: str) -> tuple[str, tuple[str, ...]]:
    notes = tuple((found[1] or found[2] or found[3] or "").strip() for found in _NOTE.finditer(text))
    return " ".join(_NOTE.sub(" ", text).split()).rstrip(" ."), notes


def _without_trailing_fix(body: str) -> tuple[str, tuple[str, ...]]:
    """``<= 3.3.2, 3.3.3 patched the issue`` → the range, and the note that has no brackets."""
    head, comma, tail = body.rpartition(",")
    return (head.strip(), (tail.strip(),)) if comma and _fix(tail) else (body, ())


def _fix(note: str) -> tuple[str, ...]:
    for form in _FIXED:
        found = form.match(note.strip())
        if found:
            return tuple(_plain(version) for version in re.findall(_VERSION, found[1]))
    return ()


def _intervals(body: str) -> tuple[Interval, ...] | None:
    """``None`` if there is anything in the text but bounds and what joins them."""
    if _LIST.fullmatch(body):
        return tuple((Bound("=", _plain(version)),) for version in re.findall(_VERSION, body))
    rest = _BOUND.split(body)
    joints, bounds = rest[::3], list(zip(rest[1::3], rest[2::3], strict=True))
    if not bounds or joints[0].strip() or joints[-1].strip() or not all(map(_JOINT.fullmatch, joints)):
        return None
    branches = ["/" in joint or joint.strip().lower() in ("or", "||", ";") for joint in joints[1:-1]]
    return _joined([Bound(_SIGNS[sign], _plain(version)) for sign, version in bounds], branches)


def _joined(bounds: Sequence[Bound], branches: Sequence[bool]) -> tuple[Interval, ...] | None:
    """An upper bound closes an interval, a lower one opens the next: ``>= 8 < 8.0.3 and < 1.7.8`` are two.

    Several upper bounds in a row say something only where they are branches (``< 6.4 / < 3.8``), or where they leave
    no version in two intervals; see :meth:`Range.verdict`.
    """
    intervals: list[Interval] = []
    opened: Bound | None = None
    for number, bound in enumerate(bounds):
        if bound.lower:
            if opened is not None:
                return None
            opened = bound
        elif bound.upper:
            branch = number == 0 or branches[number - 1]
            if opened is None and intervals and not branch and not _below(bound, intervals):
                return None
            intervals.append((bound,) if opened is None else (opened, bound))
            opened = None
        else:
            if opened is not None:
                return None
            intervals.append((bound,))
    return (*intervals, (opened,)) if opened is not None else tuple(intervals)


def _below(bound: Bound, intervals: Sequence[Interval]) -> bool:
    """Whether a lone upper bound ends before every interval so far begins: an older branch."""
    return Range("", (*intervals, (bound,)))._disjoint()


def _plain(version: str) -> str:
    return version.lstrip("vV").rstrip(".")
