"""Which columns hold personal data: what the platform and the inventory say, and for the rest what names and types say.

Two rules, by how much is known. A table that somebody has described is believed: the columns described are masked, and
in all its other texts the e-mail addresses. A table that nobody has described, a column that a module has added to a
table of the platform's, and a business table without any word on its columns, are masked by *allow-list*: only what is
recognisably a code, a reference or a state stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from pipeline.database.classes import Class, Classes
from pipeline.database.mask_documents import PEOPLES_POSTS
from pipeline.database.mask_expressions import ADDRESSES, BYTES, DATES, TEXTS, Field, Kind
from pipeline.database.schema import Column, Table
from pipeline.database.sql import identifier, text

Plan = dict[str, dict[str, Kind]]
"""Table -> column -> kind; only what is masked."""

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (cast("Kind", kind), re.compile("|".join(patterns)))
    for kind, patterns in (
        ("email", ("e_?mail|courriel", r"(^|_)mail(_|$)")),
        ("ip", (r"(^|_)ip(_?v[46])?(_?addr(ess)?)?(_|$)", "remote_addr")),
        ("phone", ("phone", "telefon", "mobile", r"(^|_)(tel|fax|gsm|portable)(_|$)")),
        (
            "secret",
            (
                r"pass(wd|word|phrase)?($|_)",
                r"secret|token|session|(api|private|activation)_?key",
                r"(^|_)(iban|bic|swift|ssn|siret|siren|vat|cvv)(_|$)",
                r"card_?(number|holder|no)",
            ),
        ),
        ("company", ("company|organi[sz]ation|societe|raison_sociale", r"(^|_)firm(_|$)")),
        (
            "address",
            (
                "address|street|postal|(post|zip)_?code",
                r"(^|_)(addr|city|town|ville|zip|cp|rue|county)(_|$)",
                r"^(lat(itude)?|lng|lon(gitude)?)$",
            ),
        ),
        (
            "name",
            (
                r"(first|last|full|middle|nick|sur|user|display|given|family)_?name",
                r"(customer|billing|shipping|recipient|contact|sender|card)_?name",
                r"^(name|nom|prenom|pseudo|signature|recipient|sender)$",
                r"(^|_)(author|login|nicename|owner)$",
            ),
        ),
        (
            "text",
            (
                "note|comment|message|remark|instruction|birth|refer+er|user_?agent",
                r"(^|_)(bio|biography|feedback|review|answer|subject|agent|dob)(_|$)",
            ),
        ),
    )
)
_SAFE = re.compile(
    r"^(id|sku|ean(13)?|upc|isbn|ref|reference|status|state|type|kind|code|currency|lang|language|locale|country|iso"
    r"|version|hash|md5|sha1|sha256|checksum|uuid|guid|class|module|hook|unit|mime|extension|format|method|payment"
    r"|gateway|carrier|priority|level|taxonomy|scope|theme|template|size|colou?r|autoload)$"
    r"|_(id|sku|status|state|type|code|currency|hash|version|reference)$"
)
_SLUG = re.compile(r"(^|_)(slug|url_?key|permalink|link_rewrite)$")
_SAFE_LENGTH = 64
_KEY_OF = {
    "meta_value": ("meta_key",),
    "option_value": ("option_name",),
    "value": ("key", "name"),
    # What a row of WordPress's posts is: an order is one where a shop keeps its orders there.
    **dict.fromkeys(("post_title", "post_excerpt", "post_content", "post_password"), ("post_type",)),
}
_OF_PEOPLE = re.compile(r"(user|comment|orders?_|order_item|subscriptions?_|customer_?|booking_?|tokens?)meta$")


def detect(field: Field) -> Kind | None:
    """The kind of personal data that a column's name and type speak of; ``None`` if they speak of none."""
    name = field.name.lower()
    if field.type in DATES:
        return "text" if re.search(r"birth|(^|_)dob(_|$)", name) else None
    return next((kind for kind, pattern in _KINDS if pattern.search(name)), None)


def plan_masks(
    tables: Mapping[str, Table], classes: Classes, personal: Mapping[str, Mapping[str, Kind]] | None = None
) -> Plan:
    """What is masked in each of ``tables`` (full name -> table, as ``schema.read`` gives them).

    :param personal: rules by full table name, over those that ``classes`` holds.
    """
    plan: Plan = {}
    for name, table in tables.items():
        rules = {**cast("dict[str, Kind]", classes.rules(name)), **(personal or {}).get(name, {})}
        columns = fields(table)
        keys = {field.key for field in columns} if classes.known(name) else set()
        kinds: dict[str, Kind] = {
            field.name: "keep" if field.name in keys else _kind(field, name, rules, classes) for field in columns
        }
        masked: dict[str, Kind] = {column: kind for column, kind in kinds.items() if kind != "keep"}
        if masked:
            plan[name] = masked
    return plan


def fields(table: Table) -> tuple[Field, ...]:
    """The columns of ``table`` that hold values of their own, as masks need to know them."""
    unique = {column for index in table.indexes if index.unique for column in index.columns}
    return tuple(_field(column, column.name in unique, table) for column in table.stored)


def _field(column: Column, unique: bool, table: Table) -> Field:
    exact = (column.collation or "_bin").endswith(("_bin", "_cs"))
    key = next((key for key in _KEY_OF.get(column.name.lower(), ()) if table.has(key)), None)
    return Field(column.name, column.data_type, _limit(column), unique, exact, key, _people(table) if key else "")


def _people(table: Table) -> str:
    """Which rows of a table of keys and values are about a person, as an SQL condition; empty: nobody can say."""
    if _OF_PEOPLE.search(table.name):
        return "TRUE"
    if table.name.endswith("postmeta") and table.has("post_id"):
        posts = f"{table.name.removesuffix('meta')}s"
        orders = (
            f"SELECT 1 FROM {identifier(posts)} o WHERE o.ID = post_id AND o.post_type REGEXP {text(PEOPLES_POSTS)}"
        )
        return f"EXISTS ({orders})"
    return ""


def _limit(column: Column) -> int | None:
    """Characters that fit (digits before the point, for decimals)."""
    if column.data_type in ("tinytext", "tinyblob"):
        return 63
    size = re.match(r"\w+\((\d+)(?:,(\d+))?\)", column.type)
    return int(size[1]) - int(size[2] or 0) if size else None


def _kind(field: Field, table: str, rules: Mapping[str, Kind], classes: Classes) -> Kind:
    if field.name in rules:
        return rules[field.name]
    group = classes.classify(table)
    if not classes.known(table) or classes.foreign(table, field.name):
        return _allowed(field)
    if group in (Class.BUSINESS, Class.MIXED) and field.key and field.type in TEXTS:
        return "keyed"
    if group is Class.BUSINESS:
        return (detect(field) or _inside(field)) if rules else _allowed(field)
    return _inside(field)


def _inside(field: Field) -> Kind:
    return "inside" if field.type in TEXTS and (field.limit is None or field.limit > 5) else "keep"


def _allowed(field: Field) -> Kind:
    """The allow-list: a text stays only if its name says that it is a code."""
    found = detect(field)
    if found is not None:
        return found
    name = field.name.lower()
    if field.type in ADDRESSES:
        return "ip"
    if field.type not in TEXTS | BYTES:
        return "keep"
    if _SLUG.search(name):
        return "secret"
    short = field.limit is not None and field.limit <= _SAFE_LENGTH
    if short and (_SAFE.search(name) or (field.limit or 0) <= 3):
        return _inside(field)
    return "text"
