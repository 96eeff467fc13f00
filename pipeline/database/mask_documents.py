"""Personal values in fields of documents: serialised PHP and JSON inside texts, overwritten in the same number of bytes.

A field is told by its name (``billing_first_name``, ``tel-1``), so that a plugin's settings beside it stay as they are.
Names stand before their values and regular expressions look ahead more cheaply than behind, so texts are read from
their ends: there the name follows.
"""

from __future__ import annotations

from pipeline.database.sql import text as literal

FIELDS = (
    *("first_name", "firstname", "last_name", "lastname", "full_name", "nickname", "display_name", "your-name"),
    *("customer_name", "contact_name", "billing_name", "shipping_name", "card_name", "holder", "recipient", "nom"),
    *("prenom", "surname", "username", "user_login", "company", "phone", "tel", "telephone", "mobile", "fax"),
    *("address", "street", "city", "town", "postcode", "zip", "zipcode", "address_index", "user_agent", "ua"),
    *("ip", "ip_address", "remote_addr", "birthday", "birthdate", "birth_date", "dob", "iban", "bic", "vat_number"),
    *("customer_note", "order_note", "message", "your-message", "gift_message", "engraving", "transaction_id"),
)
"""Last words of the names of fields that hold a person's data; in lower or upper case, ``firstName`` among them."""

WHOLE = "@palier_text"
"""The value, computed once."""
LONGEST = 400
"""Characters of one value that are looked at from its far end; the rest of a longer one is overwritten up to there."""

_NAMES = "|".join(field[::-1] for field in FIELDS)
_NAME = rf"[\\]?[0-9_-]{{0,3}}(?:{_NAMES})(?![a-z0-9])"
_TEXT = rf'[^"\\](?=[^"]{{0,{LONGEST}}}"[\\]?(?::[0-9]{{1,5}}:s;|[ ]?:[ ]?)"{_NAME})'
_NUMBER = rf'[0-9](?=[0-9]{{0,20}}(?::i;|[ ]?:[ ]?)"{_NAME})'
_GUARD = rf'(?:{"|".join(FIELDS)})[0-9_-]{{0,3}}[\\]?"[;:]?[ ]?'


def without_fields(value: str) -> str:
    """``value`` (an expression of utf8mb4) with the personal fields of its documents overwritten.

    One character a byte meanwhile: the lengths that serialised PHP states are bytes and stay right.
    """
    turned = f"REVERSE(CONVERT(CAST({WHOLE} AS BINARY) USING latin1))"
    for pattern, replacement in ((_TEXT, "x"), (_NUMBER, "1")):
        turned = f"REGEXP_REPLACE({turned},{literal('(?i)' + pattern)},{literal(replacement)})"
    overwritten = f"CONVERT(CAST(REVERSE({turned}) AS BINARY) USING utf8mb4)"
    speaks = f"({WHOLE}:={value}) LIKE '%\"%:%' AND {WHOLE} REGEXP {literal('(?i)' + _GUARD)}"
    return f"IF({speaks},{overwritten},{WHOLE})"
