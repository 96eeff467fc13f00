"""Wordfence Intelligence, version 3 of its feed: one JSON object, advisory by advisory, plugins by their slugs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.advisories.advisory import Advisory
from pipeline.advisories.ranges import unreadable
from pipeline.advisories.versions import Bound, Interval, Operator, Range
from pipeline.errors import ConfigError

SOURCE = "Wordfence Intelligence"
FEED = "https://www.wordfence.com/api/intelligence/v3/vulnerabilities/production"


def read(text: str | bytes, where: str) -> list[Advisory]:
    """Every advisory about plugins in the feed.

    :param where: the file or address, for the error.
    :raises ConfigError: if it is not such a feed.
    """
    try:
        data = json.loads(text)
    except ValueError as problem:
        raise _not_a_feed(where, str(problem)) from None
    if not isinstance(data, dict) or not all(isinstance(record, dict) for record in data.values()):
        raise _not_a_feed(where, "it is not one object of records")
    if "error" in data or "message" in data:
        raise _not_a_feed(where, str(data.get("error") or data.get("message"))[:200])
    return [advisory for key, record in data.items() for advisory in _advisories(key, record)]


def _not_a_feed(where: str, why: str) -> ConfigError:
    return ConfigError(
        f"{where} is not a feed of Wordfence Intelligence.",
        why=f"{why[:1].upper()}{why[1:].rstrip('.')}.",
        next_step="Version 3 of the feed wants a key; name it as key in the inventory's advisories.",
    )


def _advisories(key: str, record: Mapping[str, Any]) -> Iterator[Advisory]:
    """One for each plugin of a record: a record may speak of several, each with its own versions."""
    software = record.get("software")
    for each in software if isinstance(software, list) else []:
        if not isinstance(each, dict) or each.get("type") != "plugin" or not each.get("slug"):
            continue
        yield Advisory(
            identifier=str(record.get("cve") or f"WF {key}"),
            title=" ".join(str(record.get("title", "")).split()),
            modules=frozenset({str(each["slug"]).lower()}),
            affected=_range(each),
            source=SOURCE,
            reference=_reference(record),
            severity=_severity(record.get("cvss")),
        )


def _range(software: Mapping[str, Any]) -> Range:
    spans = software.get("affected_versions")
    if not isinstance(spans, dict) or not spans:
        return unreadable("no affected versions are named")
    text = ", ".join(str(label) for label in spans)
    fixed = tuple(str(version) for version in software.get("patched_versions") or () if version)
    try:
        intervals = tuple(_interval(span) for span in spans.values())
    except (KeyError, TypeError):
        return unreadable(text)
    return Range(text, intervals, fixed if len(spans) == 1 else ())


def _interval(span: Mapping[str, Any]) -> Interval:
    lower: Operator = ">=" if span["from_inclusive"] else ">"
    upper: Operator = "<=" if span["to_inclusive"] else "<"
    ends = ((lower, str(span["from_version"])), (upper, str(span["to_version"])))
    return tuple(Bound(operator, version) for operator, version in ends if version != "*")


def _severity(cvss: object) -> str:
    if not isinstance(cvss, dict) or not cvss.get("rating"):
        return ""
    return f"{str(cvss['rating']).lower()} ({cvss.get('score', '?')})"


def _reference(record: Mapping[str, Any]) -> str:
    references = record.get("references")
    return str(references[0]) if isinstance(references, list) and references else str(record.get("cve_link") or "")
