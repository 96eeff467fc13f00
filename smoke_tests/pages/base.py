"""What journeys may ask of pages, and what all page objects share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from playwright.sync_api import Locator

from smoke_tests.journey import Journey
from smoke_tests.money import amount


@dataclass(frozen=True)
class Hit:
    """A product as a list shows it."""

    name: str
    path: str


@dataclass(frozen=True)
class CartLine:
    """A line of the cart as the screen shows it."""

    name: str
    quantity: int


@dataclass(frozen=True)
class Visitor:
    """Who buys and writes. The e-mail address belongs to one journey alone: it is what its traces are found by."""

    email: str
    name: str = "Palier Test"
    phone: str = "+33 1 00 00 00 00"
    address: str = "1 rue du Palier"
    postcode: str = "75001"
    city: str = "Paris"
    country: str = "France"


class Home(Protocol):
    def open(self) -> None: ...

    def products(self) -> tuple[Hit, ...]:
        """Products that the page offers."""


class Search(Protocol):
    def open(self, term: str) -> None:
        """Search as a visitor does: the term typed into the form."""

    def hits(self) -> tuple[Hit, ...]: ...

    def says_nothing_found(self) -> bool: ...

    def filters(self) -> tuple[str, ...]:
        """Names of filters that the result can be narrowed by; empty: the shop has none."""

    def narrow(self, name: str) -> None: ...


class Product(Protocol):
    def open(self, path: str) -> None: ...

    def name(self) -> str: ...

    def price(self) -> Decimal: ...

    def key(self) -> str:
        """What :class:`ShopData` knows the product by."""

    def can_be_bought(self) -> bool: ...

    def add_to_cart(self) -> None: ...


class Cart(Protocol):
    def open(self) -> None: ...

    def lines(self) -> tuple[CartLine, ...]: ...

    def total(self) -> Decimal: ...

    def token(self) -> str:
        """What :class:`ShopData` knows this cart by."""

    def is_empty(self) -> bool: ...

    def go_to_checkout(self) -> None: ...


class Checkout(Protocol):
    @property
    def stores_what_is_typed(self) -> bool:
        """Whether filling in writes the visitor into the shop's tables before anything is ordered."""

    def fill_in(self, visitor: Visitor) -> None:
        """Everything up to the last button, terms included; nothing is ordered yet."""

    def payments(self) -> tuple[str, ...]:
        """Payment methods that can be chosen."""

    def choose_offline_payment(self) -> None: ...

    def can_place_order(self) -> bool: ...

    def place_order(self) -> None: ...

    def reference(self) -> str:
        """The order's reference on the confirmation."""

    def total(self) -> Decimal:
        """The total on the confirmation."""


class Contact(Protocol):
    def open(self) -> None: ...

    def fill_in(self, visitor: Visitor, message: str) -> None: ...

    def can_send(self) -> bool: ...

    def send(self) -> None: ...

    def says_sent(self) -> bool: ...


class Pages(Protocol):
    """The shop, page by page. (Properties, so that an implementation may be a plain dataclass.)"""

    @property
    def home(self) -> Home: ...
    @property
    def search(self) -> Search: ...
    @property
    def product(self) -> Product: ...
    @property
    def cart(self) -> Cart: ...
    @property
    def checkout(self) -> Checkout: ...
    @property
    def contact(self) -> Contact: ...


class Screen:
    """What page objects share: elements by name, so that an inventory can replace one selector and keep the rest."""

    stores_what_is_typed = False

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
        text = self.text(name)
        try:
            return amount(text)
        except ValueError:
            self.journey.fail(f"“{name}” on {self.journey.path} shows no amount but “{text}”")

    def fill(self, name: str, value: str) -> None:
        self.journey.act(lambda: self.find(name).first.fill(value), name)

    def tick(self, name: str) -> None:
        self.journey.act(self.find(name).first.check, name)

    def follow(self, name: str) -> None:
        """Press what leads to another page."""
        self.journey.follow(self.find(name).first, name)
