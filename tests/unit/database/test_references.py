"""Who refers to a table's rows: by foreign key, or by the name of a column."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.database.references import Reference, references
from pipeline.database.schema import ForeignKey, Table
from tests.unit.database.tables import column, table


def numbered(name: str, key: str = "id") -> Table:
    number = replace(column(key, nullable=False), extra="auto_increment")
    return table(name, number, key=(key,))


def test_a_foreign_key_is_a_reference() -> None:
    key = ForeignKey("fk", "wp_products", ("p",), ("id",), "")
    tables = {
        "wp_products": numbered("wp_products"),
        "lines": replace(table("lines", column("p")), foreign_keys=(key,)),
    }
    assert references(tables, "wp_products") == (Reference("lines", ("p",), ("id",)),)


@pytest.mark.parametrize(
    ("parent", "key", "child"),
    [
        ("wp_shop_products", "id", "product_id"),
        ("wp_posts", "ID", "post_id"),
        ("ps_product", "id_product", "id_product"),
        ("ps_categories", "id", "id_category"),
        ("wp_shop_order_lines", "id", "order_line_id"),
    ],
)
def test_a_column_refers_by_its_name(parent: str, key: str, child: str) -> None:
    tables = {parent: numbered(parent, key), "other": table("other", column(child, "bigint(20)"))}
    assert references(tables, parent, ["other"]) == (Reference("other", (child,), (key,)),)
    assert references(tables, parent) == ()


def test_a_name_counts_only_where_the_server_numbers_the_parent() -> None:
    tables = {
        "loyalty": table("loyalty", column("customer_id", nullable=False), key=("customer_id",)),
        "orders": table("orders", column("customer_id")),
    }
    assert references(tables, "loyalty", ["orders"]) == ()


def test_text_is_no_reference_and_a_key_does_not_refer_to_itself() -> None:
    tables = {"products": numbered("products", "product_id"), "x": table("x", column("product_id", "varchar(9)"))}
    assert references(tables, "products", ["products", "x"]) == ()
