"""Amounts as shops print them."""

from __future__ import annotations

import re
from decimal import Decimal

_AMOUNT = re.compile(r"\d(?:[\d.,'\s\u00a0\u202f\u2019]*\d)?")
_CENTS = re.compile(r"[.,](\d{1,2})$")


def amount(text: str) -> Decimal:
    """The first amount of a text, whichever of ``1,234.50`` and ``1 234,50 €`` the shop writes.

    A separator followed by one or two last digits is the decimal one; every other is a thousands separator.

    :raises ValueError: if there is no digit in it.
    """
    found = _AMOUNT.search(text)
    if found is None:
        message = f"there is no amount in {text!r}"
        raise ValueError(message)
    written = found.group()
    cents = _CENTS.search(written)
    whole = written[: cents.start()] if cents else written
    return Decimal(re.sub(r"\D", "", whole) + ("." + cents.group(1) if cents else ""))
