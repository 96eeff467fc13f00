"""What journeys may ask of pages: every platform's page objects keep these promises."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True)
class Hit:
    """A product as a list shows it; ``price`` is the text of its price, empty if it shows none."""

    name: str
    path: str
    price: str = ""


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

    @property
    def names(self) -> tuple[str, str]:
        """First and last name, for shops that ask for two."""
        first, _, last = self.name.partition(" ")
        return first, last or first


class Home(Protocol):
    def open(self) -> None: ...

    def products(self) -> tuple[Hit, ...]:
        """Products that the page offers."""


class Category(Protocol):
    def known(self) -> tuple[str, ...]:
        """Paths of categories that the shop itself leads to."""

    def open(self, path: str) -> None: ...

    def products(self) -> tuple[Hit, ...]: ...


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


class Account(Protocol):
    def open(self) -> None:
        """The customer's page; who is not known is asked to log in there."""

    def asks_to_log_in(self) -> bool: ...

    def log_in(self, email: str, password: str) -> None: ...

    def is_shown(self) -> bool:
        """Whether the page is that of a customer who is logged in."""

    def log_out(self) -> None: ...

    def can_register(self) -> bool:
        """Whether whoever has no account can make one with a password of his own. May lead to another page."""

    def register(self, visitor: Visitor, password: str) -> None:
        """Make an account; afterwards the visitor is logged in."""


class Pages(Protocol):
    """The shop, page by page. (Properties, so that an implementation may be a plain dataclass.)"""

    @property
    def home(self) -> Home: ...
    @property
    def category(self) -> Category: ...
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
    @property
    def account(self) -> Account: ...
