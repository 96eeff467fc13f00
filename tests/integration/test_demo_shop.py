"""The demo shop itself, over HTTP on a real WordPress: it sells rightly, and its modules break as they are meant to."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from pipeline.demo import paperwork
from pipeline.demo.buyer import Buyer
from pipeline.demo.page import Page
from pipeline.demo.prober import Prober
from pipeline.demo.world import World

pytestmark = [pytest.mark.integration, pytest.mark.world]

SEARCH = "/search/?q=vase indigo"
PRODUCTS = itertools.count(201)
"""Ids, beyond the pages of the list that the buyer looks at."""

NEW = {
    "shop-loyalty": "1.1.0",
    "shop-contact": "2.3.1",
    "shop-invoice": "3.2.0",
    "shop-stats": "1.5.0",
    "shop-search": "2.1.0",
    "shop-filters": "1.3.0",
}


@dataclass
class Guest:
    """One visitor with cookies of their own."""

    world: World
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.world.production.url, timeout=30)

    def get(self, address: str) -> Page:
        answer = self.client.get(address, follow_redirects=True)
        assert answer.status_code == 200, f"{address} answered {answer.status_code}"
        return Page(answer.text)

    def status(self, address: str) -> int:
        return self.client.get(address).status_code

    def add(self, slug: str, quantity: int = 1) -> httpx.Response:
        form = self.get(f"/product/{slug}/").form_with("product")
        return self.client.post(form.action, data={**form.hidden, "quantity": str(quantity)})

    @property
    def token(self) -> str:
        return str(self.client.cookies["shop_cart"])

    def checkout(self, **changes: str) -> dict[str, str]:
        """The checkout form, filled in."""
        hidden = self.get("/checkout/").form_with("form_token").hidden
        person = {"email": "guest@courriel.example", "name": "Zoé <b>D’Arc</b> 🎁", "phone": "06", "address": "1, rue"}
        place = {
            "postcode": "03000",
            "city": "Moulins",
            "country": "France",
            "note": "",
            "payment": "invoice",
            "terms": "1",
        }
        return {**hidden, **person, **place, **changes}

    def place(self, form: dict[str, str]) -> httpx.Response:
        return self.client.post("/checkout/", data=form)


class Shop:
    """What the tests ask of the database, and how they change modules."""

    def __init__(self, world: World) -> None:
        self.world = world

    def value(self, sql: str) -> str:
        return self.world.mariadb.admin(f"USE `{self.world.production.schema}`; {sql}").strip()

    def number(self, sql: str) -> int:
        return int(self.value(sql))

    def product(self, stock: int = 50) -> str:
        """The slug of a product that no other test has, with that stock. Ids rise: stock is taken in their order."""
        slug = self.value(f"SELECT slug FROM wp_shop_products WHERE id = {next(PRODUCTS)}")
        self.value(f"UPDATE wp_shop_products SET stock = {stock} WHERE slug = '{slug}'")
        return slug

    def option(self, name: str) -> str:
        return self.value(f"SELECT option_value FROM wp_options WHERE option_name = '{name}'")

    def stock(self, slug: str) -> int:
        return self.number(f"SELECT stock FROM wp_shop_products WHERE slug = '{slug}'")

    def orders_of(self, token: str) -> int:
        return self.number(f"SELECT COUNT(*) FROM wp_shop_orders WHERE cart_token = '{token}'")

    @contextmanager
    def modules(self, **versions: str) -> Iterator[None]:
        """Those modules in those versions; the world as it was afterwards."""
        plugins = self.world.production.root / "wp-content" / "plugins"
        for name, version in versions.items():
            shutil.rmtree(plugins / name)
            source = paperwork.PLUGIN.parent / "modules" / name / version / name
            shutil.copytree(source, plugins / name)
        self.world.apache.stop()  # OPcache would keep the old code for two seconds
        self.world.start()
        try:
            yield
        finally:
            self.world.reset()


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.fixture
def guest(world: World) -> Iterator[Guest]:
    visitor = Guest(world)
    yield visitor
    visitor.client.close()


# Selling


def test_a_guest_buys(world: World, shop: Shop, guest: Guest) -> None:
    slug = shop.product(stock=50)
    price = shop.value(f"SELECT price FROM wp_shop_products WHERE slug = '{slug}'")
    guest.add(slug, 3)
    token = guest.token
    assert guest.get("/cart/").one("cart-line").attributes["data-quantity"] == "3"
    answer = guest.place(guest.checkout(email="zoe.buys@courriel.example"))
    reference = guest.get(answer.headers["location"]).one("order-reference").text
    order = f"(SELECT id FROM wp_shop_orders WHERE cart_token = '{token}' AND email = 'zoe.buys@courriel.example')"
    assert shop.orders_of(token) == 1
    assert shop.value(f"SELECT reference FROM wp_shop_orders WHERE id = {order}") == reference
    assert shop.number(f"SELECT SUM(quantity) FROM wp_shop_order_lines WHERE order_id = {order}") == 3
    assert shop.number(f"SELECT total = 3 * {price} FROM wp_shop_orders WHERE id = {order}") == 1
    assert shop.stock(slug) == 47
    assert guest.get("/cart/").all("cart-empty")
    assert [reference in mail["subject"] for mail in world.mail.messages("zoe.buys@courriel.example")] == [True]


def test_an_order_button_pressed_five_times_at_once_makes_one_order(shop: Shop, guest: Guest) -> None:
    slug = shop.product(stock=50)
    guest.add(slug)
    form, token = guest.checkout(), guest.token
    with ThreadPoolExecutor(5) as pool:
        answers = [press.result() for press in [pool.submit(_press, guest, form, token) for _ in range(5)]]
    assert sorted(answers) == [303, 409, 409, 409, 409]
    assert shop.orders_of(token) == 1
    assert shop.stock(slug) == 49


def test_the_last_piece_is_sold_once(world: World, shop: Shop) -> None:
    slug = shop.product(stock=1)
    guests = [Guest(world) for _ in range(6)]
    forms = []
    for number, one in enumerate(guests):
        one.add(slug)
        forms.append(one.checkout(email=f"rush.{number}@courriel.example"))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda pair: pair[0].place(pair[1]).status_code, zip(guests, forms, strict=True)))
    for one in guests:
        one.client.close()
    assert sorted(answers) == [303, 409, 409, 409, 409, 409]
    assert shop.stock(slug) == 0
    assert shop.number("SELECT COUNT(*) FROM wp_shop_orders WHERE email LIKE 'rush.%'") == 1


def test_a_refused_order_leaves_no_trace(shop: Shop, guest: Guest) -> None:
    plenty, scarce = shop.product(stock=50), shop.product(stock=5)
    guest.add(plenty, 2)
    guest.add(scarce, 5)
    form = guest.checkout()
    shop.value(f"UPDATE wp_shop_products SET stock = 4 WHERE slug = '{scarce}'")
    assert guest.place(form).status_code == 409
    assert (shop.stock(plenty), shop.stock(scarce)) == (50, 4)
    assert shop.orders_of(guest.token) == 0
    assert len(guest.get("/cart/").all("cart-line")) == 2


@pytest.mark.parametrize("missing", ["email", "name", "address", "postcode", "city", "payment", "terms"])
def test_a_form_with_a_gap_is_shown_again(shop: Shop, guest: Guest, missing: str) -> None:
    guest.add(shop.product())
    answer = guest.place(guest.checkout(**{missing: ""}))
    assert answer.status_code == 422
    assert Page(answer.text).one("error").text
    assert "Moulins" in answer.text or missing == "city"
    assert shop.orders_of(guest.token) == 0


def test_a_form_of_somebody_else_is_refused(shop: Shop, guest: Guest, world: World) -> None:
    guest.add(shop.product())
    form = guest.checkout()
    stranger = Guest(world)
    stranger.add(shop.product())
    assert stranger.place(form).status_code == 403
    assert shop.orders_of(stranger.token) == 0
    stranger.client.close()


def test_a_confirmation_is_shown_only_to_who_has_its_key(guest: Guest) -> None:
    assert guest.status("/order/MP-000001/") == 404
    assert guest.status("/order/MP-000001/?key=00000000000000000000") == 404


def test_what_a_customer_types_is_text_on_every_page(shop: Shop, guest: Guest) -> None:
    guest.add(shop.product())
    confirmation = guest.client.get(guest.place(guest.checkout()).headers["location"]).text
    found = guest.client.get("/search/?q=<script>alert(1)</script>").text
    assert "Merci, Zoé" in confirmation
    assert "<script>alert" not in found


def test_search_finds_without_accents_and_says_when_there_is_nothing(guest: Guest) -> None:
    assert guest.get("/search/?q=celadon").all("search-result")
    assert guest.get("/search/?q=xqzzyx").all("search-none")
    assert guest.get("/search/?q=%25").all("search-none")


def test_a_message_is_kept_and_mailed(world: World, shop: Shop, guest: Guest) -> None:
    done = _write(guest, "Éric")
    assert done.all("contact-done")
    assert shop.number("SELECT COUNT(*) FROM wp_shop_messages WHERE email = 'eric@courriel.example'") == 1
    assert any("Éric" in str(mail["subject"]) for mail in world.mail.messages("patron@maison-palier.example"))


def test_what_the_buyer_saw_confirmed_is_in_the_database_once(world: World, shop: Shop) -> None:
    with Buyer(world.production.url) as buyer, Prober(world.production.url + "/") as prober:
        assert buyer.wait_for(6)
    assert not buyer.unknown
    assert not buyer.errors
    for order in buyer.confirmed:
        assert shop.number(f"SELECT COUNT(*) FROM wp_shop_orders WHERE email = '{order.email}'") == 1
        assert shop.value(f"SELECT email FROM wp_shop_orders WHERE reference = '{order.reference}'") == order.email
    assert prober.downtime() == 0


# The modules


@pytest.mark.parametrize("name", ["shop-loyalty", "shop-contact", "shop-search", "shop-filters"])
def test_a_good_update_alone_breaks_nothing(shop: Shop, guest: Guest, name: str) -> None:
    with shop.modules(**{name: NEW[name]}):
        assert [guest.status(page) for page in ("/", SEARCH, "/shop/", "/contact/")] == [200] * 4
        _, token = _buy(shop, guest)
        assert shop.orders_of(token) == 1
        assert shop.option(f"{name.replace('-', '_')}_version") == NEW[name]


def test_the_invoice_update_kills_the_checkout_and_nothing_else(shop: Shop, guest: Guest) -> None:
    with shop.modules(**{"shop-invoice": "3.2.0"}):
        guest.add(shop.product())
        assert [guest.status(page) for page in ("/", SEARCH, "/shop/", "/contact/", "/cart/")] == [200] * 5
        assert guest.status("/checkout/") == 500


def test_the_stats_update_stores_every_order_twice_and_takes_the_stock_once(shop: Shop, guest: Guest) -> None:
    with shop.modules(**{"shop-stats": "1.5.0"}):
        slug, token = _buy(shop, guest)
        assert shop.orders_of(token) == 2
        assert shop.number(f"SELECT COUNT(DISTINCT reference) FROM wp_shop_orders WHERE cart_token = '{token}'") == 2
        assert shop.stock(slug) == 49


def test_search_and_filters_are_good_alone_and_kill_the_search_page_together(shop: Shop, guest: Guest) -> None:
    with shop.modules(**{"shop-search": "2.1.0"}):
        assert "<mark>" in guest.client.get(SEARCH).text
    with shop.modules(**{"shop-filters": "1.3.0"}):
        assert guest.get(SEARCH).one("search-filters").text
    with shop.modules(**{"shop-search": "2.1.0", "shop-filters": "1.3.0"}):
        assert guest.status(SEARCH) == 500
        assert [guest.status(page) for page in ("/", "/shop/", "/contact/")] == [200] * 3
        _buy(shop, guest)


def test_the_loyalty_update_migrates_once_however_often_it_is_asked(shop: Shop, guest: Guest) -> None:
    before = shop.number("SELECT COUNT(*) FROM wp_shop_orders")
    with shop.modules(**{"shop-loyalty": "1.1.0"}):
        guest.get("/")
        state = "CHECKSUM TABLE wp_shop_orders, wp_shop_loyalty, wp_shop_products"
        first = shop.value(state)
        assert shop.number("SELECT COUNT(*) FROM wp_shop_loyalty") == before
        assert shop.number("SELECT COUNT(*) FROM wp_shop_products WHERE description LIKE '%fidélité.'") > 100
        shop.value("UPDATE wp_options SET option_value = '1.0.0' WHERE option_name = 'shop_loyalty_version'")
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(guest.status, ["/"] * 4)) == {200}
        assert shop.value(state) == first
        _buy(shop, guest)
        assert shop.number("SELECT COUNT(*) FROM wp_shop_loyalty") == before + 1


@pytest.mark.parametrize(("version", "flawed"), [("2.3.0", True), ("2.3.1", False)])
def test_the_contact_update_closes_a_real_hole(
    world: World, shop: Shop, guest: Guest, version: str, flawed: bool
) -> None:
    with shop.modules(**{"shop-contact": version}):
        page = guest.client.get("/contact/?sent=1&from=<script>alert(1)</script>").text
        _write(guest, "X\r\nBcc: victim@courriel.example\r\nX-Y: z")
        assert ("<script>alert(1)</script>" in page) is flawed
        assert bool(guest.world.mail.messages("victim@courriel.example")) is flawed


def _press(guest: Guest, form: dict[str, str], token: str) -> int:
    url = guest.world.production.url + "/checkout/"
    return httpx.post(url, data=form, cookies={"shop_cart": token}, timeout=30).status_code


def _buy(shop: Shop, guest: Guest) -> tuple[str, str]:
    """Buy one piece; answers the product's slug and the cart's token."""
    slug = shop.product(stock=50)
    guest.add(slug)
    token = guest.token
    answer = guest.place(guest.checkout())
    assert guest.get(answer.headers["location"]).one("order-reference").text.startswith("MP-")
    assert shop.orders_of(token) >= 1
    return slug, token


def _write(guest: Guest, name: str) -> Page:
    hidden = guest.get("/contact/").form_with("form_token").hidden
    message = {"name": name, "email": "eric@courriel.example", "message": "Bonjour\nl’atelier 🙂"}
    answer = guest.client.post("/contact/", data={**hidden, **message})
    return guest.get(answer.headers["location"])
