"""Search: what is sold is found and can be reached; what is not sold is not found, and that is no error."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Pages
from smoke_tests.shop import Shop

NONSENSE = "qzxv-7f3k-nothing"


def test_a_known_product_is_found_and_can_be_opened(journey: Journey, shop_pages: Pages, shop: Shop) -> None:
    search = shop_pages.search
    with journey.step("search for a known product"):
        search.open(shop.search_term)
        hits = search.hits()
        assert hits, f"a search for “{shop.search_term}” found nothing"
    filters = search.filters()
    if filters:
        with journey.step("narrow the result"):
            search.narrow(filters[0])
            answered = search.hits() or search.says_nothing_found()
            assert answered, f"the filter “{filters[0]}” shows neither products nor a word"
    else:
        journey.not_checked("search filters (the page has none)")
    with journey.step("open the product that was found"):
        shop_pages.product.open(hits[0].path)
        name = shop_pages.product.name()
        assert name, f"the product page {hits[0].path} shows no name"
        assert shop_pages.product.price() >= 0, f"the product page {hits[0].path} shows no price"


def test_nonsense_finds_nothing(journey: Journey, shop_pages: Pages) -> None:
    with journey.step("search for nonsense"):
        shop_pages.search.open(NONSENSE)
        hits = shop_pages.search.hits()
        assert not hits, f"a search for nonsense found {len(hits)} products"
        assert shop_pages.search.says_nothing_found(), "a search for nonsense does not say that nothing was found"
