"""A shop in one small HTTP server, with the demo shop's hooks and faults to order: for trying the journeys."""

from __future__ import annotations

import json
import mailbox
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PRODUCTS = {"bol-noir": ("Bol noir", "12.50"), "vase-bleu": ("Vase bleu", "1 234.00")}
PERSON = ("email", "name", "phone", "address", "postcode", "city", "country")
PIXEL = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")


@dataclass
class StubShop:
    """What the shop stores, and what is wrong with it."""

    faults: set[str] = field(default_factory=set)
    maildir: Path | None = None
    login: str | None = None
    """The Authorization header that it wants, if any."""
    stock: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PRODUCTS, 5))
    carts: dict[str, list[str]] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, str]] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    """Addresses and their passwords."""
    logged_in: dict[str, str] = field(default_factory=dict)
    """The login cookie's value, and whose it is."""
    agents: set[str] = field(default_factory=set)
    seen_cookies: list[str] = field(default_factory=list)
    requests: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def mail(self, to: str, subject: str, text: str) -> None:
        if self.maildir is None or "no-mail" in self.faults:
            return
        message = EmailMessage()
        message["To"], message["From"], message["Subject"] = to, "shop@example.com", subject
        message.set_content(text)
        mailbox.Maildir(self.maildir).add(message)

    def order(self, token: str, form: dict[str, str]) -> dict[str, Any]:
        slugs = self.carts.pop(token) if "cart-kept" not in self.faults else self.carts[token]
        total = sum(float(PRODUCTS[slug][1].replace(" ", "")) for slug in slugs)
        stored = total + (1 if "wrong-total" in self.faults else 0)
        lines = [{"name": PRODUCTS[slug][0], "price": PRODUCTS[slug][1].replace(" ", "")} for slug in slugs]
        for again in range(2 if "twice" in self.faults else 1):
            reference = f"ST-{len(self.orders) + 1:05d}"
            order = {
                "reference": reference,
                "email": form["email"],
                "name": form["name"],
                "city": form["city"],
                "total": f"{stored:.2f}",
                "lines": lines,
            }
            self.orders.append(order)
            if not again:
                first = order
        for slug in slugs:
            self.stock[slug] -= 0 if "stock-kept" in self.faults else 1
        self.mail(form["email"], f"Your order {first['reference']}", "Thank you.")
        return {**first, "shown": f"{total:.2f}"}


def hook(name: str, inner: str, tag: str = "div", rest: str = "") -> str:
    return f'<{tag} data-testid="{name}" {rest}>{inner}</{tag}>'


class StubHandler(BaseHTTPRequestHandler):
    """One request of the stub shop."""

    shop: StubShop

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at what the journeys say."""

    def do_GET(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.answer({key: values[0] for key, values in parse_qs(body).items()})

    @property
    def token(self) -> str:
        return self.cookie("shop_cart")

    @property
    def on_a_phone(self) -> bool:
        return "Mobile" in self.headers.get("User-Agent", "")

    def cookie(self, name: str) -> str:
        morsel = SimpleCookie(self.headers.get("Cookie", "")).get(name)
        return morsel.value if morsel else ""

    def send(self, status: int, body: bytes, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page(self, inner: str, status: int = 200, **headers: str) -> None:
        faults = self.shop.faults
        extra = "<p>Warning: Undefined variable $x in /srv/shop.php on line 7</p>" if "php-warning" in faults else ""
        extra += "<script src='/broken.js'></script>" if "script-500" in faults else ""
        extra += "<script>console.error('it went wrong')</script>" if "console" in faults else ""
        search = hook("search-form", '<input name="q"><button>Go</button>', "form", 'action="/search/"')
        self.send(status, f"<!doctype html><body>{search}{inner}{extra}</body>".encode(), **headers)

    def answer(self, form: dict[str, str]) -> None:
        self.shop.requests += 1
        parts = urlsplit(self.path)
        if parts.path == "/_state":
            shop = self.shop
            state = {"orders": shop.orders, "stock": shop.stock, "carts": shop.carts, "messages": shop.messages}
            self.send(200, json.dumps(state).encode(), "application/json")
        elif self.shop.login is not None and self.headers.get("Authorization") != self.shop.login:
            self.send(401, b"no", WWW_Authenticate='Basic realm="staging"')
        else:
            self.shop.agents.add(self.headers.get("User-Agent", ""))
            self.shop.seen_cookies.append(self.headers.get("Cookie", ""))
            self.route(parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()}, form)

    def route(self, path: str, query: dict[str, str], form: dict[str, str]) -> None:
        name = path.strip("/").partition("/")[0] or "home"
        if f"{name}-hangs" in self.shop.faults:
            self.shop.closing.wait(60)
            self.close_connection = True
        elif f"{name}-500" in self.shop.faults or (self.on_a_phone and "phone-500" in self.shop.faults):
            self.page("There has been a critical error on this website.", 500)
        elif f"{name}-500-once" in self.shop.faults:
            self.shop.faults.remove(f"{name}-500-once")
            self.page("no", 500)
        elif name in {"home", "search", "product", "cart", "checkout", "contact", "order", "account", "shop"}:
            getattr(self, "shop_page" if name == "shop" else name)(path, query, form)
        else:
            self.send(200 if path == "/pixel.gif" else 500 if path == "/broken.js" else 404, PIXEL, "image/gif")

    def cards(self, name: str, term: str = "") -> str:
        found = {slug: what for slug, what in PRODUCTS.items() if term.lower() in what[0].lower()}
        return "".join(
            hook(
                name,
                hook("product-link", hook("product-name", what[0], "h3"), "a", f'href="/product/{slug}/"')
                + ("" if "no-prices" in self.shop.faults else hook("product-price", f"{what[1]} €")),
            )
            for slug, what in found.items()
        )

    def home(self, *_: object) -> None:
        image = "/gone.png" if "image" in self.shop.faults else "/pixel.gif"
        families = hook("category-link", "Bols", "a", 'href="/shop/?category=bols"')
        self.page(self.cards("product-card") + families + f"<img src='{image}'>")

    def shop_page(self, _path: str, query: dict[str, str], *_: object) -> None:
        self.page("" if "category-empty" in self.shop.faults else self.cards("product-card", query["category"][:-1]))

    def account(self, _path: str, _query: dict[str, str], form: dict[str, str]) -> None:
        shop, who = self.shop, self.shop.logged_in.get(self.cookie("shop_login"), "")
        if form:
            self.account_form(form)
        elif who and "login-lost" not in shop.faults:
            self.page(hook("account", who) + self.account_button("logout"))
        else:
            forms = ("login",) if "no-registration" in shop.faults else ("login", "register")
            fields = '<input name="email"><input name="password">'
            self.page(
                "".join(hook(f"{f}-form", fields + self.account_button(f), "form", 'method="post"') for f in forms)
            )

    def account_button(self, action: str) -> str:
        name = action if action == "logout" else f"{action}-send"
        button = hook(name, action, "button", f'name="action" value="{action}"')
        return f'<form method="post">{button}</form>' if action == "logout" else button

    def account_form(self, form: dict[str, str]) -> None:
        shop, key = self.shop, f"l{len(self.shop.logged_in) + 1}"
        if form["action"] == "register":
            shop.accounts[form["email"]] = form["password"]
        if form["action"] == "logout":
            key = self.cookie("shop_login")
            if "logout-ignored" not in shop.faults:
                del shop.logged_in[key]
        elif shop.accounts.get(form["email"]) == form["password"]:
            shop.logged_in[key] = form["email"]
        else:
            self.page(hook("error", "Unknown address or password"))
            return
        self.send(303, b"", Location="/account/", Set_Cookie=f"shop_login={key}; Path=/")

    def search(self, _path: str, query: dict[str, str], *_: object) -> None:
        self.page(self.cards("search-result", query["q"]) or hook("search-none", "Nothing") if "q" in query else "")

    def product(self, path: str, *_: object) -> None:
        slug = path.strip("/").rpartition("/")[2]
        name, price = PRODUCTS[slug]
        picture = "<img src='/gone.png'>" if "product-picture" in self.shop.faults else ""
        if "not-for-sale" in self.shop.faults:
            self.page(hook("product-name", name, "h1") + hook("product-price", f"{price} €"))
            return
        buy = f'<input type="hidden" name="product" value="{slug}">' + hook("add-to-cart", "Add", "button")
        facts = hook("product-name", name, "h1") + hook("product-price", f"{price} €") + picture
        self.page(facts + f'<form method="post" action="/cart/">{buy}</form>')

    def cart(self, _path: str, _query: dict[str, str], form: dict[str, str]) -> None:
        token = self.token
        if form:
            token = token or f"t{len(self.shop.carts) + len(self.shop.orders) + 1}"
            self.shop.carts.setdefault(token, []).append(form["product"])
            self.send(303, b"", Location="/cart/", Set_Cookie=f"shop_cart={token}; Path=/")
            return
        lines = self.shop.carts.get(token, [])
        if not lines:
            self.page(hook("cart-empty", "Empty"))
            return
        shown = "".join(hook("cart-line", PRODUCTS[slug][0], rest='data-quantity="1"') for slug in lines)
        total = sum(float(PRODUCTS[slug][1].replace(" ", "")) for slug in lines)
        go = hook("to-checkout", "Order", "a", 'href="/checkout/"')
        self.page(shown + hook("cart-total", f"{total:.2f} €") + go)

    def checkout(self, _path: str, _query: dict[str, str], form: dict[str, str]) -> None:
        if form:
            order = self.shop.order(self.token, form)
            self.send(303, b"", Location=f"/order/{order['reference']}/?total={order['shown']}")
            return
        fields = "".join(f'<input name="{n}">' for n in PERSON)
        payment = "" if "no-payment" in self.shop.faults else '<input type="radio" name="payment" value="invoice">'
        button = "" if "no-button" in self.shop.faults else hook("place-order", "Order", "button")
        inner = f'{fields}{payment}<input type="checkbox" name="terms">{button}'
        self.page(hook("checkout-form", inner, "form", 'method="post"'))

    def order(self, path: str, query: dict[str, str], *_: object) -> None:
        reference = path.strip("/").rpartition("/")[2]
        self.page(hook("order-reference", reference) + hook("order-total", query["total"] + " €"))

    def contact(self, _path: str, _query: dict[str, str], form: dict[str, str]) -> None:
        if form:
            if "message-lost" not in self.shop.faults:
                self.shop.messages.append(form)
            self.shop.mail("owner@example.com", "Message", f"{form['email']}: {form['message']}")
            self.page(hook("contact-done", "Thank you"))
            return
        fields = '<input name="name"><input name="email"><textarea name="message"></textarea>'
        self.page(hook("contact-form", fields + hook("contact-send", "Send", "button"), "form", 'method="post"'))


@contextmanager
def served(shop: StubShop) -> Iterator[StubShop]:
    """The shop on a free port of loopback; ``shop.url`` says where."""
    handler = type("Handler", (StubHandler,), {"shop": shop})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        shop.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield shop
        finally:
            shop.closing.set()
            server.shutdown()
            thread.join()
