"""The front page. That it answers proves little; it is the first page that everybody sees all the same."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Pages


def test_the_home_page_shows_products(journey: Journey, shop_pages: Pages) -> None:
    home = shop_pages.home
    with journey.step("open the home page"):
        home.open()
        assert home.products(), f"no product is shown on {journey.path}"
    broken = journey.broken_images()
    assert not broken, f"{len(broken)} images of {journey.path} did not load, the first is {broken[0]}"
    journey.settle()
    missing = journey.missing_parts()
    assert not missing, f"the page {journey.path} lacks a part of its own: {missing[0]}"
    errors = journey.console_errors()
    assert not errors, f"the page {journey.path} reports an error in the browser's console: {errors[0]}"
