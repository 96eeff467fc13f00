"""Removing what test visitors left: only rows that are proven to be theirs, all in one transaction, stock put back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.database.connection import Database, QueryFailed
from pipeline.database.sql import identifier, text
from pipeline.errors import Refused
from pipeline.platforms import plain
from pipeline.platforms.prestashop.traces import TRACES as PRESTASHOP
from pipeline.platforms.traces import OWNERS, Rows, Set, Traces
from pipeline.platforms.woocommerce.traces import TRACES as WOOCOMMERCE
from pipeline.platforms.wordpress.traces import TRACES as WORDPRESS
from pipeline.steps.site import Shop, Site
from smoke_tests.visitors import VisitorAddresses

PLATFORMS = {"prestashop": PRESTASHOP, "woocommerce": WOOCOMMERCE, "wordpress": WORDPRESS}
REMEMBERS = {"wordpress", "woocommerce"}
"""Platforms that may keep rows (stock among them) in a cache outside of the database."""
CACHES = 60.0
TRIES = 4
PAUSE = 1.0
"""How often, and seconds after which, a row that somebody holds is asked for again."""
_TABLE = re.compile(r"\{p\}(\w+)")
_NAME = re.compile(r"\{(?:emails in (?P<column>\w+)|(?P<set>\w+))\}")
_VIEW = re.compile(r"\{view (\w+)\}")
COUNT = "SELECT COUNT(*) FROM {table} WHERE {condition}"
DELETE = "DELETE FROM {table} WHERE {condition}"
NOBODY = "(-1)"
"""A list that holds no key: an empty one is no SQL, and NULL would make ``NOT IN`` unknown."""


@dataclass(frozen=True)
class Removal:
    """What of test visitors is in a shop, or was removed from it.

    :param rows: how many, by table.
    :param stock: pieces that go back, by product.
    :param left: rows of modules' tables that name a test's order or customer and that nobody described, by table.
    """

    site: str
    visitors: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    stock: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """A few lines for people."""
        if not self.visitors:
            return f"There is nothing of test visitors in {self.site}."
        lines = [f"{len(self.visitors)} test visitors in {self.site}: {sum(self.rows.values())} rows"]
        lines += [f"  {table:40} {count:6}" for table, count in self.rows.items() if count]
        lines += [f"  back into stock: {pieces} × {product}" for product, pieces in self.stock.items()]
        lines += [
            f"  not removed: {count} rows of {table}, which names a test's order or customer and is not known; "
            "if they are a test's alone, say so in the inventory under journeys.traces"
            for table, count in self.left.items()
        ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        shown = ("visitors", "rows", "stock", "left")
        return {"site": self.site} | {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else dict(value) for name in shown
        }


def traces_of(shop: Shop) -> Traces:
    """What test visitors leave in this shop: what its platform says, and of tables unknown to it the inventory.

    :raises Refused: if the inventory speaks of what this platform has no numbers of.
    """
    told = shop.inventory.journeys
    known = PLATFORMS[shop.inventory.platform] if told.pages != "demo" else plain.TRACES
    described = {
        table: " OR ".join(f"{identifier(column)} IN {{{OWNERS[owner]}}}" for column, owner in columns.items())
        for table, columns in told.traces.items()
        if columns and table not in {rows.table for rows in known.rows}
    }
    sets = {"emails", *(each.name for each in known.sets)}
    strange = {owner for columns in told.traces.values() for owner in columns.values() if OWNERS[owner] not in sets}
    if strange:
        raise Refused(
            f"journeys.traces in the inventory speaks of a {', '.join(sorted(strange))}: this shop numbers none.",
            next_step="Name the column that holds the order, the customer or the e-mail address.",
        )
    own = tuple(Rows(table, condition) for table, condition in described.items())
    return replace(known, rows=own + known.rows)


class Tables:
    """One shop's tables, asked with a platform's description of what is a test's."""

    def __init__(self, db: Database, prefix: str, traces: Traces) -> None:
        self._db = db
        self._prefix = prefix
        self._sets: dict[str, set[Any]] = {}
        self.traces = traces
        self.engines = {
            str(name): str(engine or "")
            for name, engine in db.rows(
                "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES"
                " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
            )
        }

    def name(self, table: str) -> str:
        return self._prefix + table

    def knows(self, sql: str) -> bool:
        """Whether the shop has every table that ``sql`` names."""
        return all(self.name(table) in self.engines for table in _TABLE.findall(self._whole(sql)))

    def present(self) -> tuple[Rows, ...]:
        """Those rows of the description whose table the shop has."""
        return tuple(rows for rows in self.traces.rows if self.name(rows.table) in self.engines)

    def find(self, addresses: VisitorAddresses) -> tuple[str, ...]:
        """Look for test visitors and for everything that is theirs; the visitors' addresses."""
        asked = (query for query in self.traces.addresses if self.knows(query))
        found = {str(row[0]) for query in asked for row in self._db.rows(self._named(query), (addresses.like,))}
        emails = sorted(address for address in found if addresses.fits(address))
        self._sets = {"emails": set(emails)}
        for each in self.traces.sets:
            self._add(each)
        return tuple(emails)

    def _add(self, each: Set) -> None:
        keys = self._sets.setdefault(each.name, set())
        if self.knows(each.query):
            keys |= {row[0] for row in self.rows(each.query) if row[0] is not None}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._db.rows(self.filled(sql))

    def execute(self, sql: str) -> int:
        return self._db.execute(self.filled(sql))

    def count(self, rows: Rows) -> int:
        return int(self.rows(self._about(COUNT, rows))[0][0])

    def delete(self, rows: Rows) -> int:
        return self.execute(self._about(DELETE, rows))

    def _about(self, sql: str, rows: Rows) -> str:
        return sql.replace("{table}", identifier(self.name(rows.table))).replace("{condition}", rows.condition)

    def filled(self, sql: str) -> str:
        """``sql`` with the table prefix and the keys that were found."""
        return _NAME.sub(self._filled, self._named(self._whole(sql)))

    def _filled(self, found: re.Match[str]) -> str:
        if column := found["column"]:
            held = (text('%"' + email + '"%') for email in sorted(self._sets["emails"]))
            return f"({' OR '.join(f'{identifier(column)} LIKE {one}' for one in held) or 'FALSE'})"
        keys = sorted(self._sets[found["set"]], key=str)
        return f"({', '.join(_literal(key) for key in keys)})" if keys else NOBODY

    def _whole(self, sql: str) -> str:
        """``sql`` with the views that it asks within its own question."""
        views = dict(self.traces.views)
        while _VIEW.search(sql):
            sql = _VIEW.sub(lambda found: f"({views[found[1]]})", sql)
        return sql

    def _named(self, sql: str) -> str:
        return sql.replace("{p}", self._prefix)

    def strangers(self) -> dict[str, int]:
        """Rows of tables that nobody described, and that name a test's order or customer in the platform's way."""
        described = {rows.table for rows in self.traces.rows}
        asked = [each.query for each in self.traces.sets] + [each.query for each in self.traces.doubts]
        for statement in (*asked, *self.traces.returns):
            described |= set(_TABLE.findall(self._whole(statement)))
        known = {self.name(table) for table in described}
        found: dict[str, int] = {}
        for column, owner in self.traces.columns:
            for table in self._tables_with(column):
                if table not in known and table in self.engines:
                    rows = Rows(table.removeprefix(self._prefix), f"{identifier(column)} IN {{{owner}}}")
                    found[table] = max(found.get(table, 0), self.count(rows))
        return {table: count for table, count in sorted(found.items()) if count}

    def _tables_with(self, column: str) -> list[str]:
        query = "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = %s"
        found = (str(row[0]) for row in self._db.rows(query, (column,)))
        return [name for name in found if name.startswith(self._prefix)]


def _literal(key: object) -> str:
    return str(key) if isinstance(key, int) else text(str(key))


def look(shop: Shop, site: Site) -> Removal:
    """What of test visitors is in the site's database; nothing is changed.

    :raises Refused: if it cannot be told whose it is.
    """
    with site.database.connected() as db, _consistent(db):
        return _found(_tables(shop, site, db), shop, site)


def remove(shop: Shop, site: Site) -> Removal:
    """Remove it, stock put back, in one transaction.

    :raises Refused: if it cannot be told whose it is, or not be done in one transaction; nothing was changed then.
    :raises QueryFailed: if the database refused; nothing was changed.
    """
    for again in range(TRIES):
        try:
            with site.database.connected() as db, db.transaction():
                removal = _removed(_tables(shop, site, db), shop, site)
            if removal.visitors and shop.inventory.platform in REMEMBERS:
                for command in site.platform.clear_caches():
                    site.host.run(command, timeout=CACHES)
            return removal
        except QueryFailed as problem:
            if not problem.locked or again == TRIES - 1:
                raise
            time.sleep(PAUSE)
    raise AssertionError("unreachable")


@contextmanager
def _consistent(db: Database) -> Iterator[None]:
    db.execute("START TRANSACTION READ ONLY")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _tables(shop: Shop, site: Site, db: Database) -> Tables:
    return Tables(db, site.prefix, traces_of(shop))


def _found(tables: Tables, shop: Shop, site: Site) -> Removal:
    visitors = tables.find(VisitorAddresses(shop.inventory.journeys.customer_email))
    url = str(site.environment.url)
    if not visitors:
        return Removal(url)
    _refuse_doubts(tables)
    counted: dict[str, int] = {}
    for rows in tables.present():
        counted[tables.name(rows.table)] = counted.get(tables.name(rows.table), 0) + tables.count(rows)
    _refuse_partial(tables, counted)
    stock: dict[str, int] = {}
    for query in tables.traces.stock:
        if tables.knows(query):
            for product, pieces in tables.rows(query):
                stock[str(product)] = stock.get(str(product), 0) + int(float(pieces or 0))
    return Removal(url, visitors, {name: count for name, count in counted.items() if count}, stock, tables.strangers())


def _removed(tables: Tables, shop: Shop, site: Site) -> Removal:
    """Found once to know what is to be held, and once more when nobody else can change it."""
    addresses = VisitorAddresses(shop.inventory.journeys.customer_email)
    if tables.find(addresses):
        for query in tables.traces.locks:
            if tables.knows(query):
                tables.rows(query)
    found = _found(tables, shop, site)
    if not found.visitors:
        return found
    for statement in tables.traces.returns:
        if tables.knows(statement):
            tables.execute(statement)
    gone: dict[str, int] = {}
    for rows in tables.present():
        name = tables.name(rows.table)
        gone[name] = gone.get(name, 0) + tables.delete(rows)
    _refuse_rest(tables, addresses, found, gone)
    return Removal(found.site, found.visitors, {name: n for name, n in gone.items() if n}, found.stock, found.left)


def _refuse_doubts(tables: Tables) -> None:
    said = [
        f"{doubt.why} ({', '.join(str(row[0]) for row in rows[:5])})"
        for doubt in tables.traces.doubts
        if tables.knows(doubt.query) and (rows := tables.rows(doubt.query))
    ]
    if said:
        raise Refused(
            "It cannot be told what is a test visitor's alone, so nothing was removed.",
            why="\n".join(dict.fromkeys(f"{sentence[0].upper()}{sentence[1:]}." for sentence in said)),
            next_step="Look at these orders and accounts in the shop's back office.",
        )


def _refuse_partial(tables: Tables, counted: Mapping[str, int]) -> None:
    changed = {name for name, count in counted.items() if count}
    changed |= {
        tables.name(table) for each in tables.traces.returns for table in re.findall(r"UPDATE \{p\}(\w+)", each)
    }
    loose = sorted(name for name in changed if tables.engines.get(name, "InnoDB") != "InnoDB")
    if loose:
        raise Refused(
            "What test visitors left cannot be removed as a whole, so nothing was removed.",
            why=f"These tables know no transactions: {', '.join(loose)}.",
            next_step="Convert them to InnoDB, or remove the orders in the shop's back office.",
        )


def _refuse_rest(tables: Tables, addresses: VisitorAddresses, found: Removal, gone: Mapping[str, int]) -> None:
    other = {name: n for name, n in gone.items() if n != found.rows.get(name, 0)}
    if other or tables.find(addresses):
        raise Refused(
            "What was found of test visitors is not what could be removed, so nothing was removed.",
            why=f"Other rows than those found: {', '.join(other) or 'some came while the others were removed'}.",
            next_step="Run it once more when no smoke test runs.",
        )
