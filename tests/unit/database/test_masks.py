"""What is masked where. That the expressions do what they say is tested on a real server, in tests/integration."""

from __future__ import annotations

import pytest

from pipeline.config.inventory import Tables
from pipeline.database.classes import Classes
from pipeline.database.mask_expressions import Field, Kind, mask
from pipeline.database.masks import Plan, detect, fields, plan_masks
from pipeline.database.schema import Column, Index, Table


def column(
    name: str, kind: str = "varchar(100)", *, collation: str = "utf8mb4_general_ci", generated: bool = False
) -> Column:
    return Column(
        name=name,
        type=kind,
        data_type=kind.partition("(")[0],
        nullable=True,
        default=None,
        extra="",
        generated=generated,
        charset="utf8mb4",
        collation=collation,
        position=1,
        definition=f"`{name}` {kind}",
    )


def table(name: str, *columns: Column, unique: tuple[str, ...] = ()) -> Table:
    index = Index("u", unique, unique=True, whole=True, definition="")
    return Table(name, "", columns=columns, indexes=(index,) if unique else ())


def plan(classes: Classes, *tables: Table) -> Plan:
    return plan_masks({item.name: item for item in tables}, classes)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", "email"),
        ("customer_Mail", "email"),
        ("billing_phone", "phone"),
        ("tel", "phone"),
        ("hotel", None),
        ("ip", "ip"),
        ("ip_address", "ip"),
        ("remote_addr", "ip"),
        ("description", None),
        ("shipping", None),
        ("firstname", "name"),
        ("last_name", "name"),
        ("street", "address"),
        ("postcode", "address"),
        ("zip", "address"),
        ("city", "address"),
        ("capacity", None),
        ("company", "company"),
        ("user_pass", "secret"),
        ("iban", "secret"),
        ("session_token", "secret"),
        ("customer_note", "text"),
        ("user_agent", "text"),
        ("sku", None),
        ("status", None),
        ("price", None),
    ],
)
def test_names_of_columns_speak_of_personal_data(name: str, kind: Kind | None) -> None:
    assert detect(Field(name, "varchar", 100)) == kind


def test_a_date_is_personal_only_as_a_birthday() -> None:
    assert detect(Field("birthday", "date")) == "text"
    assert detect(Field("message_date", "datetime")) is None


def test_nothing_of_an_unknown_table_stays_but_codes_and_numbers() -> None:
    unknown = table(
        "wp_x",
        column("id", "bigint(20)"),
        column("who"),
        column("anything", "longtext"),
        column("picture", "blob"),
        column("status", "varchar(20)"),
        column("state", "longtext"),
        column("kind", "enum('a','b')"),
        column("slug"),
        column("total", "decimal(10,2)"),
        column("at", "datetime"),
        column("twice", generated=True),
    )
    assert plan(Classes.of("wp_"), unknown) == {
        "wp_x": {
            "who": "text",
            "anything": "text",
            "picture": "text",
            "status": "inside",
            "state": "text",
            "slug": "secret",
        }
    }


def test_of_a_configuration_table_only_addresses_inside_values_are_masked() -> None:
    classes = Classes.of("wp_", Tables(configuration=("settings",), personal={"settings": {"phone": "phone"}}))
    settings = table(
        "wp_settings", column("name"), column("phone"), column("value", "longtext"), column("n", "int(11)")
    )
    assert plan(classes, settings) == {"wp_settings": {"phone": "phone", "value": "inside"}}


def test_a_business_table_with_a_word_on_it_is_masked_by_rules_and_names() -> None:
    classes = Classes.of("", Tables(business=("orders",), personal={"orders": {"reference": "secret", "city": "keep"}}))
    orders = table("orders", column("reference"), column("city"), column("email"), column("payment_method"))
    assert plan(classes, orders) == {"orders": {"reference": "secret", "email": "email", "payment_method": "inside"}}


def test_a_business_table_without_a_word_on_its_columns_is_masked_like_an_unknown_one() -> None:
    classes = Classes.of("", Tables(business=("lines",)))
    assert plan(classes, table("lines", column("label"))) == {"lines": {"label": "text"}}


def test_in_tables_of_keys_and_values_the_key_says_what_the_value_is() -> None:
    meta = (column("meta_key"), column("meta_value", "longtext"))
    for known in (Tables(mixed=("meta",)), Tables(business=("meta",))):
        assert plan(Classes.of("", known), table("meta", *meta)) == {"meta": {"meta_value": "keyed"}}
    assert plan(Classes.of(""), table("meta", *meta)) == {"meta": {"meta_key": "text", "meta_value": "text"}}


def test_a_table_of_settings_is_masked_by_the_name_beside_the_value() -> None:
    known = Classes.of("", Tables(mixed=("configuration",), personal={"configuration": {"value": "setting"}}))
    rows = table("configuration", column("name", "varchar(254)"), column("value", "text"))
    assert plan(known, rows) == {"configuration": {"value": "setting"}}
    assert "`name`" in mask("setting", fields(rows)[1])


def test_rules_of_the_caller_win() -> None:
    classes = Classes.of("", Tables(business=("a",), personal={"a": {"v": "text"}}))
    assert plan_masks({"a": table("a", column("v"))}, classes, {"a": {"v": "keep"}}) == {}


def test_fields_know_limits_keys_and_case() -> None:
    read = fields(
        table(
            "t",
            column("email", "varchar(60)"),
            column("token", "char(32)", collation="utf8mb4_bin"),
            column("total", "decimal(12,2)"),
            column("note", "longtext"),
            column("g", generated=True),
            unique=("email",),
        )
    )
    assert read == (
        Field("email", "varchar", 60, unique=True, exact=False),
        Field("token", "char", 32, unique=False, exact=True),
        Field("total", "decimal", 10, unique=False, exact=False),
        Field("note", "longtext", None, unique=False, exact=False),
    )


@pytest.mark.parametrize("kind", ["email", "name", "phone", "address", "text", "ip", "company", "secret"])
def test_every_mask_of_a_text_depends_on_the_salt_and_keeps_the_column_quoted(kind: Kind) -> None:
    expression = mask(kind, Field("a`b'c", "varchar", 100))
    assert "@palier_salt" in expression
    assert "`a``b'c`" in expression


def test_what_is_kept_is_the_bare_column() -> None:
    assert mask("keep", Field("a", "varchar", 10)) == "`a`"
    assert mask("email", Field("email_sent", "tinyint")) == "`email_sent`"
    assert mask("inside", Field("n", "int")) == "`n`"
