"""Buying as a guest, paying by invoice: what the screen says must be what the shop stored, once."""

from __future__ import annotations

from html import unescape

from smoke_tests.journey import Journey
from smoke_tests.mailbox import Mailbox, text_of
from smoke_tests.pages import first_product
from smoke_tests.pages.base import Pages, Visitor
from smoke_tests.shop import Shop
from smoke_tests.shopdata import Backstage, Line, Order, ShopData


def test_a_guest_buys_a_product(
    journey: Journey, shop_pages: Pages, shop: Shop, visitor: Visitor, backstage: Backstage
) -> None:
    orders = shop.buys and (shop.keeps_traces or not journey.on_a_phone)  # of a shop that is open, one order suffices
    data, mailbox = backstage.data, backstage.mailbox
    product, cart, checkout = shop_pages.product, shop_pages.cart, shop_pages.checkout
    with journey.step("open a product"):
        if shop.product_path:
            # PrestaShop reckons the taxes of a visit's first page from the browser's language, and of no other.
            shop_pages.home.open()
        product.open(shop.product_path or first_product(shop_pages))
        name, price, key = product.name(), product.price(), product.key()
        assert product.can_be_bought(), f"the product {journey.path} cannot be put into the cart"
    stock = None if data is None or not orders else data.stock_of(key)
    with journey.step("put it into the cart"):
        product.add_to_cart()
        cart.open()
        lines, total, token = cart.lines(), cart.total(), cart.token()
        assert len(lines) == 1, f"the cart shows {len(lines)} lines where exactly 1 was expected"
        assert lines[0].quantity == 1, f"the cart shows {lines[0].quantity} pieces where 1 was expected"
    with journey.step("fill in the checkout"):
        cart.go_to_checkout()
        if checkout.stores_what_is_typed and not orders:
            journey.not_checked("the steps of the checkout (they store what is typed, and this run leaves no trace)")
            return
        checkout.fill_in(visitor)
        assert checkout.payments(), f"no payment method is offered on {journey.path}"
        checkout.choose_offline_payment()
        assert checkout.can_place_order(), f"the button that places the order cannot be used on {journey.path}"
    if not orders:
        _left_no_order(journey, data, visitor)
        return
    with journey.step("place the order"):
        checkout.place_order()
        reference, confirmed = checkout.reference(), checkout.total()
        assert confirmed == total, f"the confirmation says {confirmed} where the cart said {total}"
    _check_stored(journey, data, visitor, Order(0, reference, confirmed, (Line(name, 1, price),)))
    if data is None or stock is None:
        journey.not_checked("the stock and the stored cart (no database was given)")
    else:
        taken = stock - data.stock_of(key)
        right = taken == 1 if shop.keeps_traces else taken >= 1  # on production others may buy at the same time
        assert right, f"{taken} pieces were taken from stock where exactly 1 was bought"
        left = data.cart_lines(token or visitor.email)
        assert not left, f"the stored cart still has {left} lines after the order"
    with journey.step("look into the cart again"):
        cart.open()
        assert cart.is_empty(), "the cart is not empty after the order"
    _check_mail(journey, mailbox, visitor, reference, name)


def _left_no_order(journey: Journey, data: ShopData | None, visitor: Visitor) -> None:
    journey.not_checked("placing the order (this run leaves no trace)")
    if data is not None:
        left = data.orders_of(visitor.email)
        assert not left, f"{len(left)} orders were stored though none was placed"


def _check_stored(journey: Journey, data: ShopData | None, visitor: Visitor, shown: Order) -> None:
    if data is None:
        journey.not_checked("the order in the database (no database was given)")
        return
    orders = data.orders_of(visitor.email)
    assert len(orders) == 1, f"{len(orders)} orders were stored where exactly 1 was expected"
    order = orders[0]
    assert order.reference == shown.reference, f"order {order.reference} was stored but {shown.reference} was confirmed"
    stored = f"order {order.reference} was stored with {order.total}"
    assert order.total == shown.total, f"{stored} but the screen said {shown.total}"
    assert order.lines == shown.lines, f"order {order.reference} was stored with other lines than the screen showed"


def _check_mail(journey: Journey, mailbox: Mailbox | None, visitor: Visitor, reference: str, bought: str) -> None:
    """A confirmation names what was bought; other mails about the order (how to pay it) do not."""
    if mailbox is None:
        journey.not_checked("the confirmation mail (no mail trap was given)")
        return
    about = mailbox.wait_for(to=visitor.email, holding=reference)
    assert about, f"the confirmation mail of order {reference} did not arrive"
    mails = [mail for mail in about if bought in unescape(text_of(mail))] if len(about) > 1 else about
    assert mails, f"{len(about)} mails about order {reference} arrived, and none says what was bought"
    assert len(mails) == 1, f"{len(mails)} confirmation mails of order {reference} arrived where exactly 1 was expected"
