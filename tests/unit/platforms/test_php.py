"""Which PHP runs the shop's own commands."""

from __future__ import annotations

import pytest

from pipeline.platforms import php
from pipeline.platforms.php import Range
from pipeline.platforms.recognition import Facts

HOST = {"php": "8.2.1", "php8.4": "8.4.1", "php8.1": "8.1.30", "php7.4": "7.4.33", "php7.2": "7.2.34"}


def shop(**told: str) -> Facts:
    return Facts({key: (value,) for key, value in told.items()})


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("9.0.2", "PHP 8.1 to 8.4"),
        ("8.2.1", "PHP 7.2 to 8.1"),
        ("8.0.0", "PHP 7.2 to 8.1"),
        ("1.7.8.11", "PHP 7.1 to 7.4"),
        ("1.7.6.9", "PHP 5.6 to 7.2"),
        ("1.5.0", "any PHP"),
    ],
)
def test_what_prestashop_states(version: str, wanted: str) -> None:
    assert str(php.stated(shop(prestashop=version))) == wanted


def test_wordpress_and_its_shop_state_the_lowest_alone() -> None:
    told = Facts({"wordpress": ("6.8",), "requires_php": ("7.2.24", "7.4")})
    assert str(php.stated(told)) == "PHP 7.4 or later"


@pytest.mark.parametrize(
    ("web", "wanted", "program"),
    [
        ("7.4", Range("7.1", "7.4"), "php7.4"),
        ("8.2", Range("7.2", "8.1"), "php"),  # what customers meet is what the shop is known to work on
        ("", Range("7.2", "8.1"), "php8.1"),
        ("", Range("7.1", "7.4"), "php7.4"),
        ("", Range("7.4"), "php"),
        ("", Range(), "php"),
        ("8.3", Range("5.4", "5.6"), "php"),
    ],
)
def test_the_program_is_that_of_the_web_server_or_one_that_is_stated(web: str, wanted: Range, program: str) -> None:
    assert php.choose(HOST, web, wanted) == program


def test_without_php_none_is_chosen() -> None:
    assert php.choose({}, "8.1", Range()) == ""


def test_programs_that_do_not_run_are_left_out() -> None:
    assert php.programs(Facts({"php": ("php8.2 8.2.1", "php7.4 ", "/opt/php")})) == {"php8.2": "8.2.1"}


@pytest.mark.parametrize(
    ("running", "version"),
    [((), ""), (("8.2",), "8.2"), (("7.4", "8.1"), "7.4"), (("7.2", "7.4"), ""), (("8.0", "8.1"), "")],
)
def test_of_several_that_the_web_server_runs_the_stated_one_counts(running: tuple[str, ...], version: str) -> None:
    assert php.served(Facts({"prestashop": ("1.7.8.2",), "web_php": running})) == version
