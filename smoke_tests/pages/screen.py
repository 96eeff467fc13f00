"""What page objects share: elements by name, and pages that most shops have alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Locator

from smoke_tests.journey import Journey
from smoke_tests.money import amount
from smoke_tests.pages.base import (
    Account,
    Cart,
    CartLine,
    Category,
    Checkout,
    Contact,
    Hit,
    Home,
    Product,
    Search,
    Visitor,
)
from smoke_tests.shop import Shop
from smoke_tests.shopdata import Connection, connected

_CARDS = """(cards, [link, label, price]) => cards.map(card => {
    const anchor = card.matches('a') ? card : card.querySelector(link) || card.querySelector('a');
    const text = element => element ? element.textContent.trim() : '';
    const name = card.querySelector(label) || anchor || card;
    return [text(name), anchor ? anchor.href : '', text(card.querySelector(price))];
})"""
_LINES = """(lines, [label, pieces]) => lines.map(line => {
    const field = line.querySelector(pieces);
    const shown = field ? field.value : line.dataset.quantity || '1';
    return [(line.querySelector(label) || line).textContent.trim(), parseInt(shown, 10)];
})"""


def path_of(address: str) -> str:
    """An address within the shop: its path and its query."""
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


class Screen:
    """Elements by name, so that an inventory can replace one selector and keep the rest.

    Names that end in ``-path`` are addresses instead, which an inventory replaces in the same way.
    """

    def __init__(self, journey: Journey, selectors: Mapping[str, str]) -> None:
        self.journey = journey
        self._selectors = {**selectors, **journey.shop.selectors}

    def selector(self, name: str) -> str:
        """The selector of ``name``: the shop's own, else the page objects'."""
        return self._selectors[name]

    def find(self, name: str) -> Locator:
        """The element or elements called ``name``."""
        return self.journey.page.locator(self.selector(name))

    def shown(self, name: str) -> bool:
        """Whether it is there now; nothing is waited for."""
        return self.find(name).first.is_visible()

    def usable(self, name: str) -> bool:
        """Whether it is there now and can be pressed."""
        element = self.find(name).first
        return element.is_visible() and element.is_enabled()

    def appears(self, name: str) -> bool:
        """Whether it is there, or comes in time."""
        self.journey.act(lambda: self.find(name).first.wait_for(state="visible"), name)
        return True

    def text(self, name: str) -> str:
        """Its text as written in the page (not as styled), once it is there."""
        self.appears(name)
        return (self.find(name).first.text_content() or "").strip()

    def amount(self, name: str) -> Decimal:
        """The amount it shows."""
        return self.read_amount(self.text(name), name)

    def read_amount(self, text: str, name: str) -> Decimal:
        """The amount in ``text``, which the element called ``name`` shows."""
        try:
            return amount(text)
        except ValueError:
            self.journey.fail(f"“{name}” on {self.journey.path} shows no amount but “{text}”")

    def values(self, name: str) -> tuple[str, ...]:
        """The values of all fields called ``name``."""
        return tuple(self.find(name).evaluate_all("fields => fields.map(field => field.value)"))

    def links(self, name: str) -> tuple[str, ...]:
        """Where links called ``name`` lead, each once, shown or folded away: a path and a query."""
        found = self.find(name).evaluate_all("links => links.map(link => link.href || '').filter(Boolean)")
        return tuple(dict.fromkeys(path_of(address) for address in found))

    def cards(self, name: str) -> tuple[Hit, ...]:
        """Products in a list of cards called ``name``."""
        words = [self.selector(part) for part in ("card-link", "card-label", "card-price")]
        found = self.find(name).evaluate_all(_CARDS, words)
        return tuple(Hit(label, path_of(address), price) for label, address, price in found if address)

    def fill(self, name: str, value: str) -> None:
        self.journey.act(lambda: self.find(name).first.fill(value), name)

    def tick(self, name: str) -> None:
        self.journey.act(self.find(name).first.check, name)

    def tick_all(self, name: str) -> None:
        """Tick every box called ``name`` that is shown."""
        for box in self.find(name).all():
            if box.is_visible():
                self.journey.act(box.check, name)

    def follow(self, name: str) -> None:
        """Press what leads to another page."""
        self.journey.follow(self.find(name).first, name)

    def enter(self, name: str, value: str) -> None:
        """Type into a field and press Enter, which leads to another page."""
        self.fill(name, value)
        field = self.find(name).first
        self.journey.submit(lambda: field.press("Enter"), name)

    def refuse_error(self, what: str) -> None:
        """Fail with the shop's own words if it shows an error."""
        if self.shown("error"):
            said = " ".join((self.find("error").first.text_content() or "").split())
            self.journey.fail(f"{what} was refused: {said}")


class HomeScreen(Screen):
    def open(self) -> None:
        self.journey.visit("/")

    def products(self) -> tuple[Hit, ...]:
        return self.cards("product-card")


class CategoryScreen(Screen):
    def known(self) -> tuple[str, ...]:
        self.journey.visit("/")
        return self.links("category-link")

    def open(self, path: str) -> None:
        self.journey.visit(path)

    def products(self) -> tuple[Hit, ...]:
        return self.cards("category-card")


class SearchScreen(Screen):
    """A search whose form is on every page, or on the one at ``search-start-path``."""

    def open(self, term: str) -> None:
        if not self.shown("search-input"):
            self.journey.visit(self.selector("search-start-path"))
        self.enter("search-input", term)

    def hits(self) -> tuple[Hit, ...]:
        return self.cards("search-result")

    def says_nothing_found(self) -> bool:
        return self.shown("search-none")

    def filters(self) -> tuple[str, ...]:
        """None that every theme has."""
        return ()

    def narrow(self, name: str) -> None:
        self.journey.fail(f"there is no filter {name}")


class ProductScreen(Screen):
    def open(self, path: str) -> None:
        self.journey.visit(path)

    def name(self) -> str:
        return self.text("product-name")

    def price(self) -> Decimal:
        return self.amount("product-price")

    def can_be_bought(self) -> bool:
        return self.usable("add-to-cart")

    def add_to_cart(self) -> None:
        self.follow("add-to-cart")


class CartScreen(Screen):
    def open(self) -> None:
        self.journey.visit(self.selector("cart-path"))

    def lines(self) -> tuple[CartLine, ...]:
        words = [self.selector("cart-line-name"), self.selector("cart-line-quantity")]
        return tuple(CartLine(name, pieces) for name, pieces in self.find("cart-line").evaluate_all(_LINES, words))

    def total(self) -> Decimal:
        return self.amount("cart-total")

    def token(self) -> str:
        """The visitor's cookie that the cart is stored by."""
        for cookie in self.journey.page.context.cookies():
            if cookie.get("name", "").startswith(self.selector("cart-cookie")):
                return cookie.get("value", "")
        return ""

    def is_empty(self) -> bool:
        return self.shown("cart-empty")

    def go_to_checkout(self) -> None:
        self.follow("to-checkout")


class CheckoutScreen(Screen):
    stores_what_is_typed = False
    offline: tuple[str, ...] = ()
    """Payment methods that need nobody outside, the one that is liked best first."""

    def payments(self) -> tuple[str, ...]:
        return self.values("payment")

    def offline_payment(self) -> str:
        """The one that the inventory names, else the first of :attr:`offline` that the shop offers."""
        offered, named = self.payments(), self.journey.shop.payment
        wanted = (named,) if named else self.offline
        chosen = next((method for method in wanted if method in offered), None)
        if chosen is None:
            sought = f"the payment {named}" if named else "a payment that needs nobody outside"
            self.journey.fail(f"{sought} is not offered, only {', '.join(offered)}")
        return chosen

    def can_place_order(self) -> bool:
        return self.usable("place-order")

    def place_order(self) -> None:
        self.follow("place-order")
        self.refuse_error("the order")

    def reference(self) -> str:
        return self.text("order-reference")

    def total(self) -> Decimal:
        return self.amount("order-total")


class ContactScreen(Screen):
    def open(self) -> None:
        self.journey.visit(self.selector("contact-path"))

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


class AccountScreen(Screen):
    def open(self) -> None:
        self.journey.visit(self.selector("account-path"))

    def asks_to_log_in(self) -> bool:
        return self.usable("login-send")

    def log_in(self, email: str, password: str) -> None:
        self.fill("login-email", email)
        self.fill("login-password", password)
        self.follow("login-send")
        self.refuse_error("the login")

    def is_shown(self) -> bool:
        return self.shown("account")

    def log_out(self) -> None:
        self.follow("logout")

    def can_register(self) -> bool:
        return self.shown("register-password")

    def register(self, visitor: Visitor, password: str) -> None:
        """The password's field is left before the button is pressed.

        A measure of its strength appears then, and would move the button from under the mouse: WooCommerce 9.9.
        """
        self.fill("register-email", visitor.email)
        self.fill("register-password", password)
        self.journey.page.keyboard.press("Tab")
        self.follow("register-send")
        self.refuse_error("the account")


PartT = TypeVar("PartT")
Make = Callable[[Journey, Mapping[str, str]], PartT]
"""What makes a page of a visitor and the selectors of its platform: a class of screens."""


@dataclass(frozen=True)
class ShopPages:
    """The shop, page by page."""

    home: Home
    category: Category
    search: Search
    product: Product
    cart: Cart
    checkout: Checkout
    contact: Contact
    account: Account

    @classmethod
    def of(
        cls,
        journey: Journey,
        selectors: Mapping[str, str],
        *,
        search: Make[Search],
        product: Make[Product],
        checkout: Make[Checkout],
        home: Make[Home] = HomeScreen,
        category: Make[Category] = CategoryScreen,
        cart: Make[Cart] = CartScreen,
        contact: Make[Contact] = ContactScreen,
        account: Make[Account] = AccountScreen,
    ) -> ShopPages:
        """The pages as this visitor sees them; those that a platform has like most are not named."""
        return cls(
            home=home(journey, selectors),
            category=category(journey, selectors),
            search=search(journey, selectors),
            product=product(journey, selectors),
            cart=cart(journey, selectors),
            checkout=checkout(journey, selectors),
            contact=contact(journey, selectors),
            account=account(journey, selectors),
        )


DataT = TypeVar("DataT")


@contextmanager
def stored_in(shop: Shop, reader: Callable[[Connection], DataT]) -> Iterator[DataT | None]:
    """What the shop stored, as ``reader`` reads it; ``None``: the database was not given."""
    if shop.database is None:
        yield None
    else:
        with connected(shop.database) as connection:
            yield reader(connection)
