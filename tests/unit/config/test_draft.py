"""The first text of an inventory: whatever was found out, it loads, and says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.config import answers
from pipeline.config.draft import Blank, Draft, Place, Question, word
from pipeline.config.loader import load_inventory

PRODUCTION = Place(
    "https://shop.example", "deploy@web1.shop.example:2222", "/var/www/shop",
    identity="~/.ssh/key", known_hosts="shop.known_hosts", fingerprint="SHA256:x",
    settings=(("php", "/usr/bin/php8.2"),), notes=("PHP 8.2",),
    questions=(Question("Which log?", ("php_error_log: /x",)),),
)  # fmt: skip
STAGING = Place("https://staging.shop.example", "deploy@web1.shop.example:2222", "/var/www/shop-staging")
DRAFT = Draft(
    "shop", "prestashop", "PrestaShop 8.2.1", "web1", "2026-11-21", PRODUCTION, STAGING, brand="L'Été: à #1",
    journeys=(("pages", "prestashop"), ("search_term", "null")), questions=(Question("Who may approve?"),),
)  # fmt: skip


def test_the_draft_loads_and_questions_are_comments(tmp_path: Path) -> None:
    (tmp_path / "shop.yml").write_text(DRAFT.text(), "utf-8")
    found = load_inventory(tmp_path / "shop.yml")
    assert found.brand == "L'Été: à #1"
    assert found.production.php == "/usr/bin/php8.2"
    assert found.production.php_error_log is None
    assert found.journeys.search_term == "null"
    assert found.production.hosts[0].known_hosts == tmp_path / "shop.known_hosts"
    assert DRAFT.all_questions == ("Which log?", "Who may approve?")
    assert all(f"# ? {question}" in DRAFT.text() for question in DRAFT.all_questions)


def test_the_answer_to_a_question_is_one_line_away(tmp_path: Path) -> None:
    text = DRAFT.text().replace("  # php_error_log: /x", "  php_error_log: /x")
    (tmp_path / "shop.yml").write_text(text, "utf-8")
    assert load_inventory(tmp_path / "shop.yml").production.php_error_log == "/x"


DATABASE = Question(
    "Which database?",
    ("database:", "  name: x"),
    (
        Blank("staging.database.name", "Its schema", "shop_staging"),
        Blank("staging.database.user", "Its account", "shop_staging"),
        Blank("staging.database.password.file", "Its password", "~/.secret", covers="staging.database.password"),
    ),
)
OPEN = replace(
    DRAFT, staging=replace(STAGING, database=(("port", 3307),), questions=(DATABASE,)), journeys=(("pages", "demo"),)
)


def answered(folder: Path, *words: str) -> Draft:
    return OPEN.answered(answers.read(words, folder))


def test_what_is_answered_is_written_and_is_no_question_any_longer(tmp_path: Path) -> None:
    words = ["name=other", "user=other", "password.env=PASSWORD"]
    draft = answered(tmp_path, *(f"staging.database.{word}" for word in words), "packages=wordpress.org:akismet")
    assert "Which database?" not in draft.all_questions
    (tmp_path / "shop.yml").write_text(draft.text(), "utf-8")
    found = load_inventory(tmp_path / "shop.yml")
    assert found.staging.database is not None
    assert (found.staging.database.port, found.staging.database.name) == (3307, "other")
    assert found.packages == ("wordpress.org:akismet",)
    assert found.journeys.pages == "demo"


def test_half_an_answer_leaves_the_question(tmp_path: Path) -> None:
    draft = answered(tmp_path, "staging.database.name=other")
    assert "Which database?" in draft.all_questions
    assert next(str(blank) for blank in DATABASE.blanks) == "--set staging.database.name=shop_staging"


def test_an_unanswered_database_is_not_written_by_halves(tmp_path: Path) -> None:
    (tmp_path / "shop.yml").write_text(OPEN.text(), "utf-8")
    assert load_inventory(tmp_path / "shop.yml").staging.database is None


def test_an_answer_wins_over_what_was_found(tmp_path: Path) -> None:
    text = answered(tmp_path, "production.php=php7.4", "brand=Autre", "production.hosts[0].ssh=local").text()
    (tmp_path / "shop.yml").write_text(text, "utf-8")
    found = load_inventory(tmp_path / "shop.yml")
    assert (found.production.php, found.brand, found.production.hosts[0].ssh) == ("php7.4", "Autre", "local")
    assert found.production.hosts[0].identity is not None


@pytest.mark.parametrize(
    "value", ["yes", "No", "null", "~", "1.10", "a: b", "# c", "- d", "", "x ", "deploy@h:22", "/a:"]
)
def test_a_word_stays_text(value: str) -> None:
    assert YAML(typ="safe").load(f"key: {word(value)}\n")["key"] == value


@settings(deadline=None)
@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=30))
def test_any_word_stays_text(value: str) -> None:
    assert YAML(typ="safe").load(f"key: {word(value)}\n")["key"] == value


def test_what_a_shop_calls_itself_cannot_add_keys() -> None:
    text = replace(DRAFT, brand='x"\nplatform: wordpress\n#').text()
    assert YAML(typ="safe").load(text)["platform"] == "prestashop"
