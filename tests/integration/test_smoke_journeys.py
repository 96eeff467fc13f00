"""The journeys against a shop that is broken to order: each fault must be named, and nothing else blamed."""

from __future__ import annotations

import base64
import json
import mailbox
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.events import Event, Progress
from pipeline.evidence.smoke import SUITES_FOLDER, AccessCookie, BasicAuth, CustomerAccount, SmokeSettings, prepare, run
from pipeline.evidence.verdicts import SmokeRun, Verdict
from pipeline.remote.command import Secret
from smoke_tests.visitors import VisitorAddresses
from tests.integration.stub_shop import StubShop, served

pytestmark = [pytest.mark.integration, pytest.mark.browser]

ALL = ("home", "category", "search", "product", "checkout", "contact", "login")
COOKIE = "tester-cookie-value"
PASSWORD = 'basic"pass/word'
LOGIN = "Basic " + base64.b64encode(f"palier:{PASSWORD}".encode()).decode()


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def shop(servers: ExitStack, tmp_path: Path) -> StubShop:
    """A healthy shop behind basic authentication; tests add the faults."""
    maildir = tmp_path / "mail"
    mailbox.Maildir(maildir, create=True)
    return servers.enter_context(served(StubShop(maildir=maildir, login=LOGIN)))


def settings(shop: StubShop, **changes: object) -> SmokeSettings:
    told = {
        "base_url": shop.url,
        "mode": "staging",
        "pages": "tests.integration.stub_pages",
        "search_term": "bol",
        "maildir": shop.maildir,
        "cookie": AccessCookie("palier_tester", Secret(COOKIE), "127.0.0.1"),
        "basic_auth": BasicAuth("palier", Secret(PASSWORD)),
    }
    return SmokeSettings(**{**told, **changes})  # type: ignore[arg-type]


def tried(shop: StubShop, folder: Path, *suites: str, again: bool = True, **changes: object) -> SmokeRun:
    return run(settings(shop, **changes), suites or ALL, folder / "évidence x", budget=90, again=again)


def said(result: SmokeRun) -> dict[str, str]:
    """Suite → what it says was wrong."""
    return {suite.suite: suite.sentences[0] for suite in result.suites if suite.sentences}


def everything_in(folder: Path) -> Iterator[bytes]:
    """The content of every file under a folder, and of every entry of its archives."""
    for path in folder.rglob("*"):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from map(archive.read, archive.namelist())
        elif path.is_file():
            yield path.read_bytes()


def test_a_healthy_shop_passes_with_its_evidence(shop: StubShop, tmp_path: Path) -> None:
    events: list[Event] = []
    result = run(settings(shop), ALL, tmp_path / "run", budget=90, emit=events.append)
    assert result.verdict is Verdict.PASSED, result.sentences
    assert result.tries == 1
    assert [suite.suite for suite in result.suites] == list(ALL)
    assert len(shop.orders) == len(shop.messages) == 1
    assert all(f"palier_tester={COOKIE}" in cookies for cookies in shop.seen_cookies)
    assert len(result.digest) == 64
    checkout = next(case for case in result.cases if case.suite == "checkout")
    assert [step["name"] for step in checkout.steps][:2] == ["open a product", "put it into the cart"]
    assert [path.read_bytes()[:4] for path in checkout.screenshots] == [b"\x89PNG"] * 5
    assert checkout.trace is None
    assert all(visit["ttfb"] is not None for visit in checkout.visits)
    assert result.not_checked == ("search: search filters (the page has none)",)
    assert events[-1] == Progress("smoke tests", 8, None, "tests")
    assert len(shop.accounts) == 1
    assert not any(COOKIE.encode() in content for content in everything_in(tmp_path))


def test_faults_of_several_suites_are_told_apart(shop: StubShop, tmp_path: Path) -> None:
    shop.faults = {"image", "search-500-once", "twice", "message-lost", "logout-ignored", "no-prices"}
    result = tried(shop, tmp_path)
    assert said(result) == {
        "home": "home: the page / lacks a part of its own: 404 /gone.png",
        "category": "category: none of the 1 products of /shop/ shows a price",
        "search": "search: the page /search/ answered 500 (doubtful: it passed when tried again)",
        "checkout": "checkout: 2 orders were stored where exactly 1 was expected",
        "contact": "contact: 0 messages were stored where exactly 1 was expected",
        "login": "login: the customer is still known after logging out",
    }
    assert {suite.suite: suite.verdict for suite in result.suites}["search"] is Verdict.DOUBTFUL
    assert result.verdict is Verdict.FAILED
    assert result.tries == 2
    typed = [password.encode() for password in shop.accounts.values()]
    assert len(typed) == 2, "one for each try"
    kept = list(everything_in(tmp_path))
    assert not [secret for secret in (*typed, COOKIE.encode()) if any(secret in content for content in kept)]
    assert result.picture is not None
    assert result.picture.exists()


def test_a_failure_keeps_a_trace_without_the_secrets(shop: StubShop, tmp_path: Path) -> None:
    shop.faults = {"checkout-500"}
    result = tried(shop, tmp_path, "checkout", again=False)
    assert result.reason == "checkout: the page /checkout/ answered 500"
    case = result.cases[0]
    assert case.trace is not None
    with zipfile.ZipFile(case.trace) as trace:
        assert "trace.trace" in trace.namelist()
        assert b"palier_tester=***" in trace.read("trace.network")
    for content in everything_in(tmp_path):
        for secret in (COOKIE, PASSWORD, json.dumps(PASSWORD)[1:-1], LOGIN.removeprefix("Basic ")):
            assert secret.encode() not in content


@pytest.mark.parametrize(
    ("fault", "suite", "sentence"),
    [
        ("php-warning", "home", "the page / shows an error: Warning: Undefined variable $x in /srv/shop.php on line 7"),
        ("script-500", "home", "/broken.js, which the page / needs, answered 500"),
        ("console", "home", "the page / reports an error in the browser's console: it went wrong (/)"),
        ("category-empty", "category", "no product is shown on /shop/?category=bols"),
        ("shop-500", "category", "the page /shop/ answered 500"),
        ("product-500", "category", "the page /product/bol-noir/ answered 500"),
        ("not-for-sale", "product", "the product /product/bol-noir/ cannot be put into the cart"),
        ("product-picture", "product", "the page /product/bol-noir/ lacks a part of its own: 404 /gone.png"),
        ("account-500", "login", "the page /account/ answered 500"),
        ("login-lost", "login", "the customer's account is not shown after registering"),
        ("logout-ignored", "login", "the customer is still known after logging out"),
        ("stock-kept", "checkout", "0 pieces were taken from stock where exactly 1 was bought"),
        ("cart-kept", "checkout", "the stored cart still has 1 lines after the order"),
        ("wrong-total", "checkout", "order ST-00001 was stored with 13.50 but the screen said 12.50"),
        ("no-payment", "checkout", "no payment method is offered on /checkout/"),
        ("no-button", "checkout", "the button that places the order cannot be used on /checkout/"),
    ],
)
def test_a_fault_is_named(shop: StubShop, tmp_path: Path, fault: str, suite: str, sentence: str) -> None:
    shop.faults = {fault}
    result = tried(shop, tmp_path, suite, again=False)
    assert (result.verdict, result.reason) == (Verdict.FAILED, f"{suite}: {sentence}")


def test_on_production_nothing_is_left_behind(shop: StubShop, tmp_path: Path) -> None:
    result = tried(shop, tmp_path, mode="production")
    assert result.passed, result.sentences
    assert shop.orders == []
    assert shop.messages == []
    assert "checkout: placing the order (this run leaves no trace)" in result.not_checked
    assert "contact: sending a message (this run leaves no trace)" in result.not_checked
    assert "login: logging in (no test account was given, and this run leaves no trace)" in result.not_checked
    assert shop.accounts == {}


def test_one_order_may_be_placed_on_production_and_nothing_else_be_left(shop: StubShop, tmp_path: Path) -> None:
    suites = ("checkout", "contact", "login")
    result = tried(shop, tmp_path, *suites, mode="production-order", mobile=("checkout",))
    assert result.passed, result.sentences
    assert len(shop.orders) == 1
    assert VisitorAddresses("palier-test@example.com").fits(shop.orders[0]["email"])
    assert (shop.messages, shop.accounts) == ([], {})


def test_an_account_that_was_given_is_logged_in_with_and_its_password_kept_nowhere(
    shop: StubShop, tmp_path: Path
) -> None:
    shop.accounts = {"test@shop.example": "an account's password"}
    account = CustomerAccount("test@shop.example", Secret("an account's password"))
    result = tried(shop, tmp_path, "login", mode="production", account=account)
    assert (result.verdict, result.not_checked) == (Verdict.PASSED, ()), result.sentences
    wrong = CustomerAccount("test@shop.example", Secret("not this one"))
    result = tried(shop, tmp_path / "wrong", "login", mode="production", account=wrong, again=False)
    assert result.reason == "login: the login was refused: Unknown address or password"
    assert result.cases[0].trace is not None
    assert not any(b"not this one" in content for content in everything_in(tmp_path / "wrong"))


def test_a_shop_where_nobody_can_register_is_said_to_be_unchecked(shop: StubShop, tmp_path: Path) -> None:
    shop.faults = {"no-registration"}
    result = tried(shop, tmp_path, "login")
    assert result.passed
    assert result.not_checked == (
        "login: logging in (no test account was given, and nobody can register with a password)",
    )


def test_a_suite_can_be_walked_on_a_phone_too(shop: StubShop, tmp_path: Path) -> None:
    result = tried(shop, tmp_path, "home", "checkout", mobile=("checkout",))
    assert result.verdict is Verdict.PASSED, result.sentences
    assert [(case.suite, case.test) for case in result.cases] == [
        ("home", "the_home_page_shows_products"),
        ("checkout", "a_guest_buys_a_product"),
        ("checkout", "a_guest_buys_a_product_on_a_phone"),
    ]
    assert len(shop.orders) == 2
    assert {"Mobile" in agent for agent in shop.agents} == {True, False}


def test_a_fault_on_a_phone_is_tried_again_there_alone(shop: StubShop, tmp_path: Path) -> None:
    shop.faults = {"phone-500"}
    result = tried(shop, tmp_path, "home", mobile=("home",))
    desktop, phone = result.cases
    assert (desktop.verdict, phone.verdict) == (Verdict.PASSED, Verdict.FAILED)
    assert result.reason == "home: the page / answered 500"
    assert result.tries == 2


def test_selectors_product_and_data_of_the_inventory_win(shop: StubShop, tmp_path: Path) -> None:
    ada = {"name": "Ada Lovelace", "city": "Moulins"}
    result = tried(shop, tmp_path, "checkout", product_path="/product/vase-bleu/", visitor=ada)
    assert result.verdict is Verdict.PASSED, result.sentences
    assert shop.stock == {"bol-noir": 5, "vase-bleu": 4}
    assert (shop.orders[0]["name"], shop.orders[0]["city"]) == ("Ada Lovelace", "Moulins")
    result = tried(
        shop,
        tmp_path / "again",
        *("product", "category"),
        again=False,
        selectors={"add-to-cart": "#elsewhere"},
        category_path="/product/bol-noir/",
    )
    assert said(result) == {
        "product": "product: the product /product/bol-noir/ cannot be put into the cart",
        "category": "category: no product is shown on /product/bol-noir/",
    }
    result = tried(shop, tmp_path / "payment", "checkout", again=False, payment="cheque")
    assert result.reason == "checkout: the payment cheque is not offered, only invoice"


def test_on_production_a_dead_checkout_is_seen_all_the_same(shop: StubShop, tmp_path: Path) -> None:
    shop.faults = {"no-button"}
    assert "cannot be used on /checkout/" in tried(shop, tmp_path, "checkout", again=False, mode="production").reason


def test_a_shop_that_hangs_is_given_up_at_the_budget(shop: StubShop, tmp_path: Path) -> None:
    shop.faults = {"checkout-hangs"}
    with prepare(settings(shop), ["home", "checkout"], tmp_path / "run") as prepared:
        prepared.wait_warm()
        began = time.monotonic()
        result = prepared.go(budget=12)
        assert time.monotonic() - began < 20
    assert {suite.suite: suite.verdict for suite in result.suites} == {
        "home": Verdict.PASSED,
        "checkout": Verdict.FAILED,
    }
    assert "was not finished within the 12 s that a smoke run may take" in result.reason


def test_a_browser_that_does_not_start_says_nothing_about_the_shop(shop: StubShop, tmp_path: Path) -> None:
    result = tried(shop, tmp_path, "home", again=False, chromium=Path("/bin/false"))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert shop.requests == 0


def test_a_suite_that_is_not_there_says_nothing_about_the_shop(shop: StubShop, tmp_path: Path) -> None:
    result = tried(shop, tmp_path, "home", "loyalty")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "loyalty" in result.reason


def test_nothing_is_visited_before_the_word_and_nothing_runs_after_the_block(shop: StubShop, tmp_path: Path) -> None:
    with prepare(settings(shop), ["home"], tmp_path / "run") as prepared:
        prepared.wait_warm()
        time.sleep(0.3)
        assert shop.requests == 0
        assert prepared.go(budget=60).passed
    with prepare(settings(shop), ["home"], tmp_path / "again") as prepared:
        prepared.wait_warm()
        private = prepared._first._private
        assert not (private / "shop.json").exists()
        running = subprocess.run(["pgrep", "-f", private.name], capture_output=True, text=True, check=False).stdout
        assert running
    running = subprocess.run(["pgrep", "-f", private.name], capture_output=True, text=True, check=False).stdout
    assert not running
    assert not private.exists()


def test_a_team_s_own_tests_run_with_ours(shop: StubShop, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "test_vase.py").write_text(
        "def test_the_vase_is_dear(journey, shop_pages):\n"
        "    shop_pages.product.open('/product/vase-bleu/')\n"
        "    assert shop_pages.product.price() < 1000, 'the vase costs too much'\n"
    )
    result = tried(shop, tmp_path, "home", own_tests=own)
    assert said(result) == {"vase": "vase: the vase costs too much"}
    assert result.tries == 2


def test_alone_the_suites_say_what_they_did_not_check(shop: StubShop, tmp_path: Path) -> None:
    shop.login = None
    words = [sys.executable, "-m", "pytest", "smoke_tests", "--base-url", shop.url, "--evidence", str(tmp_path / "e")]
    done = subprocess.run(words, cwd=SUITES_FOLDER.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "NOT CHECKED  checkout: placing the order (this run leaves no trace)" in done.stdout
    assert shop.orders == []
    assert (tmp_path / "e" / "junit.xml").exists()


def test_alone_and_told_to_buy_the_database_and_the_mail_are_said_to_be_unchecked(
    shop: StubShop, tmp_path: Path
) -> None:
    shop.login = None
    told = ["--base-url", shop.url, "--mode", "staging", "--evidence", str(tmp_path / "e")]
    words = [sys.executable, "-m", "pytest", "smoke_tests/test_checkout.py", *told]
    done = subprocess.run(words, cwd=SUITES_FOLDER.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for unchecked in ("the order in the database", "the stock and the stored cart", "the confirmation mail"):
        assert f"NOT CHECKED  checkout: {unchecked}" in done.stdout
    assert len(shop.orders) == 1
    assert 'name="not_checked"' in (tmp_path / "e" / "junit.xml").read_text()


def test_alone_without_a_shop_the_suites_ask_for_one(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pytest", "smoke_tests", "--evidence", str(tmp_path)]
    done = subprocess.run(words, cwd=SUITES_FOLDER.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "say which shop: --base-url URL, or --shop FILE" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
