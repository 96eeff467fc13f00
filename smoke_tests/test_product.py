"""A product's page: what it is, what it costs, how it looks, and a button to buy it."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages import first_product
from smoke_tests.pages.base import Pages
from smoke_tests.shop import Shop


def test_a_product_is_shown_and_can_be_bought(journey: Journey, shop_pages: Pages, shop: Shop) -> None:
    product = shop_pages.product
    with journey.step("open a product"):
        product.open(shop.product_path or first_product(shop_pages))
        assert product.name(), f"the product page {journey.path} shows no name"
        assert product.price() > 0, f"the product page {journey.path} shows the price {product.price()}"
        assert product.can_be_bought(), f"the product {journey.path} cannot be put into the cart"
    journey.require_whole_page(foreign_images=False)
