"""Timings and pictures against a baseline."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pipeline.evidence.compare import Box, picture_difference, slower, timings
from pipeline.evidence.verdicts import CaseResult, SmokeRun, SuiteResult, Verdict


def run(*visits: dict[str, object]) -> SmokeRun:
    case = CaseResult("home", "x", Verdict.PASSED, visits=visits)
    return SmokeRun((SuiteResult("home", (case,)),), 1.0, Path())


def visit(path: str, ttfb: float, status: int = 200) -> dict[str, object]:
    return {"path": path, "status": status, "ttfb": ttfb, "load": None, "lcp": None, "cls": 0.0}


def test_timings_are_medians_and_leave_errors_and_unknowns_out() -> None:
    measured = timings(run(visit("/", 100), visit("/", 900), visit("/", 200), visit("/", 5, status=500)))
    assert measured == {("/", "ttfb"): 200.0, ("/", "cls"): 0.0}


def test_pages_with_an_address_of_their_own_are_one_kind() -> None:
    measured = timings(run(visit("/order/MP-1/", 100), visit("/order/MP-2/", 300)))
    assert measured["/order/…/", "ttfb"] == 200.0


def test_only_what_is_beyond_both_tolerances_is_slower() -> None:
    before = {("/", "ttfb"): 100.0, ("/cart/", "ttfb"): 1000.0, ("/x/", "ttfb"): 100.0, ("/", "cls"): 0.0}
    now = {
        ("/", "ttfb"): 450.0,
        ("/cart/", "ttfb"): 1900.0,
        ("/x/", "ttfb"): 501.0,
        ("/", "cls"): 0.3,
        ("/new/", "lcp"): 9e9,
    }
    assert [(one.path, one.measure) for one in slower(before, now)] == [("/", "cls"), ("/x/", "ttfb")]


def test_what_is_slower_is_said_with_its_unit() -> None:
    worse = slower({("/", "lcp"): 200.0, ("/", "cls"): 0.0}, {("/", "lcp"): 3000.0, ("/", "cls"): 0.4})
    assert {str(one) for one in worse} == {"/: LCP 200 → 3000 ms", "/: CLS 0.00 → 0.40"}


@pytest.fixture
def white(tmp_path: Path) -> Path:
    path = tmp_path / "white.png"
    Image.new("RGB", (100, 50), "white").save(path)
    return path


def drawn(folder: Path, box: tuple[int, int, int, int], colour: str, size: tuple[int, int] = (100, 50)) -> Path:
    path = folder / "drawn.png"
    image = Image.new("RGB", size, "white")
    image.paste(colour, box)
    image.save(path)
    return path


def test_alike_pictures_do_not_differ(white: Path) -> None:
    assert picture_difference(white, white).share == 0.0
    assert picture_difference(white, white).box is None


def test_a_change_is_measured_and_located(white: Path, tmp_path: Path) -> None:
    difference = picture_difference(white, drawn(tmp_path, (10, 10, 20, 15), "#ff0000"))
    assert difference.box == Box(10, 10, 20, 15)
    assert difference.share == pytest.approx(50 / 5000)


def test_a_change_of_one_channel_is_a_change(white: Path, tmp_path: Path) -> None:
    assert picture_difference(white, drawn(tmp_path, (0, 0, 10, 10), "#ffffd0")).share > 0


def test_a_shade_within_the_tolerance_is_none(white: Path, tmp_path: Path) -> None:
    assert picture_difference(white, drawn(tmp_path, (0, 0, 10, 10), "#f0f0f0")).share == 0.0


def test_a_masked_change_is_none(white: Path, tmp_path: Path) -> None:
    red = drawn(tmp_path, (10, 10, 20, 15), "red")
    assert picture_difference(white, red, masks=[Box(10, 10, 20, 15)]).box is None
    assert picture_difference(white, red, masks=[Box(10, 10, 19, 15)]).box == Box(19, 10, 20, 15)


def test_what_a_smaller_picture_lacks_counts_as_different(white: Path, tmp_path: Path) -> None:
    taller = drawn(tmp_path, (0, 0, 1, 1), "white", (100, 60))
    assert picture_difference(white, taller).box == Box(0, 50, 100, 60)
