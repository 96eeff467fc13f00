"""A category: products with prices, and a way to each of them."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Hit, Pages
from smoke_tests.shop import Shop

LOOKED_INTO = 4
"""Categories that are opened until one shows products: some hold only further categories."""


def test_a_category_leads_to_a_product(journey: Journey, shop_pages: Pages, shop: Shop) -> None:
    with journey.step("open a category"):
        products = _products(journey, shop_pages, shop)
        path = journey.path
        priced = [product for product in products if any(map(str.isdigit, product.price))]
        assert priced, f"none of the {len(products)} products of {path} shows a price"
    with journey.step("open a product of the category"):
        shop_pages.product.open(priced[0].path)
        assert shop_pages.product.name(), f"the product page {priced[0].path} shows no name"
        assert shop_pages.product.price() >= 0, f"the product page {priced[0].path} shows no price"


def _products(journey: Journey, shop_pages: Pages, shop: Shop) -> tuple[Hit, ...]:
    category = shop_pages.category
    paths = (shop.category_path,) if shop.category_path else category.known()[:LOOKED_INTO]
    assert paths, "the home page leads to no category; name one in the inventory as journeys.category_path"
    for path in paths:
        category.open(path)
        products = category.products()
        if products:
            return products
    return journey.fail(f"no product is shown on {' nor on '.join(paths)}")
