"""PrestaShop's classic theme: server-made pages, a cart that is filled behind the page, a checkout in steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import urlsplit

from playwright.sync_api import Response

from smoke_tests.journey import Journey
from smoke_tests.pages.base import CartLine, Hit, Screen, Visitor
from smoke_tests.shop import Shop
from smoke_tests.shopdata import Connection, Line, Order, connected

OFFLINE = ("ps_checkpayment", "ps_wirepayment", "ps_cashondelivery")
"""Payment modules that take no money; the first one that the shop offers is chosen."""

SELECTORS = {
    "product-card": ".js-product-miniature",
    "product-link": ".product-title a",
    "search-input": '#search_widget input[name="s"]',
    "search-result": "#products .js-product-miniature",
    "search-none": "#product-search-no-matches, #products .page-not-found",
    "filter": "#search_filters li:not(.active) .js-search-link",
    "product-name": "#main h1",
    "product-price": ".product-prices .current-price",
    "product-id": "#product_page_product_id",
    "product-details": "#product-details",
    "add-to-cart": 'button[data-button-action="add-to-cart"]',
    "cart-added": "#blockcart-modal",
    "cart-line": ".cart-items .cart-item",
    "cart-line-name": ".product-line-info a.label",
    "cart-line-quantity": ".js-cart-line-product-quantity",
    "cart-total": ".cart-detailed-totals .cart-total .value",
    "cart-empty": ".cart-overview .no-items",
    "to-checkout": ".checkout.cart-detailed-actions a.btn-primary",
    "guest-form": "#checkout-guest-form",
    "guest-firstname": '#checkout-guest-form [name="firstname"]',
    "guest-lastname": '#checkout-guest-form [name="lastname"]',
    "guest-email": '#checkout-guest-form [name="email"]',
    "guest-consent": '#checkout-guest-form input[type="checkbox"][required]',
    "guest-continue": '#checkout-guest-form button[name="continue"]',
    "address-country": '#checkout-addresses-step [name="id_country"]',
    "address-state": '#checkout-addresses-step select[name="id_state"]',
    "address-address": '#checkout-addresses-step [name="address1"]',
    "address-postcode": '#checkout-addresses-step [name="postcode"]',
    "address-city": '#checkout-addresses-step [name="city"]',
    "address-phone": '#checkout-addresses-step [name="phone"]',
    "address-continue": 'button[name="confirm-addresses"]',
    "delivery-continue": 'button[name="confirmDeliveryOption"]',
    "payment": 'input[name="payment-option"]',
    "terms": 'input[name^="conditions_to_approve"]',
    "place-order": "#payment-confirmation button",
    "order-reference": "#order-reference-value, #order-details ul li:first-child",
    "order-total": "#order-items .total-value td:last-child",
    "contact-email": '.contact-form [name="from"]',
    "contact-message": '.contact-form [name="message"]',
    "contact-consent": '.contact-form input[type="checkbox"][required], .contact-form .gdpr_consent input',
    "contact-send": '.contact-form [name="submitMessage"]',
    "contact-done": ".contact-form .alert-success",
    "error": "#notifications .alert-danger, .contact-form .alert-danger, .js-error .alert-danger",
}
FIELDS = ("address", "postcode", "city", "phone")
_REFERENCE = re.compile(r"\b[A-Z]{9}\b")


class PrestaShopScreen(Screen):
    """A page of the shop."""

    def __init__(self, journey: Journey) -> None:
        super().__init__(journey, SELECTORS)

    def controller(self, name: str) -> None:
        """Open a page by its controller: its friendly address differs by language and by the merchant's wishes."""
        self.journey.visit(f"/index.php?controller={name}")

    def hits(self, name: str) -> tuple[Hit, ...]:
        """Products in a list of cards called ``name``."""
        script = """(cards, link) => cards.map(card => {
            const anchor = card.querySelector(link) || card.querySelector('a');
            return anchor ? [anchor.textContent.trim(), anchor.href] : ['', ''];
        })"""
        found = self.find(name).evaluate_all(script, self.selector("product-link"))
        return tuple(Hit(label, _path(address)) for label, address in found if address)

    def tick_all(self, name: str) -> None:
        """Tick every box called ``name`` that is shown."""
        for box in self.find(name).all():
            if box.is_visible():
                self.journey.act(box.check, name)

    def refuse_errors(self, what: str) -> None:
        """Fail with the shop's own words if it shows an error."""
        if self.shown("error"):
            self.journey.fail(f"{what} was refused: {' '.join(self.text('error').split())}")


class PrestaShopHome(PrestaShopScreen):
    def open(self) -> None:
        self.journey.visit("/")

    def products(self) -> tuple[Hit, ...]:
        return self.hits("product-card")


class PrestaShopSearch(PrestaShopScreen):
    def open(self, term: str) -> None:
        if not self.shown("search-input"):
            self.journey.visit("/")
        self.fill("search-input", term)
        field = self.find("search-input").first
        self.journey.submit(lambda: field.press("Enter"), "search")

    def hits(self, name: str = "search-result") -> tuple[Hit, ...]:
        return super().hits(name)

    def says_nothing_found(self) -> bool:
        return self.shown("search-none")

    def filters(self) -> tuple[str, ...]:
        """Addresses of filters: the labels are in every language, and those that hide behind a menu have none."""
        script = "links => links.map(link => link.dataset.searchUrl || link.href || '').filter(Boolean)"
        return tuple(self.find("filter").evaluate_all(script))

    def narrow(self, name: str) -> None:
        self.journey.visit(_path(name))


class PrestaShopProduct(PrestaShopScreen):
    def open(self, path: str) -> None:
        self.journey.visit(path)

    def name(self) -> str:
        return self.text("product-name")

    def price(self) -> Decimal:
        return self.amount("product-price")

    def key(self) -> str:
        """Product and combination, ``6-0``."""
        product = self.find("product-id").first.input_value()
        described = self.find("product-details").first.get_attribute("data-product") or ""
        found = re.search(r'"id_product_attribute":"?(\d+)', described)
        return f"{product}-{found.group(1) if found else 0}"

    def can_be_bought(self) -> bool:
        return self.usable("add-to-cart")

    def add_to_cart(self) -> None:
        """Press the button; the shop answers behind the page, then shows what is in the cart."""

        def answers(response: Response) -> bool:
            return response.request.method == "POST" and "action=update" in (response.request.post_data or "")

        def press() -> None:
            with self.journey.page.expect_response(answers) as answer:
                self.find("add-to-cart").first.click()
            if answer.value.status >= 400:
                self.journey.fail(f"putting a product into the cart answered {answer.value.status}")

        self.journey.act(press, "add-to-cart")
        self.appears("cart-added")


class PrestaShopCart(PrestaShopScreen):
    def open(self) -> None:
        self.controller("cart&action=show")

    def lines(self) -> tuple[CartLine, ...]:
        script = """(lines, [label, pieces]) => lines.map(line =>
            [(line.querySelector(label) || line).textContent.trim(), parseInt(line.querySelector(pieces).value, 10)])"""
        names = [self.selector("cart-line-name"), self.selector("cart-line-quantity")]
        return tuple(CartLine(name, pieces) for name, pieces in self.find("cart-line").evaluate_all(script, names))

    def total(self) -> Decimal:
        return self.amount("cart-total")

    def token(self) -> str:
        """No page tells which cart it shows; :meth:`PrestaShopData.cart_lines` knows it by its order."""
        return ""

    def is_empty(self) -> bool:
        return self.shown("cart-empty")

    def go_to_checkout(self) -> None:
        self.follow("to-checkout")


class PrestaShopCheckout(PrestaShopScreen):
    stores_what_is_typed = True

    def fill_in(self, visitor: Visitor) -> None:
        first, _, last = visitor.name.partition(" ")
        self.fill("guest-firstname", first)
        self.fill("guest-lastname", last or first)
        self.fill("guest-email", visitor.email)
        self.tick_all("guest-consent")
        self.follow("guest-continue")
        self.refuse_errors("the guest")
        self._choose_country(visitor.country)
        for field in FIELDS:
            if self.shown(f"address-{field}"):
                self.fill(f"address-{field}", str(getattr(visitor, field)))
        self.follow("address-continue")
        self.refuse_errors("the address")
        if self.shown("delivery-continue"):
            self.follow("delivery-continue")
        self.tick_all("terms")

    def _choose_country(self, country: str) -> None:
        """The form is made anew for another country, behind the page."""
        field = self.find("address-country").first
        chosen = field.evaluate("field => field.selectedOptions ? field.selectedOptions[0].text : ''")
        offered = field.evaluate("field => [...(field.options || [])].map(option => option.text)")
        if country in offered and country != chosen:
            with self.journey.page.expect_response(lambda response: "addressForm" in response.url):
                self.journey.act(lambda: field.select_option(label=country), "address-country")
            self.journey.page.wait_for_load_state("networkidle")
        if self.shown("address-state"):
            self.journey.act(lambda: self.find("address-state").first.select_option(index=1), "address-state")

    def payments(self) -> tuple[str, ...]:
        return tuple(self.find("payment").evaluate_all("fields => fields.map(field => field.dataset.moduleName)"))

    def choose_offline_payment(self) -> None:
        offered = self.payments()
        module = next((name for name in OFFLINE if name in offered), None)
        if module is None:
            self.journey.fail(f"no offline payment is offered, only {', '.join(offered)}")
        option = self.find("payment").and_(self.journey.page.locator(f'[data-module-name="{module}"]')).first
        self.journey.act(option.check, module)

    def can_place_order(self) -> bool:
        return self.usable("place-order")

    def place_order(self) -> None:
        self.follow("place-order")
        self.refuse_errors("the order")

    def reference(self) -> str:
        text = self.text("order-reference")
        found = _REFERENCE.search(text)
        if found is None:
            self.journey.fail(f"the confirmation shows no reference but “{text}”")
        return found.group()

    def total(self) -> Decimal:
        return self.amount("order-total")


class PrestaShopContact(PrestaShopScreen):
    def open(self) -> None:
        self.controller("contact")

    def fill_in(self, visitor: Visitor, message: str) -> None:
        self.fill("contact-email", visitor.email)
        self.fill("contact-message", message)
        self.tick_all("contact-consent")

    def can_send(self) -> bool:
        return self.usable("contact-send")

    def send(self) -> None:
        self.follow("contact-send")
        self.refuse_errors("the message")

    def says_sent(self) -> bool:
        return self.shown("contact-done")


@dataclass(frozen=True)
class PrestaShopPages:
    """The shop, page by page."""

    home: PrestaShopHome
    search: PrestaShopSearch
    product: PrestaShopProduct
    cart: PrestaShopCart
    checkout: PrestaShopCheckout
    contact: PrestaShopContact


def pages(journey: Journey) -> PrestaShopPages:
    """The pages as this visitor sees them."""
    return PrestaShopPages(
        PrestaShopHome(journey),
        PrestaShopSearch(journey),
        PrestaShopProduct(journey),
        PrestaShopCart(journey),
        PrestaShopCheckout(journey),
        PrestaShopContact(journey),
    )


@dataclass(frozen=True)
class PrestaShopData:
    """PrestaShop's own tables."""

    connection: Connection

    def orders_of(self, email: str) -> tuple[Order, ...]:
        found = self.connection.rows(
            "SELECT o.id_order, o.reference, o.total_paid FROM {p}orders o"
            " JOIN {p}customer c ON c.id_customer = o.id_customer WHERE c.email = %s ORDER BY o.id_order",
            email,
        )
        return tuple(
            Order(row["id_order"], row["reference"], _cents(row["total_paid"]), self._lines(row["id_order"]))
            for row in found
        )

    def _lines(self, order: int) -> tuple[Line, ...]:
        """A combination's line is named ``Product (Size: S)``; the product page says ``Product``."""
        found = self.connection.rows(
            "SELECT d.product_name, d.product_quantity, d.unit_price_tax_incl, l.name FROM {p}order_detail d"
            " JOIN {p}orders o ON o.id_order = d.id_order LEFT JOIN {p}product_lang l"
            " ON l.id_product = d.product_id AND l.id_lang = o.id_lang AND l.id_shop = d.id_shop"
            " WHERE d.id_order = %s ORDER BY d.id_order_detail",
            order,
        )
        return tuple(
            Line(_product_name(row), row["product_quantity"], _cents(row["unit_price_tax_incl"])) for row in found
        )

    def stock_of(self, product: str) -> int:
        number, _, combination = product.partition("-")
        found = self.connection.rows(
            "SELECT quantity FROM {p}stock_available WHERE id_product = %s AND id_product_attribute = %s"
            " ORDER BY id_shop LIMIT 1",
            number,
            combination or 0,
        )
        if not found:
            message = f"the product {product} is on the shop's pages but has no stock in its tables"
            raise AssertionError(message)
        return int(found[0]["quantity"])

    def cart_lines(self, token: str) -> int:  # noqa: ARG002  (PrestaShop's pages do not name their cart)
        """Lines of unordered carts of whoever ordered last: a cart keeps its lines, as part of its order."""
        found = self.connection.rows(
            "SELECT COUNT(*) AS n FROM {p}cart_product l JOIN {p}cart c ON c.id_cart = l.id_cart"
            " WHERE c.id_customer = (SELECT id_customer FROM {p}orders ORDER BY id_order DESC LIMIT 1)"
            " AND NOT EXISTS (SELECT 1 FROM {p}orders o WHERE o.id_cart = c.id_cart)"
        )
        return int(found[0]["n"])

    def messages_of(self, email: str) -> tuple[str, ...]:
        found = self.connection.rows(
            "SELECT m.message FROM {p}customer_message m JOIN {p}customer_thread t"
            " ON t.id_customer_thread = m.id_customer_thread WHERE t.email = %s ORDER BY m.id_customer_message",
            email,
        )
        return tuple(row["message"] for row in found)


@contextmanager
def stored(shop: Shop) -> Iterator[PrestaShopData | None]:
    """What the shop stored; ``None``: the database was not given."""
    if shop.database is None:
        yield None
    else:
        with connected(shop.database) as connection:
            yield PrestaShopData(connection)


def _path(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _product_name(row: dict[str, str]) -> str:
    plain = row["name"]
    return plain if plain and row["product_name"].startswith(plain) else row["product_name"]
