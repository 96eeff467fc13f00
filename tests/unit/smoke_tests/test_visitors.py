"""Addresses of test visitors: every one that is made is recognised, and nobody else's is."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_tests.visitors import VisitorAddresses

LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-_+", min_size=1, max_size=30)
DOMAIN = st.from_regex(r"[a-z0-9-]{1,12}(\.[a-z0-9-]{1,12}){1,3}", fullmatch=True)


@given(LOCAL, DOMAIN)
def test_every_address_that_is_made_is_recognised(local: str, domain: str) -> None:
    addresses = VisitorAddresses(f"{local}@{domain}")
    made = list(islice(addresses.of_one_run(), 3))
    assert all(map(addresses.fits, made))
    assert len(set(made)) == 3


@pytest.mark.parametrize(
    "address",
    [
        "palier-test@example.com",
        "palier-test+marie@example.com",
        "palier-test+1a2b3c4d@example.com",
        "palier-test+1a2b3c4d-0@example.com",
        "palier-test+1A2B3C4D-1@example.com",
        "palier-test+1a2b3c4d-1@example.com.br",
        "palier-test+1a2b3c4d-1@exampleXcom",
        "palier-test+1a2b3c4d-1@example.com\n",
        "my-palier-test+1a2b3c4d-1@example.com",
        "palierXtest+1a2b3c4d-1@example.com",
        "",
    ],
)
def test_somebody_else_s_address_is_not(address: str) -> None:
    assert not VisitorAddresses("palier-test@example.com").fits(address)


@pytest.mark.parametrize("base", ["", "test", "@example.com", "a@b", "%@example.com", "a b@example.com", "a@b@c.d e"])
def test_what_nobody_could_be_recognised_by_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        VisitorAddresses(base)
