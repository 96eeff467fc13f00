"""Page objects: one module for each platform or theme; journeys know only what ``base`` promises."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, cast

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Pages
from smoke_tests.shop import Shop
from smoke_tests.shopdata import ShopData


class PagesModule(Protocol):
    """What a module of page objects offers."""

    def pages(self, journey: Journey) -> Pages:
        """The pages as this visitor sees them."""

    def stored(self, shop: Shop) -> AbstractContextManager[ShopData | None]:
        """What the shop stored; ``None``: nobody said where."""


def load(name: str) -> PagesModule:
    """The module ``name`` of this folder, or one of the team's own if the name has a dot in it.

    :raises ValueError: if there is none.
    """
    path = name if "." in name else f"smoke_tests.pages.{name}"
    try:
        return cast("PagesModule", import_module(path))
    except ModuleNotFoundError as error:
        message = f"there are no page objects called {name!r}: {error}"
        raise ValueError(message) from None


def first_product(pages: Pages) -> str:
    """Path of the first product of the home page: what is bought where nobody named a product."""
    pages.home.open()
    products = pages.home.products()
    assert products, "no product is shown on the home page"
    return products[0].path
