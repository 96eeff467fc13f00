"""A customer beside the pipeline: a plain HTTP client that keeps buying and remembers what it saw confirmed."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import secrets
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from pipeline.demo.page import Form, Page

NAMES = ("Aline Roché", "Bérénice Noël", "Côme L’Hôte", "Dorothée D’Arc", "Émile Zürcher", "Fanny O’Brien")
RETRY_SECONDS = 0.15
CATALOGUE_PAGES = 6
CONFIRMATION_TRIES = 200


@dataclass(frozen=True)
class Confirmed:
    """An order whose confirmation page the buyer has seen."""

    reference: str
    email: str
    at: dt.datetime


@dataclass(frozen=True)
class Unknown:
    """A press of the order button that got no clear answer: the order may exist or not, once."""

    email: str
    at: dt.datetime
    reason: str


class ShopClosed(Exception):
    """The shop answered 503: it takes nothing now."""


class NoSale(Exception):
    """This purchase came to nothing, and surely nothing was stored: the button was not pressed, or was refused."""


class Buyer:
    """Buys at ``base_url`` in a thread of its own, as a new guest with a new e-mail address each time.

    :param pace: purchases a second at most.
    :param name: part of the e-mail addresses, so that the orders of two buyers can be told apart.

    Read the lists and counters after :meth:`stop`; while it runs they only grow.
    """

    def __init__(self, base_url: str, *, pace: float = 3.0, name: str = "acheteur", timeout: float = 15.0) -> None:
        self.base_url = base_url.rstrip("/")
        self.name = f"{name}-{secrets.token_hex(3)}"
        self.confirmed: list[Confirmed] = []
        self.unknown: list[Unknown] = []
        self.refusals = 0
        """Answers with 503."""
        self.errors: list[str] = []
        """Purchases that came to nothing for another reason, one sentence each."""
        self._pause = 1.0 / pace
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._random = random.Random(self.name)  # noqa: S311 -- what to buy is no secret
        self._products: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self, timeout: float = 30.0) -> None:
        """Let the current purchase come to its end (waited for at most ``timeout`` seconds), and buy no more."""
        self._stopping.set()
        self._thread.join(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_for(self, count: int, timeout: float = 30.0) -> bool:
        """Wait until ``count`` orders are confirmed in all; False if they are not in time."""
        limit = time.monotonic() + timeout
        while len(self.confirmed) < count and time.monotonic() < limit:
            time.sleep(0.05)
        return len(self.confirmed) >= count

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            pause = self._pause
            try:
                with httpx.Client(base_url=self.base_url, timeout=self._timeout, follow_redirects=False) as client:
                    self._buy(client)
            except ShopClosed:
                self.refusals += 1
                pause = RETRY_SECONDS
            except Exception as error:  # noqa: BLE001 -- a buyer that dies unnoticed would make every figure look good
                self.errors.append(f"{type(error).__name__}: {error}")
                pause = max(pause, RETRY_SECONDS)
            self._stopping.wait(max(0.0, pause - (time.monotonic() - began)))

    def _buy(self, client: httpx.Client) -> None:
        """One purchase, from the home page to the confirmation."""
        self._page(client, "/")
        product = self._page(client, self._some_product(client))
        form = product.form_with("product")
        added = client.post(form.action, data={**form.hidden, "quantity": str(self._random.choice((1, 1, 2)))})
        if self._answer(added).status_code != 303:
            self._products.clear()
            raise NoSale(f"the cart answered {added.status_code}")
        self._page(client, "/cart/")
        checkout = self._page(client, "/checkout/")
        checkout.one("checkout-form")
        self._place(client, checkout.form_with("form_token"))

    def _place(self, client: httpx.Client, form: Form) -> None:
        email = f"{self.name}.{next(self._numbers)}@courriel.example"
        try:
            answer = client.post(f"{self.base_url}/checkout/", data={**form.hidden, **self._person(email)})
        except httpx.ConnectError as error:
            raise NoSale(f"no connection: {error}") from error  # nothing was sent
        except httpx.HTTPError as error:
            self._lost_sight(email, f"{type(error).__name__}: {error}")
            return
        if answer.status_code == 303 and "/order/" in answer.headers.get("location", ""):
            self._confirm(client, answer.headers["location"], email)
        elif answer.status_code >= 500 and answer.status_code != 503:
            self._lost_sight(email, f"the order button answered {answer.status_code}")
        else:
            raise NoSale(f"the order button answered {self._answer(answer).status_code}")

    def _confirm(self, client: httpx.Client, address: str, email: str) -> None:
        """See the confirmation page, however long the shop stays closed meanwhile."""
        reason = "the confirmation was not asked for"
        for _ in range(CONFIRMATION_TRIES):
            try:
                reference = self._page(client, address).one("order-reference").text.strip()
            except ShopClosed:
                self.refusals += 1
                reason = "the confirmation page answered 503"
            except (NoSale, LookupError, httpx.HTTPError) as error:
                reason = f"the confirmation page: {error}"
            else:
                self.confirmed.append(Confirmed(reference, email, _now()))
                return
            time.sleep(RETRY_SECONDS)
            if self._stopping.is_set():
                break
        self._lost_sight(email, reason)

    def _lost_sight(self, email: str, reason: str) -> None:
        self.unknown.append(Unknown(email, _now(), reason))

    def _some_product(self, client: httpx.Client) -> str:
        """The address of a product that had stock when the shop's list was last read."""
        if not self._products:
            page = self._page(client, f"/shop/?page={self._random.randint(1, CATALOGUE_PAGES)}")
            stocks = [int(badge.attributes["data-stock"]) for badge in page.all("product-stock")]
            links = [link.attributes["href"] for link in page.all("product-link")]
            self._products = [link for link, stock in zip(links, stocks, strict=True) if stock > 0]
        if not self._products:
            raise NoSale("no product has stock")
        self._random.shuffle(self._products)
        return self._products.pop()

    def _person(self, email: str) -> dict[str, str]:
        return {
            "email": email,
            "name": self._random.choice(NAMES),
            "phone": "06 12 34 56 78",
            "address": "7, rue de l’Écluse",
            "postcode": "03000",
            "city": "Moulins",
            "country": "France",
            "note": "",
            "payment": "invoice",
            "terms": "1",
        }

    def _page(self, client: httpx.Client, address: str) -> Page:
        answer = self._answer(client.get(address))
        if answer.status_code != 200:
            raise NoSale(f"{answer.request.url.path} answered {answer.status_code}")
        return Page(answer.text)

    def _answer(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 503:
            raise ShopClosed
        return answer


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
