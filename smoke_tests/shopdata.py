"""What the shop stored, read from its database: the only judge of "exactly one order"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import pymysql
from pymysql.cursors import DictCursor

from smoke_tests.mailbox import Mailbox
from smoke_tests.shop import Database

SECONDS = 10


@dataclass(frozen=True)
class Line:
    """One line of an order: the price is that of one piece."""

    name: str
    quantity: int
    price: Decimal


@dataclass(frozen=True)
class Order:
    """One order as stored."""

    id: int
    reference: str
    total: Decimal
    lines: tuple[Line, ...]


class ShopData(Protocol):
    """What the journeys ask of a shop's tables; one implementation for each platform."""

    def orders_of(self, email: str) -> tuple[Order, ...]:
        """Every order made with this address, oldest first."""

    def stock_of(self, product: str) -> int:
        """Pieces in stock of a product, named as its page names it (:attr:`Product.key`)."""

    def cart_lines(self, token: str) -> int:
        """How many lines the visitor's cart still has."""

    def messages_of(self, email: str) -> tuple[str, ...] | None:
        """Texts sent through the contact form with this address, oldest first; ``None``: the shop keeps none."""


@dataclass(frozen=True)
class Backstage:
    """What can be looked up behind the screen. ``None``: nobody said where, so it stays unchecked, and is said to."""

    data: ShopData | None
    mailbox: Mailbox | None


class Connection(Protocol):
    """A read-only view of the database: rows of one query as dictionaries."""

    prefix: str

    def rows(self, query: str, *values: object) -> Sequence[dict[str, Any]]: ...


class TableReader:
    """A :class:`Connection` over PyMySQL; each query sees what is committed now."""

    def __init__(self, connection: pymysql.Connection[DictCursor], prefix: str) -> None:
        self._connection = connection
        self.prefix = prefix

    def rows(self, query: str, *values: object) -> Sequence[dict[str, Any]]:
        """The rows of ``query``, in which ``{p}`` stands for the table prefix and ``%s`` for each of ``values``."""
        with self._connection.cursor() as cursor:
            cursor.execute(query.replace("{p}", self.prefix), values)
            return list(cursor.fetchall())


@contextmanager
def connected(database: Database) -> Iterator[TableReader]:
    """A connection that writes nothing. :raises pymysql.Error: if the server does not let us in."""
    connection = pymysql.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.name,
        charset="utf8mb4",
        cursorclass=DictCursor,
        connect_timeout=SECONDS,
        read_timeout=SECONDS,
        autocommit=True,
        init_command="SET SESSION TRANSACTION READ ONLY",
    )
    with connection:
        yield TableReader(connection, database.prefix)
