"""The feed's third version, record by record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.advisories import wordfence
from pipeline.advisories.versions import Verdict
from pipeline.errors import ConfigError


def span(start: str, end: str, *, including_end: bool = True) -> dict[str, Any]:
    return {
        "from_version": start, "from_inclusive": True, "to_version": end, "to_inclusive": including_end,
    }  # fmt: skip


def feed(**changes: Any) -> str:
    software = {
        "type": "plugin", "name": "Palier Stock", "slug": "palier-stock",
        "affected_versions": {"* - 2.4.1": span("*", "2.4.1")}, "patched": True, "patched_versions": ["2.4.2"],
    }  # fmt: skip
    record = {
        "id": "0d0c0b0a-1111-2222-3333-444455556666", "title": "Palier Stock <= 2.4.1 - Stock can be read by anybody",
        "software": [{**software, **changes}], "cve": "CVE-2026-20002", "references": ["https://advisories.example/1"],
        "cvss": {"score": 5.3, "rating": "Medium"},
    }  # fmt: skip
    return json.dumps({record["id"]: record})


def test_a_plugin_is_read() -> None:
    (found,) = wordfence.read(feed(), "feed.json")
    assert (found.identifier, found.severity, found.reference) == (
        "CVE-2026-20002", "medium (5.3)", "https://advisories.example/1",
    )  # fmt: skip
    assert found.modules == {"palier-stock"}
    assert found.affected.verdict("2.4.1") is Verdict.AFFECTED
    assert found.affected.verdict("2.4.2") is Verdict.CLEAR


def test_branches_are_kept_apart() -> None:
    spans = {"* - 1.9.3": span("*", "1.9.3"), "2.0 - 2.4.2": span("2.0", "2.4.2", including_end=False)}
    (found,) = wordfence.read(feed(affected_versions=spans, patched_versions=["1.9.4", "2.4.2"]), "feed.json")
    verdicts = {version: found.affected.verdict(version) for version in ("1.9.3", "1.9.4", "2.1", "2.4.2")}
    assert verdicts == {
        "1.9.3": Verdict.AFFECTED, "1.9.4": Verdict.CLEAR, "2.1": Verdict.AFFECTED, "2.4.2": Verdict.CLEAR,
    }  # fmt: skip


def test_everything_is_affected_where_both_ends_are_open() -> None:
    (found,) = wordfence.read(feed(affected_versions={"*": span("*", "*")}, patched_versions=[]), "feed.json")
    assert found.affected.verdict("77.1") is Verdict.AFFECTED


@pytest.mark.parametrize("spans", [None, {}, {"* - 1": {"from_version": "*"}}])
def test_a_record_without_versions_cannot_decide(spans: object) -> None:
    (found,) = wordfence.read(feed(affected_versions=spans), "feed.json")
    assert found.affected.verdict("1.0") is Verdict.UNDECIDED


def test_themes_and_the_core_are_left_out() -> None:
    assert wordfence.read(feed(type="theme"), "feed.json") == []


@pytest.mark.parametrize("text", ["", "[]", "no json", '{"error": "a key is needed"}', '{"a": 1}'])
def test_what_is_no_feed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"feed\.json is not a feed"):
        wordfence.read(text, "feed.json")
