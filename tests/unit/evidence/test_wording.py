"""The report's words in both languages."""

from __future__ import annotations

import re
import string

import pytest

from pipeline.evidence.smoke import SUITES_FOLDER
from pipeline.evidence.wording import WORDS, sentence, step, suite_word, word


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_take_the_same_values(key: str) -> None:
    english, french = WORDS[key]
    assert fields(english) == fields(french)


def test_one_has_a_form_of_its_own() -> None:
    assert word("tried", "en", n=1) == "1 update was tried"
    assert word("tried", "en", n=2) == "2 updates were tried"


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("checkout: the page /checkout/ answered 500", "Achat : la page /checkout/ a répondu 500"),
        (
            "checkout: 2 orders were stored where exactly 1 was expected",
            "Achat : 2 commandes enregistrées alors qu’une seule était attendue",
        ),
        (
            "search: the page /search/ answered 500 (doubtful: it passed when tried again)",
            "Recherche : la page /search/ a répondu 500 (douteux : réussi au second essai)",
        ),
        (
            "home: no product is shown on / (and 2 more)",
            "Page d’accueil : aucun produit n’est affiché sur / (et 2 autres)",
        ),
        ("own: a team's own words", "own : a team's own words"),
        ("The package has another hash.", "The package has another hash."),
    ],
)
def test_sentences_of_the_suites_are_translated_and_others_left(english: str, french: str) -> None:
    assert sentence(english, "en") == english
    assert sentence(english, "fr").replace("\u00a0", " ") == french


def test_a_team_s_own_suite_keeps_its_name() -> None:
    assert suite_word("loyalty", "fr") == "loyalty"


def test_every_step_of_the_suites_has_a_french_name() -> None:
    texts = [path.read_text("utf-8") for path in SUITES_FOLDER.glob("test_*.py")]
    steps = {name for text in texts for name in re.findall(r'journey\.step\("([^"]+)"\)', text)}
    assert steps
    assert all(step(name, "fr") != name for name in steps)
