"""PrestaShop's classic theme: server-made pages, a cart that is filled behind the page, a checkout in steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType

from playwright.sync_api import Response

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Visitor
from smoke_tests.pages.screen import (
    AccountScreen,
    CartScreen,
    CheckoutScreen,
    ContactScreen,
    ProductScreen,
    SearchScreen,
    ShopPages,
    path_of,
    stored_in,
)
from smoke_tests.prestashop_data import PrestaShopData
from smoke_tests.shop import Shop

OFFLINE = ("ps_checkpayment", "ps_wirepayment", "ps_cashondelivery")
"""Payment modules that take no money; the first one that the shop offers is chosen."""

SELECTORS = {
    "product-card": ".js-product-miniature",
    "cart-path": "/index.php?controller=cart&action=show",
    "contact-path": "/index.php?controller=contact",
    "account-path": "/index.php?controller=my-account",
    "register-path": "/index.php?controller=registration",
    "register-old-path": "/index.php?controller=authentication&create_account=1",
    "card-link": ".product-title a",
    "card-label": ".product-title a",
    "card-price": ".price",
    "category-link": "#_desktop_top_menu li.category > a, #_mobile_top_menu li.category > a, #top-menu li.category > a",
    "category-card": "#products .js-product-miniature",
    "search-start-path": "/",
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
    "login-email": '#login-form [name="email"]',
    "login-password": '#login-form [name="password"]',
    "login-send": "#login-form #submit-login",
    "account": "#history-link, #identity-link",
    "logout": 'a[href*="mylogout"]',
    "register-firstname": '#customer-form [name="firstname"]',
    "register-lastname": '#customer-form [name="lastname"]',
    "register-email": '#customer-form [name="email"]',
    "register-password": '#customer-form [name="password"]',
    "register-consent": '#customer-form input[type="checkbox"][required]',
    "register-send": '#customer-form button[type="submit"].form-control-submit',
    "error": "#notifications .alert-danger, .contact-form .alert-danger, .js-error .alert-danger, "
    ".login-form .alert-danger, .register-form .alert-danger",
}
FIELDS = ("address", "postcode", "city", "phone")
REGISTRATION = ("register-path", "register-old-path")
"""PrestaShop 8 has a page for it, 1.7 a form of the login's page."""
_REFERENCE = re.compile(r"\b[A-Z]{9}\b")


class PrestaShopSearch(SearchScreen):
    def filters(self) -> tuple[str, ...]:
        """Addresses of filters: the labels are in every language, and those that hide behind a menu have none."""
        script = "links => links.map(link => link.dataset.searchUrl || link.href || '').filter(Boolean)"
        return tuple(self.find("filter").evaluate_all(script))

    def narrow(self, name: str) -> None:
        self.journey.visit(path_of(name))


class PrestaShopProduct(ProductScreen):
    def key(self) -> str:
        """Product and combination, ``6-0``."""
        product = self.find("product-id").first.input_value()
        described = self.find("product-details").first.get_attribute("data-product") or ""
        found = re.search(r'"id_product_attribute":"?(\d+)', described)
        return f"{product}-{found.group(1) if found else 0}"

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


class PrestaShopCart(CartScreen):
    def token(self) -> str:
        """No page tells which cart it shows; :meth:`PrestaShopData.cart_lines` knows it by its customer."""
        return ""


class PrestaShopCheckout(CheckoutScreen):
    stores_what_is_typed = True
    offline = OFFLINE

    def fill_in(self, visitor: Visitor) -> None:
        first, last = visitor.names
        self.fill("guest-firstname", first)
        self.fill("guest-lastname", last)
        self.fill("guest-email", visitor.email)
        self.tick_all("guest-consent")
        self.follow("guest-continue")
        self.refuse_error("the guest")
        self._choose_country(visitor.country)
        for field in FIELDS:
            if self.shown(f"address-{field}"):
                self.fill(f"address-{field}", str(getattr(visitor, field)))
        self.follow("address-continue")
        self.refuse_error("the address")
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
        module = self.offline_payment()
        option = self.find("payment").and_(self.journey.page.locator(f'[data-module-name="{module}"]')).first
        self.journey.act(option.check, module)

    def reference(self) -> str:
        text = self.text("order-reference")
        found = _REFERENCE.search(text)
        if found is None:
            self.journey.fail(f"the confirmation shows no reference but “{text}”")
        return found.group()


class PrestaShopContact(ContactScreen):
    """The visitor's name is not asked for."""

    def fill_in(self, visitor: Visitor, message: str) -> None:
        self.fill("contact-email", visitor.email)
        self.fill("contact-message", message)
        self.tick_all("contact-consent")

    def send(self) -> None:
        super().send()
        self.refuse_error("the message")


class PrestaShopAccount(AccountScreen):
    def can_register(self) -> bool:
        """The classic themes of 8 and of 1.7 have the form at different addresses; a wrong one leads elsewhere."""
        for address in REGISTRATION:
            if not self.shown("register-password"):
                self.journey.page.goto(self.journey.address(self.selector(address)))
        self.journey.inspect()
        return super().can_register()

    def register(self, visitor: Visitor, password: str) -> None:
        first, last = visitor.names
        self.fill("register-firstname", first)
        self.fill("register-lastname", last)
        self.tick_all("register-consent")
        super().register(visitor, password)


def pages(
    journey: Journey,
    theme: Mapping[str, str] = MappingProxyType({}),
    search: type[PrestaShopSearch] = PrestaShopSearch,
) -> ShopPages:
    """The pages as this visitor sees them.

    :param theme: the selectors of another theme, where they differ from the classic one's.
    """
    return ShopPages.of(
        journey,
        {**SELECTORS, **theme},
        search=search,
        product=PrestaShopProduct,
        cart=PrestaShopCart,
        checkout=PrestaShopCheckout,
        contact=PrestaShopContact,
        account=PrestaShopAccount,
    )


def stored(shop: Shop) -> AbstractContextManager[PrestaShopData | None]:
    """What the shop stored; ``None``: the database was not given."""
    return stored_in(shop, PrestaShopData)
