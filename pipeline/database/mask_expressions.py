"""SQL expressions that put an invented value in the place of a personal one, evaluated on production in the SELECT.

What is promised of every mask: the same input gives the same output in every table (so joins and unique keys hold),
for one salt; NULL stays NULL and '' stays ''; the result fits the column and keeps the format that shops check (an
address can be parsed, never delivered; a telephone number is longer than any real one). The salt is in the session
variable ``@palier_salt``: never a word of a command. Texts are compared as the server compares them, without case and
trailing spaces, unless the column is unique and distinguishes case: there, two spellings are two values.

E-mail addresses *inside* other values (serialised PHP, JSON, notes) are overwritten character by character, in the same
number of bytes, so that lengths written beside them stay right. Needs MariaDB, or MySQL 8.0.4 and later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipeline.database.mask_documents import (
    DATED_KEYS,
    DOCUMENT,
    KEY_AS_A_WHOLE,
    OWN_KEYS,
    PEOPLES_POSTS,
    PLAIN,
    without_fields,
    without_keys,
)
from pipeline.database.sql import identifier
from pipeline.database.sql import text as literal

Kind = Literal[
    "email", "name", "phone", "address", "text", "ip", "company", "secret", "setting", "inside", "keyed", "keep"
]
"""What a value is. ``inside``: only the e-mail addresses in it; ``keyed``: the column beside it says which kind;
``setting``: the same, and a secret where that column or the value itself speaks of one."""

SALT = "@palier_salt"
DIGEST = "@palier_digest"
"""The value's digest, 64 hexadecimal digits: computed once a value, then used in pieces."""

SHORT = 255
"""Characters of a column that is too short for documents: nothing is looked for in it but e-mail addresses."""
EMAIL_LENGTH = len("@masked.invalid") + 13
_WORD_LENGTH = 18
_ONSETS = list("bcdfghjklmnprstv")
_RIMES = ["a", "e", "i", "o", "u", "y", "ai", "ei", "ou", "au", "eu", "oi", "ia", "io", "ea", "oa"]

TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json"})
BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
NUMBERS = frozenset({"int", "bigint", "decimal"})
DATES = frozenset({"date", "datetime", "timestamp"})
ADDRESSES = frozenset({"inet4", "inet6"})


@dataclass(frozen=True)
class Field:
    """A column as far as masks need to know it."""

    name: str
    type: str
    """The bare type in lower case: ``varchar``, ``int``, ..."""
    limit: int | None = None
    """Characters (bytes, for binary types) that fit; ``None``: not limited in practice."""
    unique: bool = False
    """Whether it is a unique key, or part of one."""
    exact: bool = False
    """Whether its collation distinguishes case."""
    key: str | None = None
    """The column beside it that names the value (``meta_key`` of ``meta_value``)."""
    people: str = ""
    """For a column with a ``key``: an SQL condition, whether the row is about a person. Then what the key does not say
    to be the shop's own is masked."""


def mask(kind: Kind, field: Field) -> str:
    """The expression to select instead of ``field``; the bare column where nothing is to be masked."""
    column = identifier(field.name)
    if kind == "keep":
        return column
    if field.type in TEXTS:
        return _text_mask(kind, field, column)
    return _other_mask(kind, field, column)


def _other_mask(kind: Kind, field: Field, column: str) -> str:
    """Numbers, dates and bytes; what cannot hold a value of that kind (a flag named ``email_sent``) stays."""
    masked = column
    if kind in ("inside", "keyed", "setting"):
        return column
    if field.type in BYTES:
        masked = _bytes_mask(kind, column)
    elif field.type in DATES:
        masked = f"IF({column}=0,{column},DATE_FORMAT({column},'%Y-01-01'))"
    elif field.type in NUMBERS and kind in ("phone", "secret", "ip"):
        masked = _digested(column, _number(kind, field), _plain(column))
    elif field.type in ADDRESSES:
        masked = _digested(column, _ip(field, _plain(column)), _plain(column))
    elif field.type in ("decimal", "float", "double") and kind == "address":
        masked = f"ROUND({column})"
    return masked


def _plain(column: str) -> str:
    return f"CAST({column} AS CHAR)"


def _text_mask(kind: Kind, field: Field, column: str) -> str:
    value = f"CONVERT({column} USING utf8mb4)"
    if kind == "inside":
        return _inside(field, value)
    if kind in ("keyed", "setting"):
        return _keyed(field, value, settings=kind == "setting")
    return _digested(value, _SHAPES[kind](field, value), _normal(field, value))


def _normal(field: Field, value: str) -> str:
    """The text that is hashed: one for all spellings that the column holds to be equal."""
    return value if field.unique and field.exact else f"LOWER(TRIM(TRAILING ' ' FROM {value}))"


def _digested(value: str, shape: str, normal: str) -> str:
    digest = f"({DIGEST}:=SHA2(CONCAT({SALT},{normal}),256))"
    return f"IF({value} IS NULL OR {value}='',{value},IF({digest}='',NULL,{shape}))"


def _piece(start: int, digits: int) -> str:
    """A number out of ``digits`` hexadecimal digits of the digest."""
    return f"CAST(CONV(SUBSTR({DIGEST},{start},{digits}),16,10) AS UNSIGNED)"


def _code(length: int) -> str:
    """``length`` (at most 12) letters and digits: 5 bits each."""
    return f"RIGHT(LPAD(LOWER(CONV(SUBSTR({DIGEST},1,15),16,36)),12,'0'),{min(length, 12)})"


def _word() -> str:
    """A word of six open syllables that can be spoken: 48 bits of the digest, at most 18 letters, capitalised."""
    parts = []
    for number in range(6):
        onsets = [letter.upper() for letter in _ONSETS] if number == 0 else _ONSETS
        parts += [_choice(onsets, 2 * number + 1), _choice(_RIMES, 2 * number + 2)]
    return f"CONCAT({','.join(parts)})"


def _choice(options: list[str], at: int) -> str:
    return f"ELT({_piece(at, 1)}+1,{','.join(map(literal, options))})"


def _fits(field: Field, length: int, shape: str) -> str:
    """``shape`` (at most ``length`` long), or as much of a code as the column holds."""
    return shape if field.limit is None or field.limit >= length else _code(field.limit)


def _email(field: Field, _value: str) -> str:
    short = field.limit is not None and 16 <= field.limit < EMAIL_LENGTH
    if short and field.limit is not None:
        return f"CONCAT('u',{_code(field.limit - 11)},'@x.invalid')"
    return _fits(field, EMAIL_LENGTH, f"CONCAT('u',{_code(12)},'@masked.invalid')")


def _name(field: Field, _value: str) -> str:
    if field.limit is not None and field.limit < _WORD_LENGTH and not field.unique:
        return f"LEFT({_word()},{field.limit})"
    return _fits(field, _WORD_LENGTH, _word())


def _company(field: Field, _value: str) -> str:
    return _fits(field, _WORD_LENGTH + 5, f"CONCAT({_word()},' SARL')")


def _phone(field: Field, value: str) -> str:
    digits = 12 if field.limit is None else min(12, field.limit - 8)
    if digits < 4:
        return f"LEFT({_digits(12)},{field.limit})"
    return f"CONCAT(IF({value} LIKE '+%','+3319900','019900'),{_digits(digits)})"


def _digits(count: int) -> str:
    return f"LPAD(MOD({_piece(1, 15)},{10**count}),{count},'0')"


def _address(field: Field, value: str) -> str:
    name = field.name.lower()
    figures = f"IF({value} REGEXP '^[0-9]{{1,18}}$',{_as_long(value, _digits(18))},"
    if any(part in name for part in ("post", "zip", "cp", "number")):
        return f"{figures}{_as_long(value, f'UPPER({_code(12)})')})"
    street = _word() if any(part in name for part in ("city", "town", "ville")) else _street()
    if field.limit is not None and field.limit < _WORD_LENGTH + 8:
        return _name(field, value)
    return f"{figures}{street})"


def _street() -> str:
    return f"CONCAT(1+{_piece(15, 2)},' rue ',{_word()})"


def _as_long(value: str, shape: str) -> str:
    return f"LEFT({shape},CHAR_LENGTH({value}))"


def _text(field: Field, value: str) -> str:
    masked = _fits(field, 19, f"CONCAT('Masked ',{_code(12)})")
    if field.unique:
        return masked
    if field.type == "json" or (field.type == "longtext" and field.exact):  # MariaDB's JSON is a LONGTEXT with a check
        masked = f"IF(JSON_VALID({value}),'null',{masked})"
    return (
        f"CASE WHEN {value} LIKE '{{%' AND JSON_VALID({value}) THEN '{{}}'"
        f" WHEN {value} LIKE '[%' AND JSON_VALID({value}) THEN '[]'"
        f" WHEN {value} REGEXP '^[aO]:[0-9]+:' THEN {_fits(field, 6, literal('a:0:{}'))} ELSE {masked} END"
    )


def _ip(field: Field, value: str) -> str:
    groups = ",':',".join(f"SUBSTR({DIGEST},{at},4)" for at in (1, 5, 9, 13))
    long = f"CONCAT('fd00::',{groups})"
    short = f"CONCAT('10.',{_piece(1, 2)},'.',{_piece(3, 2)},'.',{_piece(5, 2)})"
    if field.type == "inet4" or (field.type != "inet6" and field.limit is not None and field.limit < 25):
        return short if field.limit is None or field.limit >= 15 or field.type == "inet4" else _code(field.limit)
    if field.unique or field.type == "inet6":
        return long
    return f"IF({value} LIKE '%:%',{long},{short})"


def _secret(field: Field, value: str) -> str:
    if field.limit is not None and field.limit < 16:
        return _code(field.limit)
    whole = f"LEFT({DIGEST},GREATEST(16,LEAST(64,CHAR_LENGTH({value}))))"
    cut = whole if field.limit is None else f"LEFT({whole},{field.limit})"
    if field.unique:
        return cut
    return f"IF({value} REGEXP '^[aO]:[0-9]+:','a:0:{{}}',{cut})"


_SHAPES: dict[str, Callable[[Field, str], str]] = {
    "email": _email,
    "name": _name,
    "phone": _phone,
    "address": _address,
    "text": _text,
    "ip": _ip,
    "company": _company,
    "secret": _secret,
}


def _number(kind: Kind, field: Field) -> str:
    if kind == "ip":
        return f"(167772160+{_piece(1, 6)})"
    digits = 9 if field.type == "int" else min(12, field.limit or 12)
    return f"MOD({_piece(1, 15)},{10**digits})"


def _bytes_mask(kind: Kind, column: str) -> str:
    """Binary columns keep their length up to 32 bytes; an IP address stays in a private range."""
    size = f"LEAST(32,LENGTH({column}))"
    shape = f"UNHEX(LEFT({DIGEST},2*{size}))"
    if kind == "ip":
        shape = f"UNHEX(IF(LENGTH({column})=4,CONCAT('0A',LEFT({DIGEST},6)),CONCAT('FD',LEFT({DIGEST},2*{size}-2))))"
    return _digested(column, shape, f"HEX({column})")


# --- e-mail addresses inside values ------------------------------------------------------------------------------

_LOCAL = r"[A-Za-z0-9._+~-]|[^\x00-\x7f]"
"""Not all that the standard allows: ``=``, ``/`` and ``&`` are far more often what stands before an address."""
_NOT_TLD = "png|jpe?g|gif|webp|svg|avif|ico|css|js|map|woff2?"
_LOCAL_PART = (
    rf"(?:{_LOCAL})(?=(?:{_LOCAL}){{0,63}}(?:@|%40)[A-Za-z0-9-]+(?:[.][A-Za-z0-9-]+)*"
    rf"[.](?!(?:{_NOT_TLD})(?![A-Za-z0-9]))[A-Za-z]{{2,}})"
)
_DOMAIN = r"(?:(?<=\x02@)|(?<=\x02%40)|\G(?!^))[A-Za-z0-9.-]"
_DOMAIN_END = r"(?<=\x03)\x03{8}(?!\x03)"
WHOLE_EMAIL = rf"^[^@[:space:]<>,;:\"']{{1,64}}@[A-Za-z0-9.-]+[.](?!(?:{_NOT_TLD})$)[A-Za-z]{{2,}}[[:space:]]*$"


def _inside(field: Field, value: str, *, settings: bool = False) -> str:
    """``value`` with its addresses overwritten; a value that *is* an address gets the mask that joins with others."""
    bare = f"CONVERT(CAST({value} AS BINARY) USING latin1)"  # one character a byte: lengths in bytes stay
    for pattern, replacement in (
        (_LOCAL_PART, "CHAR(2 USING latin1)"),
        (_DOMAIN, "CHAR(3 USING latin1)"),
        (_DOMAIN_END, "'.invalid'"),
        (r"[\x02\x03]", "'x'"),
    ):
        bare = f"REGEXP_REPLACE({bare},{literal(pattern)},{replacement})"
    overwritten = f"CONVERT(CAST({bare} AS BINARY) USING utf8mb4)"
    if field.limit is None or field.limit >= EMAIL_LENGTH:
        whole = _digested(value, _email(field, value), _normal(field, value))
        overwritten = f"IF({value} REGEXP {literal(WHOLE_EMAIL)},{whole},{overwritten})"
    without = f"IF({value} LIKE '%@%' OR {value} LIKE '%\\%40%',{overwritten},{value})"
    if settings or field.key:
        without = without_keys(value, without)
    short = field.limit is not None and field.limit <= SHORT
    return without if short else without_fields(value, without, settings=settings)


KEYS: tuple[tuple[Kind, str], ...] = (
    ("phone", r"(^|_)(phone|mobile|tel|fax)$"),
    ("name", r"(^|_)(first_?name|last_?name|nick_?name|full_?name|display_?name)$"),
    ("company", r"(billing|shipping|customer)_company$"),
    ("address", r"(billing|shipping|customer)_(address(_[0-9]|_index)?|street|city|postcode|zip)$"),
    ("ip", r"(^|_)ip(_address)?$"),
    ("text", r"(^description|user_agent|customer_note|birthday|birth_date|community-events-location)$"),
    ("secret", r"(session_tokens|application_passwords|_order_key|_transaction_id)$"),
)
"""What the keys of key-value tables (``wp_usermeta``, ``wp_postmeta``) say about the values beside them."""


SETTING_NAMES = (
    "secret|passw(or)?d|token|(api|private|access)_?key|credential|licen[cs]e|webhook|(signing|encryption)_?key|client_?id"
    "|(^|_)(key|pass|pwd|salt|signature|hash|cert(ificate)?|login|user(name)?|merchant(_?id)?|account(_?id)?)"
    "(_?(live|test|prod(uction)?|sandbox|[0-9]+))?$"
)
"""What the names of settings say when they hold a key of the shop, or the account that it opens."""
NO_SECRETS = "_(endpoint|page|page_id|enabled|title|label|text|length|strength|expiry|expiration|lifetime|version)$"
"""Settings that speak of keys and hold none: the address of the page for a lost password."""
WHOLE_SECRETS = (
    "(secret|credential|private_?key|api_?key|token|passw(or)?d|application_password|session)s?"
    "(_?(live|test|prod(uction)?|sandbox|[0-9]+))?$"
)
"""What the names of documents say when all that they hold is secret."""
PASSING = "^_(site_)?transient_"
"""What WordPress may forget at any time, and a clone does without."""
PLAIN_SETTING = "^(-?[0-9]{1,4}|yes|no|on|off|true|false)$"
"""Switches, counts and durations (``PS_PASSWD_TIME_FRONT``) stay: a shop without them behaves otherwise."""


def _keyed(field: Field, value: str, *, settings: bool) -> str:
    normal, cases = _normal(field, value), []
    inside = _inside(field, value, settings=settings)
    if settings:
        key = _key(field) if field.key else "''"
        document = f"{value} REGEXP {literal(DOCUMENT)}"
        named = f"({key} REGEXP {literal(SETTING_NAMES)} AND {key} NOT REGEXP {literal(NO_SECRETS)})"
        looks = f"{value} REGEXP {literal(KEY_AS_A_WHOLE)}"
        emptied, hashed = (_digested(value, shape(field, value), normal) for shape in (_text, _secret))
        cases += [
            f"WHEN {key} REGEXP {literal(PASSING)} THEN IF({value} IS NULL,NULL,'')",
            f"WHEN {document} AND {key} REGEXP {literal(WHOLE_SECRETS)} THEN {emptied}",
            f"WHEN {document} THEN {inside}",
            f"WHEN ({named} OR {looks}) AND {value} NOT REGEXP {literal(PLAIN_SETTING)} THEN {hashed}",
        ]
    if field.key:
        cases += [
            f"WHEN {_key(field)} REGEXP {literal(pattern)} THEN {_digested(value, _SHAPES[kind](field, value), normal)}"
            for kind, pattern in KEYS
        ]
    if field.key and field.key.lower() == "post_type":
        theirs = f"{_key(field)} REGEXP {literal(PEOPLES_POSTS)}"
        cases.append(f"WHEN {theirs} THEN {_digested(value, _text(field, value), normal)}")
    if field.key and field.people:
        own = f"{_key(field)} REGEXP {literal(OWN_KEYS)} OR {value} REGEXP {literal(PLAIN)}"
        dated = f"{_key(field)} REGEXP {literal(DATED_KEYS)} AND {value} REGEXP '^[0-9]{{1,13}}$'"
        theirs = f"NOT ({own} OR {value} REGEXP {literal(WHOLE_EMAIL)} OR ({dated})) AND {field.people}"
        cases.append(f"WHEN {theirs} THEN {_digested(value, _text(field, value), normal)}")
    return f"CASE {' '.join(cases)} ELSE {inside} END" if cases else inside


def _key(field: Field) -> str:
    return f"LOWER(CONVERT({identifier(field.key or '')} USING utf8mb4))"
