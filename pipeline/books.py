"""A shop's books, as its platform describes them: where orders, what they sold, and stock are, told as SELECTs.

A platform says it, the database is asked it; neither knows the other. Table names are full names, with the prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

ORDER, MARK, ONE, NONE = "order", "mark", "one", "none"
"""What a :class:`Row` may put into a column beside what the :class:`Sale` names: the order's number, its mark, 1, 0."""


@dataclass(frozen=True)
class Row:
    """A row that a synthetic order writes: like the newest one that ``where`` finds, but for what ``sets`` says.

    :param number: its column of growing numbers.
    :param called: what other rows call that number.
    :param sets: column -> name of what it is given.
    """

    table: str
    number: str
    called: str = ""
    sets: Mapping[str, str] = field(default_factory=dict)
    where: str = "TRUE"


@dataclass(frozen=True)
class Sale:
    """What selling one piece writes, for the synthetic orders of a drill.

    :param products: a SELECT of what can be sold, in whole numbers.
    :param names: what ``rows`` and ``taken`` call its columns.
    :param taken: statements that take one piece from stock; ``%(name)s`` stands for a column of ``products``.
    """

    rows: tuple[Row, ...]
    products: str
    names: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True)
class Books:
    """Where a shop keeps orders, their lines, and stock.

    Orders are told by their growing number, so an order is one of "since" whatever clock the shop has.

    :param tables: what is read; where one is missing, these are not the shop's books.
    :param last: SELECT of one value: every order so far has this number or less, every later one more.
    :param orders: SELECT of ``number`` and ``reference`` of whatever counts as ordered.
    :param lines: SELECT of ``number`` (the order's), ``product`` and ``pieces``.
    :param stock: SELECT of ``product``, ``label`` and ``pieces``: each product whose pieces the shop counts, once.
        ``product`` is what ``lines`` calls it.
    :param drafts: SELECT of ``number`` of what is not ordered yet and may be, under the same number.
    :param kept: SELECT of one value: whether this is where the shop keeps its orders. Empty: it is.
    """

    tables: tuple[str, ...]
    last: str
    orders: str
    lines: str
    stock: str
    drafts: str = ""
    kept: str = ""
    sale: Sale | None = None

    def __str__(self) -> str:
        return ", ".join(self.tables)

    def as_json(self) -> dict[str, object]:
        """What a later statement needs."""
        return {name: getattr(self, name) for name in _QUESTIONS}

    @classmethod
    def from_json(cls, said: Mapping[str, object]) -> Books | None:
        """Read :meth:`as_json`; ``None`` if another version of Palier has written it."""
        if set(said) != set(_QUESTIONS):
            return None
        listed = said["tables"]
        last, orders, lines, stock, drafts, kept = (str(said[name]) for name in _QUESTIONS[1:])
        tables = tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()
        return cls(tables, last, orders, lines, stock, drafts, kept)


_QUESTIONS = tuple(each.name for each in fields(Books) if each.name != "sale")
