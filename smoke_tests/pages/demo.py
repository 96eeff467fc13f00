"""The demo shop: plain server-made pages with ``data-testid`` hooks."""

from __future__ import annotations

from contextlib import AbstractContextManager

from smoke_tests.demo_data import DemoData
from smoke_tests.journey import Journey
from smoke_tests.pages.base import Visitor
from smoke_tests.pages.screen import (
    CheckoutScreen,
    ProductScreen,
    SearchScreen,
    ShopPages,
    stored_in,
)
from smoke_tests.shop import Shop


def _hook(name: str) -> str:
    return f'[data-testid="{name}"]'


HOOKS = (
    *("product-card", "product-name", "product-price", "add-to-cart", "category-link"),
    *("cart-line", "cart-total", "cart-empty", "to-checkout"),
    *("checkout-form", "place-order", "order-reference", "order-total"),
    *("search-form", "search-result", "search-none"),
    *("contact-form", "contact-send", "contact-done", "error"),
    *("account", "login-send", "logout", "register-send"),
)
SELECTORS = {name: _hook(name) for name in HOOKS} | {
    "cart-path": "/cart/",
    "contact-path": "/contact/",
    "account-path": "/account/",
    "card-link": _hook("product-link"),
    "card-label": _hook("product-name"),
    "card-price": _hook("product-price"),
    "category-card": _hook("product-card"),
    "search-start-path": "/search/",
    "search-input": _hook("search-form") + ' input[name="q"]',
    "filter-list": 'main select[name="category"]',
    "filter-button": 'main form:has(select[name="category"]) button',
    "filter-link": _hook("search-filters") + ' a:not([href$="category="])',
    "cart-line-name": ".what a",
    "cart-line-quantity": "input.no-field",
    "payment": _hook("checkout-form") + ' input[name="payment"]',
    "terms": _hook("checkout-form") + ' input[name="terms"]',
    "cart-cookie": "shop_cart",
}
FIELDS = ("email", "name", "phone", "address", "postcode", "city", "country")
SELECTORS |= {f"checkout-{field}": f'{_hook("checkout-form")} [name="{field}"]' for field in FIELDS}
SELECTORS |= {f"contact-{field}": f'{_hook("contact-form")} [name="{field}"]' for field in ("name", "email", "message")}
SELECTORS |= {
    f"{form}-{field}": f'{_hook(f"{form}-form")} [name="{field}"]'
    for form in ("login", "register")
    for field in ("email", "password")
}


class DemoSearch(SearchScreen):
    def filters(self) -> tuple[str, ...]:
        """Of a list beside the search, or of links above the result: the filter module has shown both."""
        listed = (
            self.find("filter-list")
            .locator("option")
            .evaluate_all("options => options.filter(option => option.value).map(option => option.text)")
        )
        linked = (" ".join(text.split()) for text in self.find("filter-link").all_inner_texts())
        return (*listed, *linked)

    def narrow(self, name: str) -> None:
        if self.shown("filter-list"):
            self.journey.act(lambda: self.find("filter-list").first.select_option(name), "filter-list")
            self.follow("filter-button")
        else:
            self.journey.follow(self.find("filter-link").filter(has_text=name).first, name)


class DemoProduct(ProductScreen):
    def key(self) -> str:
        return self.journey.path.rstrip("/").rpartition("/")[2]


class DemoCheckout(CheckoutScreen):
    offline = ("invoice",)

    def fill_in(self, visitor: Visitor) -> None:
        for field in FIELDS:
            self.fill(f"checkout-{field}", str(getattr(visitor, field)))
        if self.find("terms").count():
            self.tick("terms")

    def choose_offline_payment(self) -> None:
        chosen = self.offline_payment()
        field = self.find("payment").and_(self.journey.page.locator(f'[value="{chosen}"]')).first
        self.journey.act(field.check, chosen)


def pages(journey: Journey) -> ShopPages:
    """The pages as this visitor sees them."""
    return ShopPages.of(
        journey,
        SELECTORS,
        search=DemoSearch,
        product=DemoProduct,
        checkout=DemoCheckout,
    )


def stored(shop: Shop) -> AbstractContextManager[DemoData | None]:
    """What the demo shop stored; ``None``: the database was not given."""
    return stored_in(shop, DemoData)
