"""A customer's account: logging in, being known, logging out."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Account, Pages, Visitor
from smoke_tests.shop import Account as Login
from smoke_tests.shop import Shop
from smoke_tests.visitors import new_password


def test_a_customer_logs_in_and_out(journey: Journey, shop_pages: Pages, shop: Shop, visitor: Visitor) -> None:
    account = shop_pages.account
    with journey.step("open the login"):
        account.open()
        assert account.asks_to_log_in(), f"whoever is not logged in is not asked to log in on {journey.path}"
    login = shop.account
    if login is None and not shop.keeps_traces:
        journey.not_checked("logging in (no test account was given, and this run leaves no trace)")
        return
    if login is None:
        login = _registered(journey, account, visitor)
    if login is None:
        journey.not_checked("logging in (no test account was given, and nobody can register with a password)")
        return
    with journey.step("log in"):
        account.open()
        account.log_in(login.email, login.password)
        account.open()
        assert account.is_shown(), "the customer's account is not shown after logging in"
    with journey.step("log out"):
        _log_out(account)


def _registered(journey: Journey, account: Account, visitor: Visitor) -> Login | None:
    """An account of the visitor's own, logged out again; ``None``: the shop does not let him have one."""
    if not account.can_register():
        return None
    with journey.step("register an account"):
        login = Login(visitor.email, new_password())
        account.register(visitor, login.password)
        account.open()
        assert account.is_shown(), "the customer's account is not shown after registering"
    with journey.step("log out after registering"):
        _log_out(account)
    return login


def _log_out(account: Account) -> None:
    account.log_out()
    account.open()
    assert account.asks_to_log_in(), "the customer is still known after logging out"
