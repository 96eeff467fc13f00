"""The stub shop's pages are the demo shop's; what it stored is asked of it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

from smoke_tests.pages.demo import pages
from smoke_tests.shop import Shop
from smoke_tests.shopdata import Line, Order

__all__ = ["pages", "stored"]


@dataclass(frozen=True)
class StubData:
    """What the stub shop stored."""

    url: str

    def _state(self) -> Any:
        with urlopen(f"{self.url}/_state") as answer:
            return json.load(answer)

    def orders_of(self, email: str) -> tuple[Order, ...]:
        mine = (order for order in self._state()["orders"] if order["email"] == email)
        return tuple(
            Order(
                n,
                o["reference"],
                Decimal(o["total"]),
                tuple(Line(x["name"], 1, Decimal(x["price"])) for x in o["lines"]),
            )
            for n, o in enumerate(mine)
        )

    def stock_of(self, product: str) -> int:
        return int(self._state()["stock"][product])

    def cart_lines(self, token: str) -> int:
        return len(self._state()["carts"].get(token, []))

    def messages_of(self, email: str) -> tuple[str, ...]:
        return tuple(m["message"] for m in self._state()["messages"] if m["email"] == email)


@contextmanager
def stored(shop: Shop) -> Iterator[StubData]:
    yield StubData(shop.base_url)
