"""Addresses of hosts as inventories write them."""

from __future__ import annotations

import getpass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.remote.address import Address, parse_address

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
HOSTS = NAMES | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)


@given(st.builds(Address, st.from_regex(r"[a-z_][a-z0-9_-]{0,20}", fullmatch=True), HOSTS, st.integers(1, 65535)))
def test_an_address_reads_back_as_it_was_written(address: Address) -> None:
    assert parse_address(str(address)) == address


def test_user_and_port_have_defaults() -> None:
    assert parse_address("shop.example") == Address(getpass.getuser(), "shop.example", 22)


def test_the_key_is_known_under_the_port_only_when_it_is_not_the_usual_one() -> None:
    assert parse_address("a@shop.example").key_name == "shop.example"
    assert parse_address("a@shop.example:2222").key_name == "[shop.example]:2222"
    assert parse_address("a@[2001:db8::1]:2222").key_name == "[2001:db8::1]:2222"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "-oProxyCommand=x",
        "a@-x",
        "a b@c",
        "a@b:0",
        "a@b:70000",
        "a@b:x",
        "a@b\n",
        "a@b;id",
        "a@b c",
        "a@b:22:3",
    ],
)
def test_anything_else_is_refused_with_the_form_that_is_wanted(text: str) -> None:
    with pytest.raises(ConfigError, match="user@host:port"):
        parse_address(text)
