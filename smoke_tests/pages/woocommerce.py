"""WooCommerce, whichever way it comes: cart and checkout as blocks or as shortcodes, a block theme or a classic one.

Every selector names both forms; which one a page has is seen when it is there. Paths are among the selectors, so that
an inventory can replace them (``cart-path``) as it replaces any selector.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import Decimal
from urllib.parse import quote, unquote

from playwright.sync_api import Locator, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from smoke_tests.journey import NAVIGATION, Journey
from smoke_tests.pages.base import Hit, Visitor
from smoke_tests.pages.screen import (
    CartScreen,
    CategoryScreen,
    CheckoutScreen,
    ContactScreen,
    ProductScreen,
    SearchScreen,
    ShopPages,
    stored_in,
)
from smoke_tests.shop import Shop
from smoke_tests.woocommerce_data import WooCommerceData

SELECTORS = {
    "cart-path": "/cart/",
    "contact-path": "/contact/",
    "account-path": "/my-account/",
    "search-path": "/?s={term}&post_type=product",
    "error": ".woocommerce-error, .wc-block-components-notice-banner.is-error, .wc-block-store-notice.is-error",
    "product-card": "main li.product, main li.wc-block-product, main li.wc-block-grid__product",
    "card-link": "a[href*='://']",
    "card-label": ".woocommerce-loop-product__title, .wp-block-post-title, .wc-block-grid__product-title, "
    ".wc-block-components-product-name, h2, h3",
    "card-price": ".price, .wp-block-woocommerce-product-price, .wc-block-grid__product-price",
    "category-link": "a[href*='/product-category/'], main .product-category > a, main .wc-block-product-categories a",
    "product-category": ".posted_in a, .wp-block-post-terms.taxonomy-product_cat a",
    "category-card": "main li.product, main li.wc-block-product, main li.wc-block-grid__product",
    "search-input": "form:has(input[name='post_type'][value='product']) input[name='s']",
    "search-none": ".woocommerce-no-products-found, .wp-block-woocommerce-product-collection-no-results, "
    ".wp-block-query-no-results, main .woocommerce-info",
    "product-name": "h1.product_title, main h1.wp-block-post-title, main h1",
    "product-price": ".summary p.price, .summary .price, .wp-block-woocommerce-product-price",
    "product-body": "body.single-product",
    "add-to-cart": "button.single_add_to_cart_button",
    "cart": ".wc-block-cart-items__row, .wp-block-woocommerce-empty-cart-block, "
    ".woocommerce-cart-form, .cart-empty, .wc-empty-cart-message",
    "cart-line": "tr.woocommerce-cart-form__cart-item, tr.wc-block-cart-items__row",
    "cart-line-name": ".product-name, .wc-block-components-product-name",
    "cart-line-quantity": "input.qty, input.wc-block-components-quantity-selector__input",
    "cart-total": ".cart_totals .order-total .amount, .wp-block-woocommerce-cart "
    ".wc-block-components-totals-footer-item .wc-block-components-totals-item__value",
    "cart-empty": ".wp-block-woocommerce-empty-cart-block, .cart-empty, .wc-empty-cart-message",
    "cart-cookie": "wp_woocommerce_session_",
    "to-checkout": ".wc-proceed-to-checkout a.checkout-button, a.wc-block-cart__submit-button",
    "block-checkout": "form.wc-block-checkout__form",
    "checkout": "form.wc-block-checkout__form #email, form.woocommerce-checkout #billing_email",
    "payment": "input[name='radio-control-wc-payment-method-options'], input[name='payment_method']",
    "busy": ".blockUI.blockOverlay, .wc-block-components-loading-mask",
    "terms": "form.woocommerce-checkout #terms, .wc-block-checkout__terms input[type='checkbox']",
    "place-order": "button.wc-block-components-checkout-place-order-button, #place_order",
    "order-reference": ".woocommerce-order-overview__order strong, "
    ".wc-block-order-confirmation-summary-list-item:first-child .wc-block-order-confirmation-summary-list-item__value",
    "order-total": ".woocommerce-order-overview__total .amount, "
    ".wc-block-order-confirmation-summary-list-item__value:has(.amount)",
    "contact-form": "form.wpcf7-form",
    "contact-name": "form.wpcf7-form [name='your-name']",
    "contact-email": "form.wpcf7-form [name='your-email']",
    "contact-message": "form.wpcf7-form [name='your-message']",
    "contact-send": "form.wpcf7-form [type='submit']",
    "login-email": "form.woocommerce-form-login [name='username']",
    "login-password": "form.woocommerce-form-login [name='password']",
    "login-send": "form.woocommerce-form-login [name='login']",
    "register-email": "form.woocommerce-form-register [name='email']",
    "register-password": "form.woocommerce-form-register [name='password']",
    "register-send": "form.woocommerce-form-register [name='register']",
    "account": ".woocommerce-MyAccount-content",
    "logout": ".woocommerce-MyAccount-navigation-link--customer-logout a",
    "contact-done": ".wpcf7-mail-sent-ok, form.wpcf7-form.sent",
}
OFFLINE = ("bacs", "cheque", "cod")
"""WooCommerce's own methods that need nobody outside, the one that sends most to the customer first."""

FIELDS = {"address": "address_1", "postcode": "postcode", "city": "city", "phone": "phone"}
POLL = 100
ASKED_AGAIN = 2_000
"""Milliseconds in which a checkout that was filled in asks for prices: 1,500 after the last key."""
QUESTIONS = 5
"""How often it may ask, one after the other."""


def _prices_again(response: Response) -> bool:
    """Whether the checkout was told its prices anew."""
    return "/wc/store/v1/batch" in unquote(response.url) or "wc-ajax=update_order_review" in response.url


class WooCommerceCategory(CategoryScreen):
    def known(self) -> tuple[str, ...]:
        """Of the home page, else of a product: neither of WordPress's own themes has a menu of categories."""
        linked = super().known()
        products = () if linked else self.cards("product-card")
        if not products:
            return linked
        self.journey.visit(products[0].path)
        return self.links("product-category")


class WooCommerceSearch(SearchScreen):
    def open(self, term: str) -> None:
        """Typed into the shop's product search; a theme that shows none is asked by address."""
        if self.journey.page.url == "about:blank":
            self.journey.visit("/")
        if self.shown("search-input"):
            self.enter("search-input", term)
        else:
            self.journey.visit(self.selector("search-path").format(term=quote(term)))

    def hits(self) -> tuple[Hit, ...]:
        """One single hit is not listed: WooCommerce leads straight to its page."""
        if self.find("product-body").count():
            return (Hit(self.text("product-name"), self.journey.path),)
        return self.cards("product-card")


class WooCommerceProduct(ProductScreen):
    def price(self) -> Decimal:
        """What is paid: of a product on sale the new price, not the struck one."""
        self.appears("product-price")
        price = self.find("product-price").first
        reduced = price.locator("ins .amount")
        text = (reduced if reduced.count() else price.locator(".amount")).first.text_content() or ""
        return self.read_amount(text, "product-price")

    def key(self) -> str:
        """WordPress's own number of the product, which every theme writes on the body."""
        classes = (self.find("product-body").first.get_attribute("class") or "").split()
        numbers = [name.removeprefix("postid-") for name in classes if name.startswith("postid-")]
        return numbers[0] if numbers else ""

    def add_to_cart(self) -> None:
        super().add_to_cart()
        self.refuse_error("the product")


class WooCommerceCart(CartScreen):
    def open(self) -> None:
        super().open()
        self.appears("cart")

    def token(self) -> str:
        """The session's key: the first part of the cookie, whose separator was ``||`` until 9.9 and is ``|`` since."""
        return unquote(super().token()).split("|")[0]


class WooCommerceCheckout(CheckoutScreen):
    offline = OFFLINE

    def fill_in(self, visitor: Visitor) -> None:
        """E-mail and one address: of the delivery as blocks, where it is the invoice's too; of the invoice else."""
        self.appears("checkout")
        if self.find("block-checkout").count():
            kind = "shipping" if self.journey.page.locator("#shipping-first_name").count() else "billing"
            self._type("#email", visitor.email)
            self._fill_address(f"#{kind}-", visitor)
        else:
            self._fill_address("#billing_", visitor)
            self._type("#billing_email", visitor.email)
        self._settle()
        if self.find("terms").count():
            self.tick("terms")

    def _fill_address(self, start: str, visitor: Visitor) -> None:
        first, last = visitor.names
        self._choose_country(self.journey.page.locator(f"{start}country"), visitor.country)
        self._type(f"{start}first_name", first)
        self._type(f"{start}last_name", last)
        for field, name in FIELDS.items():
            self._type(f"{start}{name}", str(getattr(visitor, field)))

    def _type(self, selector: str, value: str) -> None:
        """Fill a field; one that the merchant has taken off the form is not missed."""
        field = self.journey.page.locator(selector)
        if field.count():
            self.journey.act(lambda: field.first.fill(value), selector)

    def _choose_country(self, field: Locator, country: str) -> None:
        """A shop that sells to one country has no list, and one that guesses right needs no choice."""
        if field.count() and field.first.evaluate("field => field.tagName") == "SELECT":
            chosen = field.first.evaluate("field => field.selectedOptions.length ? field.selectedOptions[0].text : ''")
            if chosen.split(" (")[0] != country:
                self.journey.act(lambda: field.first.select_option(label=country, force=True), "country")

    def _settle(self) -> None:
        """Prices and payment methods are asked for anew when the address is known; then nothing covers the form.

        The blocks ask a while after the last key, and a press of the order button before that is ignored without a
        word (seen on 9.9.5): so wait until nothing is asked for any more.
        """
        page = self.journey.page
        page.keyboard.press("Tab")
        for _ in range(QUESTIONS):
            try:
                with page.expect_response(_prices_again, timeout=ASKED_AGAIN):
                    pass
            except PlaywrightTimeout:
                break
        page.wait_for_load_state("networkidle")
        self.journey.act(lambda: self.find("busy").first.wait_for(state="detached"), "the checkout's own updating")

    def choose_offline_payment(self) -> None:
        chosen = self.offline_payment()
        field = self.journey.page.locator(
            ", ".join(f"{each.strip()}[value='{chosen}']" for each in self.selector("payment").split(","))
        ).first
        if not field.is_checked():
            # The shortcode's theme may hide the field and show its label.
            self.journey.act(lambda: field.check(force=True), f"the payment method {chosen}")

    def place_order(self) -> None:
        self.journey.submit(self._press, "place-order")
        self.refuse_error("the order")

    def _press(self) -> None:
        """Press, and wait until the shop leads on or says why not: an error leads nowhere."""
        page, before = self.journey.page, self.journey.page.url
        self.journey.press(self.find("place-order").first, "place-order")
        for _ in range(NAVIGATION // POLL):
            if page.url != before:
                return
            self.refuse_error("the order")
            page.wait_for_timeout(POLL)


class WooCommerceContact(ContactScreen):
    """WooCommerce has no contact form; the selectors are Contact Form 7's, the most common one."""

    def open(self) -> None:
        super().open()
        self.appears("contact-form")

    def send(self) -> None:
        """Some forms lead to another page, some answer in place."""
        self.journey.press(self.find("contact-send").first, "contact-send")

    def says_sent(self) -> bool:
        return self.appears("contact-done")


def pages(journey: Journey) -> ShopPages:
    """The pages as this visitor sees them."""
    return ShopPages.of(
        journey,
        SELECTORS,
        category=WooCommerceCategory,
        search=WooCommerceSearch,
        product=WooCommerceProduct,
        cart=WooCommerceCart,
        checkout=WooCommerceCheckout,
        contact=WooCommerceContact,
    )


def stored(shop: Shop) -> AbstractContextManager[WooCommerceData | None]:
    """What the shop stored; ``None``: the database was not given."""
    return stored_in(shop, WooCommerceData)
