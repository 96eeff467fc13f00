"""Personal values in fields of documents (serialised PHP and JSON inside texts), and beside keys that nobody knows.

Fields are overwritten in the same number of bytes. A field is told by its name (``billing_first_name``, ``tel-1``), so
that a plugin's settings beside it stay as they are. Names stand before their values and regular expressions look ahead
more cheaply than behind, so texts are read from their ends: there the name follows.
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

LONGEST = 400
"""Characters of one value that are looked at from its far end; the rest of a longer one is overwritten up to there."""

_NAMES = "|".join(field[::-1] for field in FIELDS)
_NAME = rf"[\\]?[0-9_-]{{0,3}}(?:{_NAMES})(?![a-z0-9])"
_TEXT = rf'[^"\\](?=[^"]{{0,{LONGEST}}}"[\\]?(?::[0-9]{{1,5}}:s;|[ ]?:[ ]?)"{_NAME})'
_NUMBER = rf'[0-9](?=[0-9]{{0,20}}(?::i;|[ ]?:[ ]?)"{_NAME})'
_GUARD = rf'(?:{"|".join(FIELDS)})[0-9_-]{{0,3}}[\\]?"[;:]?[ ]?'


_OWN_KEYS = (
    "capabilities$|user_level$|user-settings|persisted_preferences$|^(locale|admin_color|rich_editing|use_ssl)$",
    "^(syntax_highlighting|comment_shortcuts|show_admin_bar_front|dismissed_|closedpostboxes_|metaboxhidden_)",
    "^(paying_customer|last_update|_order_number|_created_via|_cart_hash|_edit_lock|_edit_last|_customer_user)$",
    "^_(order_(currency|version|total|tax|shipping|shipping_tax|stock_reduced)|payment_method(_title)?)$",
    "^_(prices_include_tax|recorded_(sales|coupon_usage_counts)|download_permissions_granted|is_vat_exempt)$",
    "^_?(billing|shipping)_(country|state|method)$",
    "^_?(qty|tax_class|product_id|variation_id|line_[a-z_]+|reduced_stock|refunded_item_id|restock_refunded_items)$",
    "^(method_id|instance_id|cost|total_tax|taxes|rate_id|label|compound|(shipping_)?tax_amount|rate_(percent|code))$",
    "^(discount_amount(_tax)?|_fee_amount|items)$|^(pa|attribute)_",
)
OWN_KEYS = "|".join(_OWN_KEYS)
"""Keys of WordPress and WooCommerce whose values speak of the shop, in tables that speak of people."""
PLAIN = "^(-?[0-9]{1,6}([.][0-9]+)?|yes|no|on|off|true|false|[0-9]{4}-[0-9]{2}-[0-9]{2}[T0-9:+Z -]*|[a-z]{1,3})$"
"""Counts, prices, switches, dates, and codes of countries: no telephone number is so short."""
DATED_KEYS = "date|time|_at$|expir|last_active|until"
DOCUMENT = "^([{[]|[aObsdi]:[0-9])"


def without_fields(value: str, masked: str) -> str:
    """``masked`` with the personal fields of its documents overwritten; both are expressions of utf8mb4.

    One character a byte meanwhile: the lengths that serialised PHP states are bytes and stay right.

    :param value: what was masked: whether it has such fields is asked of it, which costs less.
    """
    turned = f"REVERSE(CONVERT(CAST({masked} AS BINARY) USING latin1))"
    for pattern, replacement in ((_TEXT, "x"), (_NUMBER, "1")):
        turned = f"REGEXP_REPLACE({turned},{literal('(?i)' + pattern)},{literal(replacement)})"
    overwritten = f"CONVERT(CAST(REVERSE({turned}) AS BINARY) USING utf8mb4)"
    speaks = f"{value} LIKE '%\"%:%' AND {value} REGEXP {literal('(?i)' + _GUARD)}"
    return f"IF({speaks},{overwritten},{masked})"
