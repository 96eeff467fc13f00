"""The front page. That it answers proves little; it is the first page that everybody sees all the same."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Pages


def test_the_home_page_shows_products(journey: Journey, shop_pages: Pages) -> None:
    home = shop_pages.home
    with journey.step("open the home page"):
        home.open()
        assert home.products(), f"no product is shown on {journey.path}"
    journey.require_whole_page()
