"""The report: whole in one file, safe with hostile text, honest about what was not checked."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

from pipeline.evidence import report as reports
from pipeline.evidence.report import TableChange, UpdateOutcome, UpdateReport
from pipeline.evidence.verdicts import CaseResult, SmokeRun, SuiteResult, Verdict
from pipeline.evidence.wording import WORDS, Language

COMMAND = "palier approve 20261121T190102Z-update-7f3a"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "03 failure.png"
    path.parent.mkdir()
    Image.effect_noise((1280, 5000), 80).save(path)
    return path


def smoke(picture: Path) -> SmokeRun:
    visits = ({"path": "/", "status": 200, "ttfb": 75.6, "load": None, "lcp": 348.0, "cls": 0.0},)
    good = CaseResult("home", "opens", Verdict.PASSED, seconds=1.5, visits=visits, not_checked=("the mail",))
    bad = CaseResult(
        "checkout",
        "buys",
        Verdict.FAILED,
        sentence="checkout: the page /checkout/ answered 500",
        screenshots=(picture,),
    )
    return SmokeRun(
        (SuiteResult("home", (good,)), SuiteResult("checkout", (bad,))), 9.0, picture.parent, digest="d" * 64
    )


@pytest.fixture
def report(picture: Path) -> UpdateReport:
    run = smoke(picture)
    rows = (TableChange("wp_options", added=3, changed=1200, schema=("column x added",), note="a 1 → 2"),)
    kept = UpdateOutcome("shop-loyalty", "1.0.0", "1.1.0", "feature", "Points", kept=True, footprint=rows)
    alone = UpdateOutcome(
        *("shop-invoice", "3.1.0", "3.2.0", "feature", "Instalments"),
        kept=False,
        why_aside=run.reason,
        together_with=(),
        smoke=run,
    )
    pair = UpdateOutcome(
        *("shop-filters", "1.2.0", "1.3.0", "security", "<script>alert(1)</script> | `x`"),
        kept=False,
        why_aside="search: the page /search/ answered 500",
        together_with=("shop-search",),
    )
    return UpdateReport(
        "Maison & Palier",
        "run-1",
        "2026-11-21",
        "claire",
        (kept, alone, pair),
        run,
        "9c" * 32,
        1,
        COMMAND,
        seconds=187.3,
    )


class Links(HTMLParser):
    """Every address that the page would load or lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.open += [tag]


def in_language(report: UpdateReport, language: Language) -> UpdateReport:
    return UpdateReport(**{**vars(report), "language": language})


def test_the_file_needs_no_other_and_links_its_evidence_relatively(report: UpdateReport, tmp_path: Path) -> None:
    reports.write(report, tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text("utf-8")
    pictures = [link for link in Links(html).found if link.startswith("data:image/jpeg;base64,")]
    others = {link for link in Links(html).found if not link.startswith("data:")}
    assert len(pictures) == 2
    assert others == {"run/03%20failure.png"}
    assert "url(" not in html
    assert "@import" not in html


def test_a_huge_screenshot_becomes_a_small_picture(picture: Path) -> None:
    assert len(reports.thumbnail(picture)) < 900_000
    assert picture.stat().st_size > 3_000_000


def test_a_screenshot_that_is_gone_is_left_out(report: UpdateReport, picture: Path, tmp_path: Path) -> None:
    picture.write_text("no picture")
    assert "<img" not in reports.html(report, tmp_path)


def test_evidence_elsewhere_is_not_linked(report: UpdateReport, tmp_path: Path) -> None:
    assert [link for link in Links(reports.html(report, tmp_path / "else")).found if not link.startswith("data:")] == []


def test_text_from_outside_is_never_markup(report: UpdateReport, tmp_path: Path) -> None:
    html = reports.html(report, tmp_path)
    assert "script" not in Links(html).open
    assert "&lt;script&gt;" in html
    assert "Maison &amp; Palier" in html


@pytest.mark.parametrize("language", get_args(Language))
def test_all_that_an_approver_needs_is_there(report: UpdateReport, tmp_path: Path, language: Language) -> None:
    html = reports.html(in_language(report, language), tmp_path)
    text = re.sub(r"<[^>]+>", " ", html)
    for needed in (COMMAND, "9c" * 32, "3.1.0 → 3.2.0", "wp_options", "column x added", "a 1 → 2", "3 min 07 s"):
        assert needed in text
    assert "{" not in re.sub(r"<style>.*</style>", "", html, flags=re.DOTALL)


def test_both_languages_say_why_in_their_own(report: UpdateReport, tmp_path: Path) -> None:
    english, french = (reports.html(in_language(report, one), tmp_path) for one in get_args(Language))
    assert "It fails together with the new version of shop-search" in english
    assert "the page /search/ answered 500" in english
    assert "Elle échoue avec la nouvelle version de shop-search" in french
    assert "la page /search/ a répondu 500" in french


def test_a_french_report_has_no_english_in_it_but_what_people_and_programs_wrote(
    report: UpdateReport, tmp_path: Path
) -> None:
    kept, alone, pair = report.updates
    noted = {"php_faults": ("Warning: x in /a.php:1 (2 times)",), "browser": ("x is not defined",), "slower": ("/: 1",)}
    tables = (TableChange("wp_shop_orders", changed=2, schema=("new table",), business=True),)
    unusual = UpdateOutcome(
        *("shop-stats", "1.4.0", "1.5.0", "malfunction", "Statistiques"),
        kept=False,
        why_aside="The platform's upgrade failed. exit 255",
    )
    updates = (UpdateOutcome(**{**vars(kept), **noted, "footprint": tables}), alone, pair, unusual)
    told = {"updates": updates, "left_out": ("contact",), "roles": ("marchand",), "approvals_required": 2}
    french = UpdateReport(**{**vars(report), **told, "language": "fr"})
    english = UpdateReport(**{**vars(report), **told})
    for page in (reports.html(french, tmp_path), reports.summary(french)):
        text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
        for key, (word_, own) in WORDS.items():
            if word_ != own and len(word_) > 8 and "{" not in word_:
                assert word_ not in text, key
        for english_ in ("new table", "times", "upgrade failed", "Not by", "Only these", "any update", "orders", "did"):
            assert not re.search(rf"\b{english_}\b", text), english_
        for needed in ("Pas celle de claire", "marchand", "échouaient déjà", "a échoué. exit 255"):
            assert needed in text.replace("\u00a0", " ")
    page = re.sub(r"<[^>]+>", " ", reports.html(english, tmp_path))
    for needed in ("orders, customers", "Not by claire, who ran the updates.", "Only these roles count: marchand."):
        assert needed in page


def test_numbers_are_written_as_the_language_does(report: UpdateReport, tmp_path: Path) -> None:
    assert ">1,200<" in reports.html(report, tmp_path)
    assert ">1\u202f200<" in reports.html(in_language(report, "fr"), tmp_path)


def test_what_was_not_checked_is_said(report: UpdateReport, tmp_path: Path) -> None:
    assert "home: the mail" in reports.html(report, tmp_path)
    assert "- Not checked: home: the mail" in reports.summary(report)


def test_without_anything_kept_nothing_is_to_be_approved(report: UpdateReport, tmp_path: Path) -> None:
    empty = UpdateReport(**{**vars(report), "updates": report.aside})
    assert COMMAND not in reports.html(empty, tmp_path)
    assert COMMAND not in reports.summary(empty)
    assert "Nothing is ready to promote." in reports.html(empty, tmp_path)


def test_the_summary_is_a_table_that_no_text_breaks_out_of(report: UpdateReport) -> None:
    lines = reports.summary(report).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(report.updates)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert "<script>" not in "\n".join(lines)
    assert lines[0] == "## Updates of Maison & Palier: 1 kept, 2 set aside"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (8.24, "8.2 s"), (59.9, "59.9 s"), (187.3, "3 min 07 s")]
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert reports.duration(seconds, "en") == shown
