"""PrestaShop's theme Hummingbird (1.0): the steps of the classic theme, under other names."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages import prestashop
from smoke_tests.pages.screen import ShopPages

SELECTORS = {
    "card-link": ".product-miniature__infos__top a",
    "card-label": ".product-miniature__title",
    "card-price": ".product-miniature__price",
    "category-link": "#top-menu li.category > a, #menu-mobile li.category > a",
    "search-open": '[data-bs-target="#searchCanvas"]',
    "product-name": "h1.product__name",
    "product-price": ".product__current-price",
    "add-to-cart": '.js-product-actions button[data-button-action="add-to-cart"]',
    "cart-line": ".cart__items .cart__item",
    "cart-line-name": ".product-line__content a.product-line__title",
    "cart-total": ".js-cart-detailed-totals .cart-total .cart-summary__value",
    "cart-empty": ".cart-overview > p",
    "to-checkout": ".js-cart-detailed-actions a.btn-primary",
    "order-reference": "ul.order-details li:first-child",
    "order-total": ".order-confirmation__totals .row.fw-bold .text-end",
    "account": "#history-link, #identity-link",
    "logout": '#wrapper a[href*="mylogout"]:visible',
}
"""What differs from the classic theme's, :data:`smoke_tests.pages.prestashop.SELECTORS`."""


class HummingbirdSearch(prestashop.PrestaShopSearch):
    def open(self, term: str) -> None:
        """On a small screen the form waits behind a button."""
        if not self.shown("search-input"):
            self.journey.visit(self.selector("search-start-path"))
        if not self.shown("search-input"):
            self.journey.act(self.find("search-open").first.click, "search-open")
            self.appears("search-input")
        super().open(term)


def pages(journey: Journey) -> ShopPages:
    """The pages as this visitor sees them."""
    return prestashop.pages(journey, SELECTORS, HummingbirdSearch)


stored = prestashop.stored
