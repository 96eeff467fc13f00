"""The demo shop: plain server-made pages with ``data-testid`` hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from smoke_tests.journey import Journey
from smoke_tests.pages.base import CartLine, Hit, Screen, Visitor
from smoke_tests.shop import Shop
from smoke_tests.shopdata import Connection, Line, Order, connected


def _hook(name: str) -> str:
    return f'[data-testid="{name}"]'


HOOKS = (
    *("product-card", "product-link", "product-name", "product-price", "add-to-cart"),
    *("cart-line", "cart-total", "cart-empty", "to-checkout"),
    *("checkout-form", "place-order", "order-reference", "order-total"),
    *("search-form", "search-result", "search-none"),
    *("contact-form", "contact-send", "contact-done", "error"),
)
SELECTORS = {name: _hook(name) for name in HOOKS} | {
    "search-input": _hook("search-form") + ' input[name="q"]',
    "filter-list": 'main select[name="category"]',
    "filter-button": 'main form:has(select[name="category"]) button',
    "filter-link": _hook("search-filters") + ' a:not([href$="category="])',
    "cart-line-name": ".what a",
    "payment": _hook("checkout-form") + ' input[name="payment"]',
    "offline-payment": _hook("checkout-form") + ' input[name="payment"][value="invoice"]',
    "terms": _hook("checkout-form") + ' input[name="terms"]',
    "cart-cookie": "shop_cart",
}
FIELDS = ("email", "name", "phone", "address", "postcode", "city", "country")
SELECTORS |= {f"checkout-{field}": f'{_hook("checkout-form")} [name="{field}"]' for field in FIELDS}
SELECTORS |= {f"contact-{field}": f'{_hook("contact-form")} [name="{field}"]' for field in ("name", "email", "message")}


class DemoScreen(Screen):
    """A page of the demo shop."""

    def __init__(self, journey: Journey) -> None:
        super().__init__(journey, SELECTORS)

    def hits(self, name: str) -> tuple[Hit, ...]:
        """Products in a list of cards called ``name``."""
        script = """(cards, [link, label]) => cards.map(card => {
            const anchor = card.matches('a') ? card : card.querySelector(link) || card.querySelector('a');
            return [(card.querySelector(label) || anchor || card).textContent.trim(), anchor ? anchor.href : ''];
        })"""
        found = self.find(name).evaluate_all(script, [self.selector("product-link"), self.selector("product-name")])
        return tuple(Hit(label, urlsplit(address).path) for label, address in found)


class DemoHome(DemoScreen):
    def open(self) -> None:
        self.journey.visit("/")

    def products(self) -> tuple[Hit, ...]:
        return self.hits("product-card")


class DemoSearch(DemoScreen):
    def open(self, term: str) -> None:
        if not self.shown("search-input"):
            self.journey.visit("/search/")
        self.fill("search-input", term)
        field = self.find("search-input").first
        self.journey.submit(lambda: field.press("Enter"), "search-form")

    def hits(self, name: str = "search-result") -> tuple[Hit, ...]:
        return super().hits(name)

    def says_nothing_found(self) -> bool:
        return self.shown("search-none")

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


class DemoProduct(DemoScreen):
    def open(self, path: str) -> None:
        self.journey.visit(path)

    def name(self) -> str:
        return self.text("product-name")

    def price(self) -> Decimal:
        return self.amount("product-price")

    def key(self) -> str:
        return self.journey.path.rstrip("/").rpartition("/")[2]

    def can_be_bought(self) -> bool:
        return self.usable("add-to-cart")

    def add_to_cart(self) -> None:
        self.follow("add-to-cart")


class DemoCart(DemoScreen):
    def open(self) -> None:
        if self.journey.path != "/cart/":
            self.journey.visit("/cart/")

    def lines(self) -> tuple[CartLine, ...]:
        script = """(lines, label) => lines.map(line =>
            [(line.querySelector(label) || line).textContent.trim(), parseInt(line.dataset.quantity, 10)])"""
        found = self.find("cart-line").evaluate_all(script, self.selector("cart-line-name"))
        return tuple(CartLine(name, quantity) for name, quantity in found)

    def total(self) -> Decimal:
        return self.amount("cart-total")

    def token(self) -> str:
        cookies = {cookie.get("name"): cookie.get("value", "") for cookie in self.journey.page.context.cookies()}
        return cookies.get(self.selector("cart-cookie")) or ""

    def is_empty(self) -> bool:
        return self.shown("cart-empty")

    def go_to_checkout(self) -> None:
        self.follow("to-checkout")


class DemoCheckout(DemoScreen):
    def fill_in(self, visitor: Visitor) -> None:
        for field in FIELDS:
            self.fill(f"checkout-{field}", str(getattr(visitor, field)))
        if self.find("terms").count():
            self.tick("terms")

    def payments(self) -> tuple[str, ...]:
        return tuple(self.find("payment").evaluate_all("fields => fields.map(field => field.value)"))

    def choose_offline_payment(self) -> None:
        self.tick("offline-payment")

    def can_place_order(self) -> bool:
        return self.usable("place-order")

    def place_order(self) -> None:
        self.follow("place-order")
        if self.shown("error"):
            self.journey.fail(f"the order was refused: {self.text('error')}")

    def reference(self) -> str:
        return self.text("order-reference")

    def total(self) -> Decimal:
        return self.amount("order-total")


class DemoContact(DemoScreen):
    def open(self) -> None:
        self.journey.visit("/contact/")

    def fill_in(self, visitor: Visitor, message: str) -> None:
        self.fill("contact-name", visitor.name)
        self.fill("contact-email", visitor.email)
        self.fill("contact-message", message)

    def can_send(self) -> bool:
        return self.usable("contact-send")

    def send(self) -> None:
        self.follow("contact-send")

    def says_sent(self) -> bool:
        return self.shown("contact-done")


@dataclass(frozen=True)
class DemoPages:
    """The demo shop, page by page."""

    home: DemoHome
    search: DemoSearch
    product: DemoProduct
    cart: DemoCart
    checkout: DemoCheckout
    contact: DemoContact


def pages(journey: Journey) -> DemoPages:
    """The pages as this visitor sees them."""
    return DemoPages(
        DemoHome(journey),
        DemoSearch(journey),
        DemoProduct(journey),
        DemoCart(journey),
        DemoCheckout(journey),
        DemoContact(journey),
    )


@dataclass(frozen=True)
class DemoData:
    """The demo shop's own tables."""

    connection: Connection

    def orders_of(self, email: str) -> tuple[Order, ...]:
        found = self.connection.rows(
            "SELECT id, reference, total FROM {p}shop_orders WHERE email = %s ORDER BY id", email
        )
        return tuple(Order(row["id"], row["reference"], row["total"], self._lines(row["id"])) for row in found)

    def _lines(self, order: int) -> tuple[Line, ...]:
        found = self.connection.rows(
            "SELECT name, quantity, price FROM {p}shop_order_lines WHERE order_id = %s ORDER BY id", order
        )
        return tuple(Line(row["name"], row["quantity"], row["price"]) for row in found)

    def stock_of(self, product: str) -> int:
        found = self.connection.rows("SELECT stock FROM {p}shop_products WHERE slug = %s", product)
        if not found:
            message = f"the product {product} is on the shop's pages but not in its tables"
            raise AssertionError(message)
        return int(found[0]["stock"])

    def cart_lines(self, token: str) -> int:
        found = self.connection.rows(
            "SELECT COUNT(*) AS n FROM {p}shop_cart_lines l JOIN {p}shop_carts c ON c.id = l.cart_id"
            " WHERE c.token = %s",
            token,
        )
        return int(found[0]["n"])

    def messages_of(self, email: str) -> tuple[str, ...]:
        found = self.connection.rows("SELECT message FROM {p}shop_messages WHERE email = %s ORDER BY id", email)
        return tuple(row["message"] for row in found)


@contextmanager
def stored(shop: Shop) -> Iterator[DemoData | None]:
    """What the demo shop stored; ``None``: the database was not given."""
    if shop.database is None:
        yield None
    else:
        with connected(shop.database) as connection:
            yield DemoData(connection)
