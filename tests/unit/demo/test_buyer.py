"""The buyer counts an order as confirmed only when it has seen it confirmed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from pipeline.demo.buyer import Buyer
from tests.unit.demo.stand import Answer, Behaviour, stand

SHOP = """<a data-testid="product-link" href="/product/bol/"></a>
<span data-testid="product-stock" data-stock="0"></span>
<a data-testid="product-link" href="/product/vase/"></a>
<span data-testid="product-stock" data-stock="3"></span>"""
FORM = '<form action="/cart/" data-testid="checkout-form"><input type="hidden" name="product" value="2">'
FORM += '<input type="hidden" name="form_token" value="t"></form>'


def _shop(place: Callable[[], Answer], confirmation: Callable[[], Answer]) -> Behaviour:
    def behave(method: str, path: str) -> Answer:
        if path == "/product/bol/":
            return 404, "", {}
        if method == "POST":
            return place() if path == "/checkout/" else (303, "", {"location": "/cart/"})
        if path.startswith("/order/"):
            return confirmation()
        return 200, SHOP if path.startswith("/shop/") else FORM, {}

    return behave


def _placed() -> Answer:
    return 303, "", {"location": "/order/MP-000007/?key=k"}


def _confirmed() -> Answer:
    return 200, '<b data-testid="order-reference"> MP-000007 </b>', {}


def test_a_confirmation_page_that_was_seen_counts() -> None:
    with stand(_shop(_placed, _confirmed)) as url, Buyer(url, pace=50) as buyer:
        assert buyer.wait_for(3, timeout=10)
    assert {one.reference for one in buyer.confirmed} == {"MP-000007"}
    assert len({one.email for one in buyer.confirmed}) == len(buyer.confirmed)
    assert not buyer.errors
    assert not buyer.unknown


def test_a_button_that_answered_500_is_unknown_and_not_confirmed() -> None:
    with stand(_shop(lambda: (500, "", {}), _confirmed)) as url, Buyer(url, pace=50) as buyer:
        _until(lambda: bool(buyer.unknown))
    assert not buyer.confirmed
    assert "500" in buyer.unknown[0].reason


def test_a_closed_shop_is_a_refusal_and_is_tried_again() -> None:
    answers = itertools.chain([(503, "", {})] * 2, itertools.repeat(_placed()))
    with stand(_shop(lambda: next(answers), _confirmed)) as url, Buyer(url, pace=50) as buyer:
        assert buyer.wait_for(1, timeout=10)
    assert buyer.refusals == 2
    assert not buyer.unknown


def test_a_shop_that_closes_after_the_button_is_waited_for() -> None:
    answers = itertools.chain([(503, "", {}), (503, "", {})], itertools.repeat(_confirmed()))
    with stand(_shop(_placed, lambda: next(answers))) as url, Buyer(url, pace=50) as buyer:
        assert buyer.wait_for(1, timeout=10)
    assert not buyer.unknown


def test_an_order_never_seen_confirmed_is_unknown_when_the_buyer_stops() -> None:
    with stand(_shop(_placed, lambda: (503, "", {}))) as url, Buyer(url, pace=50) as buyer:
        _until(lambda: buyer.refusals > 1)
    assert not buyer.confirmed
    assert len(buyer.unknown) == 1


def test_a_refused_order_is_an_error_with_its_status() -> None:
    with stand(_shop(lambda: (409, "", {}), _confirmed)) as url, Buyer(url, pace=50) as buyer:
        _until(lambda: bool(buyer.errors))
    assert "409" in buyer.errors[0]
    assert not buyer.unknown


def test_nobody_listening_is_an_error_and_the_buyer_goes_on() -> None:
    with Buyer("http://127.0.0.1:9", pace=50) as buyer:
        _until(lambda: len(buyer.errors) > 1)
    assert not buyer.unknown


def _until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "it did not happen within 10 s"
        time.sleep(0.02)
