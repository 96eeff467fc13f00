"""The reconciliation statement as people read it."""

from __future__ import annotations

from pipeline.database.books import Stock
from pipeline.steps.reconciliation import Statement, Taken


def statement(*, books: str = "orders, lines, products", sold: int = 1) -> Statement:
    return Statement(
        run="20261121T190102Z-promote-ab12",
        made="2026-11-21T20:00:00Z",
        orders=("MP-000318", "MP-000319"),
        taken_back=(Taken("wp_options", 1, 2_000, 0), Taken("wp_shop_orders", 0, 0, 0)),
        conflicts=("wp_options\tblogname\toption_value\ttheirs stays",),
        stock=tuple(Stock(str(n), f"Mug {n}", 20, 2, 1, 19) for n in range(sold)),
        books=books,
    )


def test_it_says_orders_rows_conflicts_and_stock() -> None:
    assert statement().text().splitlines() == [
        "Reconciliation of 20261121T190102Z-promote-ab12, 2026-11-21T20:00:00Z",
        "  Orders kept since the promotion: 2: MP-000318 to MP-000319",
        "  Rows of the update taken back: 2,001",
        "    wp_options: 1 added, 2,000 changed",
        "    wp_shop_orders: no row",
        "  Conflicts, where somebody else's value stays: 1",
        "    wp_options  blogname  option_value  theirs stays",
        "  Stock of 1 products moved (before - sold + other = after):",
        f"    {'Mug 0':40}       20 - 2 + 1 = 19",
    ]


def test_a_shop_whose_books_nobody_described_says_so() -> None:
    assert "not told, because nobody said" in statement(books="").text()
    assert "Stock of" not in statement(books="").text()


def test_a_long_list_is_cut_for_people_and_whole_in_the_json() -> None:
    long = statement(sold=100)
    assert "and 60 more: see reconciliation.json" in long.text()
    stock = long.as_json()["stock"]
    assert isinstance(stock, tuple)
    assert len(stock) == 100
