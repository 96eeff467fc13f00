"""Posts as people write them: the header, the summary, and what is not certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.advisories.advisory import Advisory, matches
from pipeline.advisories.friends_of_presta import read_folder, read_post
from pipeline.advisories.versions import Verdict

POST = """\
---
layout: post
title: "[CVE-2026-{number}] Orders of others can be read through the module {product}"
categories: {categories}
author:
- A shopkeeper
meta: "CVE,PrestaShop,{tag}"
severity: "high (7.5)"
---

Whoever guesses a number reads an order.

## Summary

* **CVE ID**: [CVE-2026-{number}](https://cve.example/CVE-2026-{number})
* **Published at**: 2026-03-02
* **Platform**: PrestaShop
* **Product**: {product}
* **Impacted release**: {versions}
* **Weakness**: CWE-639

## Patch

Take the newest release.
"""


def post(
    product: str = "palierorders", versions: str = "< 1.4.2 (1.4.2 fixed the vulnerability)", *,
    tag: str = "palierorders", categories: str = "modules", number: int = 10001,
) -> str:  # fmt: skip
    return POST.format(product=product, versions=versions, tag=tag, categories=categories, number=number)


def read(text: str) -> Advisory:
    found = read_post("2026-03-02-palierorders.md", text)
    assert found is not None
    return found


def test_a_post_is_read() -> None:
    found = read(post())
    assert found.identifier == "CVE-2026-10001"
    assert found.title == "Orders of others can be read through the module palierorders"
    assert found.modules == {"palierorders"}
    assert found.severity == "high (7.5)"
    assert found.reference.endswith("/modules/2026/03/02/palierorders.html")
    assert found.affected.fixed == ("1.4.2",)


def test_names_are_compared_without_case() -> None:
    match = read(post("PalierOrders")).about("palierorders", "1.0")
    assert match is not None
    assert match.verdict is Verdict.AFFECTED


def test_a_tag_counts_only_as_another_spelling_of_the_product() -> None:
    assert read(post("palier-orders", tag="palierorders")).modules == {"palier-orders", "palierorders"}
    assert read(post("palierorders", tag="somebodystheme")).modules == {"palierorders"}


def test_a_name_for_people_cannot_decide_about_a_module() -> None:
    found = read(post("Palier Orders and more", tag="theme"))
    assert found.modules == frozenset()
    (match,) = matches([found], "palierorders", "1.0")
    assert match.verdict is Verdict.UNDECIDED
    assert "Palier Orders and more" in match.sentence
    assert not matches([found], "somethingelse", "1.0")


def test_a_range_that_cannot_be_read_is_shown_with_its_text() -> None:
    (match,) = matches([read(post(versions="somewhere before the summer"))], "palierorders", "1.0")
    assert match.verdict is Verdict.UNDECIDED
    assert "“somewhere before the summer”" in match.sentence


def test_a_post_without_versions_cannot_decide() -> None:
    text = post().replace("* **Impacted release**: < 1.4.2 (1.4.2 fixed the vulnerability)\n", "")
    (match,) = matches([read(text)], "palierorders", "1.0")
    assert match.verdict is Verdict.UNDECIDED
    assert "no version is named" in match.sentence


@pytest.mark.parametrize(
    "text",
    [
        post("PrestaShop", tag=""),
        post(categories="core"),
        post(categories="research"),
        "---\ntitle: An essay\ncategories: modules\n---\n\nOn the weather.\n",
        "no header at all",
        "",
    ],
)
def test_what_is_not_about_a_module_is_no_advisory(text: str) -> None:
    assert read_post("2026-03-02-x.md", text) is None


def test_a_title_that_breaks_yaml_does_not_hide_the_post() -> None:
    text = post().replace('title: "[CVE', 'title: "odd "quotes" [CVE')
    assert read(text).modules == {"palierorders"}
    assert read(text).identifier == "CVE-2026-10001"


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    assert read(post().replace("\n", "\r\n")).affected.verdict("1.4.1") is Verdict.AFFECTED


def test_a_checkout_and_a_plain_folder_are_read_and_links_are_not_followed(tmp_path: Path) -> None:
    posts = tmp_path / "_posts"
    posts.mkdir()
    (posts / "2026-03-02-palierorders.md").write_text(post())
    (posts / "notes.md").write_text(post(number=20002))
    (tmp_path / "outside.md").write_text(post(number=30003))
    (posts / "2026-03-03-link.md").symlink_to(tmp_path / "outside.md")
    assert [each.identifier for each in read_folder(tmp_path)] == ["CVE-2026-10001"]
    assert [each.identifier for each in read_folder(posts)] == ["CVE-2026-10001"]


def test_certain_matches_come_first_and_those_not_affected_are_left_out() -> None:
    certain, open_, clear = (
        read(post(versions=versions, number=number))
        for versions, number in (("< 2", 10003), ("who knows", 10001), ("< 1.0", 10002))
    )
    found = matches([open_, clear, certain], "palierorders", "1.5")
    assert [match.verdict for match in found] == [Verdict.AFFECTED, Verdict.UNDECIDED]
