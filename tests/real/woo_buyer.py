"""A customer of a WooCommerce shop beside the pipeline, who buys through the Store API as the block checkout does."""

from __future__ import annotations

from typing import Any

import httpx

from pipeline.demo.buyer import Buyer, Confirmed, NoSale, _now

API = "/wp-json/wc/store/v1"
COUNTRY = "FR"


class WooCommerceBuyer(Buyer):
    """Buys at ``base_url``, each time as a new guest with a session of its own; see :class:`Buyer` for what it keeps.

    The reference of a confirmed order is its number, and an order counts as confirmed when the shop's answer says so.
    """

    def _buy(self, client: httpx.Client) -> None:
        """One purchase: a product, the cart, the order."""
        product = int(self._some_product(client))
        nonce = self._answer(client.get(f"{API}/cart")).headers.get("nonce", "")
        wanted = {"id": product, "quantity": self._random.choice((1, 1, 2))}
        added = self._answer(client.post(f"{API}/cart/add-item", json=wanted, headers={"Nonce": nonce}))
        if added.status_code != 201:
            self._products.clear()
            raise NoSale(f"the cart answered {added.status_code}: {added.text[:200]}")
        self._order(client, added.headers.get("nonce", nonce))

    def _order(self, client: httpx.Client, nonce: str) -> None:
        email = f"{self.name}.{next(self._numbers)}@courriel.example"
        try:
            answer = client.post(f"{API}/checkout", json=self._told(email), headers={"Nonce": nonce})
        except httpx.ConnectError as error:
            raise NoSale(f"no connection: {error}") from error  # nothing was sent
        except httpx.HTTPError as error:
            self._lost_sight(email, f"{type(error).__name__}: {error}")
            return
        if answer.status_code == 200 and _placed(answer):
            self.confirmed.append(Confirmed(str(answer.json()["order_id"]), email, _now()))
        elif answer.status_code >= 500 and answer.status_code != 503:
            self._lost_sight(email, f"the checkout answered {answer.status_code}")
        else:
            raise NoSale(f"the checkout answered {self._answer(answer).status_code}: {answer.text[:200]}")

    def _some_product(self, client: httpx.Client) -> str:
        """A product that had stock when the shop's list was last read."""
        if not self._products:
            answer = self._answer(client.get(f"{API}/products", params={"per_page": "50"}))
            if answer.status_code != 200:
                raise NoSale(f"the list of products answered {answer.status_code}")
            self._products = [str(each["id"]) for each in answer.json() if each["is_in_stock"]]
        if not self._products:
            raise NoSale("no product has stock")
        self._random.shuffle(self._products)
        return self._products.pop()

    def _told(self, email: str) -> dict[str, Any]:
        person = self._person(email)
        first, _, last = person["name"].partition(" ")
        address = {
            "first_name": first,
            "last_name": last,
            "address_1": person["address"],
            "postcode": person["postcode"],
            "city": person["city"],
            "country": COUNTRY,
            "phone": person["phone"],
        }
        return {
            "billing_address": {**address, "email": email},
            "shipping_address": address,
            "payment_method": "bacs",
            "payment_data": [],
        }


def _placed(answer: httpx.Response) -> bool:
    """Whether the shop says that the order stands: one that waits for payment is not placed yet."""
    told = answer.json()
    return bool(told.get("order_id")) and told.get("status") in {"on-hold", "processing", "completed"}
