"""Personal values in fields of documents (serialised PHP and JSON inside texts), and beside keys that nobody knows.

Fields are overwritten in the same number of bytes. A field is told by its name (``billing_first_name``, ``tel-1``,
``gmap_api_key``) or by its look, so that a plugin's settings beside it stay as they are. Names stand before their
values and regular expressions look ahead more cheaply than behind, so texts are turned round: there the name follows,
and the quote that opens the value gives way to a mark. Turned back, all from a mark to the value's end is overwritten.
"""

from __future__ import annotations

import re

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

_OWN_KEYS = (
    "capabilities$|user_level$|user-settings|persisted_preferences$|^(locale|admin_color|rich_editing|use_ssl)$",
    "^(syntax_highlighting|comment_shortcuts|show_admin_bar_front|dismissed_|closedpostboxes_|metaboxhidden_)",
    "^(paying_customer|last_update|_order_number|_created_via|_cart_hash|_edit_lock|_edit_last|_customer_user)$",
    "^_(order_(currency|version|total|tax|shipping|shipping_tax|stock_reduced)|payment_method(_title)?)$",
    "^_(prices_include_tax|recorded_(sales|coupon_usage_counts)|download_permissions_granted|is_vat_exempt)$",
    "^_?(billing|shipping)_(country|state|method)$",
    "^_?(qty|tax_class|product_id|variation_id|line_[a-z_]+|reduced_stock|refunded_item_id|restock_refunded_items)$",
    "^(method_id|instance_id|cost|total_tax|taxes|rate_id|label|compound|(shipping_)?tax_amount|rate_(percent|code))$",
    "^(discount_amount(_tax)?|_fee_amount|items|coupon_(data|info))$|^(pa|attribute)_",
    "^(rating|verified|is_customer_note|screen_layout_|meta-box-order_)|columnshidden$",
)
OWN_KEYS = "|".join(_OWN_KEYS)
"""Keys of WordPress and WooCommerce whose values speak of the shop, in tables that speak of people."""
PLAIN = "^(-?[0-9]{1,6}([.][0-9]+)?|yes|no|on|off|true|false|[0-9]{4}-[0-9]{2}-[0-9]{2}[T0-9:+Z -]*|[a-z]{1,3})$"
"""Counts, prices, switches, dates, and codes of countries: no telephone number is so short."""
PEOPLES_POSTS = (
    "^shop_(order|subscription)|^flamingo_|^(wpcf7s|nf_sub|user_request)$"
    "|(^|[_-])(feedback|booking|appointment|submission|entry|entries|inbound|lead|ticket|enquiry|inquiry|subscriber)s?$"
)
"""Posts that are orders, or what somebody has sent through a form."""
DATED_KEYS = "date|time|_at$|expir|last_active|until"
DOCUMENT = "^([{[]|[aObsdi]:[0-9])"


SECRETS = (
    *("secret", "password", "passwd", "passphrase", "passwort", "pwd", "pass", "token", "credential", "credentials"),
    *("licen[cs]e", "licen[cs]e[_-]?code", "purchase[_-]?code", "signature", "webhook", "webhook[_-]?url", "hmac"),
    *("client[_-]?id", "merchant", "merchant[_-]?(?:id|code|account)", "account[_-]?id", "smtp[_-]?user(?:name)?"),
    (
        "(?:api|secret|private|access|public|publishable|live|test|sandbox|site|maps?|license|licence|consumer|encryption"
        "|signing|shared|merchant|account|app|auth|service|rest|activation|google|client|server|webhook|master)[_-]?key"
    ),
)
"""Last words of the names of fields that hold a key of the shop, whatever stands before them (``stripeSecretKey``)."""
_VARIANT = "(?:[_-]?(?:live|test|prod|production|sandbox|value|[0-9]{1,3}))?"
_SWITCH = "-?[0-9]{1,4}|yes|no|on|off|true|false"

PHONES = (
    r"(?:[+]|00)[1-9][0-9 .()/-]{7,17}[0-9]|0[1-9](?:[ .-]?[0-9]){7,9}"
    r"|[(]?[2-9][0-9]{2}[)]?[ .-][0-9]{3}[ .-][0-9]{4}"
)
"""Telephone numbers as people write them; neither dates nor prices nor bar codes."""
KEYS_BY_LOOK = (
    "(?:(?:sk|rk|pk)_(?:live|test|prod|sandbox)_[A-Za-z0-9]|(?:sk|rk)_[A-Za-z0-9]{16}|whsec_[A-Za-z0-9]|AKIA[0-9A-Z]{16}"
    "|AIza[0-9A-Za-z_-]{30}|gh[pousr]_[A-Za-z0-9]{20}|glpat-|shpat_[0-9a-f]{16}|xox[abprs]-[0-9]|SG[.][A-Za-z0-9_-]{16}"
    "|eyJ[A-Za-z0-9_-]{8,}[.]|c[ks]_[0-9a-f]{40}|[0-9a-f]{32}-us[0-9]|EAA[A-Za-z0-9]{30}|key-[0-9a-f]{32}|sq0[a-z]{3}-)"
)
"""Beginnings of keys that can be told by their look: of payments, maps, mail and code."""
_LONG = '(?:[0-9a-f]{32,}|(?=[^"]*[a-z])(?=[^"]*[A-Z])(?=[^"]*[0-9])[A-Za-z0-9+/=]{32,})'
KEY_AS_A_WHOLE = f"(?-i)^{_LONG}$|-----BEGIN [A-Z ]*PRIVATE KEY"
"""Values that are nothing but a long number in hexadecimal or base64, or that hold a private key."""

_FIELD = "(?:" + "|".join(FIELDS) + ")[0-9_-]{0,3}"
_SECRET = "(?:" + "|".join(SECRETS) + ")" + _VARIANT


def _turned(pattern: str) -> str:
    """A pattern of plain words, groups and classes, as it reads from its end."""
    parts, at = [], 0
    while at < len(pattern):
        if pattern.startswith("(?:", at):
            end, depth = at + 3, 1
            while depth:
                depth += {"(": 1, ")": -1}.get(pattern[end], 0)
                end += 1
            inner = "|".join(map(_turned, _alternatives(pattern[at + 3 : end - 1])))
            part = f"(?:{inner})"
        elif pattern[at] == "[":
            end = pattern.index("]", at) + 1
            part = pattern[at:end]
        else:
            end = at + 1
            part = pattern[at]
        sign = re.match(r"[?*+]|[{][0-9,]+[}]", pattern[end:])
        parts.append(part + (sign[0] if sign else ""))
        at = end + (len(sign[0]) if sign else 0)
    return "".join(reversed(parts))


def _alternatives(pattern: str) -> list[str]:
    found, depth = [""], 0
    for sign in pattern:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


def _opening(name: str) -> str:
    """In a turned text, the quote that opens the value of a field so called; JSON within JSON has it escaped."""
    ways = (f':[0-9]{{1,7}}:s;"{name}', f'[ ]?:[ ]?"{name}', rf'[\\]+[ ]?:[ ]?"[\\]+{name}')
    return f'"(?={"|".join(ways)})'


_TURNED_FIELD = f"{_turned(_FIELD)}(?![a-z0-9])"
_NUMBER = rf'[0-9](?=[0-9]{{0,20}}(?::i;|[ ]?:[ ]?)"[\\]*{_TURNED_FIELD})'
_MARKS = ((_opening(_TURNED_FIELD), "CHAR(2 USING latin1)"), (_opening(_turned(_SECRET)), "CHAR(3 USING latin1)"))


def _begin(before: str) -> str:
    """Where a marked value begins, and where the overwriting of one goes on."""
    return rf'(?:(?<={before}\x02)|(?<={before}\x03)(?!(?:{_SWITCH})[\\]*")|\G(?!^))'


_OVERWRITTEN = (
    # Serialised: lengths are stated, so a text may hold quotes; it ends where the next value or the end follows.
    _begin("[0-9]:") + r'(?!";(?:[sidbaOrRCE]:|N;|[}]|$))[\s\S]',
    *(_begin(before) + r'(?:[^"]|(?<=[^\\]\\)"|(?<=[^\\]\\\\\\)")' for before in ('":', ": ", " :")),
    _begin(r"\\") + r'(?:[^"\\]|[\\](?![\\]*"))',
)
_IN_QUOTES = r'(?:(?<=")(?=(?:{looks}))|\G(?!^))(?:[^"\\]|[\\](?!"))'
_LOOKS = rf'(?:{PHONES})[\\]*"|-----BEGIN [A-Z ]*PRIVATE KEY'
_LONG_LOOKS = rf'(?-i){_LONG}[\\]*"(?!;[abdON]|[ ]?:)'
"""A value, and no name of a field: those are hashes now and then."""
_KEY_RUN = rf"(?-i)(?:(?<![A-Za-z0-9_])(?={KEYS_BY_LOOK})|\G(?!^))[A-Za-z0-9_+/=.-]"
_GUARD = rf'(?:{_FIELD}|{_SECRET})[\\]*"[;:]?[ ]?|"(?:{_LOOKS})'


def without_fields(value: str, masked: str, *, settings: bool = False) -> str:
    """``masked`` with the personal fields and keys of its documents overwritten; both are expressions of utf8mb4.

    One character a byte meanwhile: the lengths that serialised PHP states are bytes and stay right.

    :param value: what was masked: whether it has such fields is asked of it, which costs less.
    :param settings: whether long numbers in hexadecimal or base64 are taken for keys, too.
    """
    bare = _replaced(f"CONVERT(CAST({masked} AS BINARY) USING latin1)", (r"[\x02\x03]", "'x'"))
    turned = _replaced(f"REVERSE({bare})", *(("(?i)" + mark, sign) for mark, sign in _MARKS), ("(?i)" + _NUMBER, "'1'"))
    looks = [_IN_QUOTES.format(looks=_LOOKS), *([_IN_QUOTES.format(looks=_LONG_LOOKS)] if settings else [])]
    done = _replaced(
        f"REVERSE({turned})", *((each, "'x'") for each in (*_OVERWRITTEN, *looks)), (r"[\x02\x03]", "'\"'")
    )
    overwritten = f"CONVERT(CAST({done} AS BINARY) USING utf8mb4)"
    guard = f'{_GUARD}|"{_LONG_LOOKS}' if settings else _GUARD
    speaks = f"{value} LIKE '%\"%' AND {value} REGEXP {literal('(?i)' + guard)}"
    return f"IF({speaks},{overwritten},{masked})"


def without_keys(value: str, masked: str) -> str:
    """``masked`` with the keys overwritten that can be told by how they begin, wherever they stand."""
    bare = f"CONVERT(CAST({masked} AS BINARY) USING latin1)"
    done = _replaced(bare, (_KEY_RUN, "'x'"))
    overwritten = f"CONVERT(CAST({done} AS BINARY) USING utf8mb4)"
    found = literal(f"(?-i)(?<![A-Za-z0-9_]){KEYS_BY_LOOK}")
    return f"IF({value} REGEXP {found},{overwritten},{masked})"


def _replaced(expression: str, *pairs: tuple[str, str]) -> str:
    """One replacement after the other; what is put in is an expression."""
    for pattern, replacement in pairs:
        expression = f"REGEXP_REPLACE({expression},{literal(pattern)},{replacement})"
    return expression
