"""Amounts as shops print them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_tests.money import amount

CENTS = st.integers(0, 10**9)


@given(
    CENTS,
    st.sampled_from([(",", "."), (".", ","), ("\u202f", ","), ("\u00a0", ","), (" ", "."), ("'", "."), ("", ".")]),
)
def test_whatever_way_it_is_printed_the_amount_is_read_back(cents: int, separators: tuple[str, str]) -> None:
    thousands, point = separators
    whole = f"{cents // 100:,}".replace(",", thousands)
    assert amount(f"Total: {whole}{point}{cents % 100:02d} €") == Decimal(cents) / 100


@pytest.mark.parametrize(
    ("text", "read"), [("1,234", 1234), ("€ 7", 7), ("12,5 €", Decimal("12.5")), ("from 3.00 to 4", 3)]
)
def test_forms_without_cents(text: str, read: Decimal) -> None:
    assert amount(text) == read


def test_a_text_without_an_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="no amount in 'free'"):
        amount("free")
