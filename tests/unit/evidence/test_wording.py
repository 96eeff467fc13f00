"""The report's words in both languages."""

from __future__ import annotations

import ast
import inspect
import re
import string
from pathlib import Path

import pytest

from pipeline.evidence.smoke import SUITES_FOLDER
from pipeline.evidence.wording import WORDS, sentence, step, suite_word, word
from pipeline.steps import modules, trial
from pipeline.steps.trial import BROKE_OFF


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
        (
            "checkout: order AB12 was stored with 31.50 but the screen said 30.00",
            "Achat : la commande AB12 est enregistrée à 31.50 alors que l’écran disait 30.00",
        ),
        ("own: a team's own words", "own : a team's own words"),
        ("The package has another hash.", "The package has another hash."),
    ],
)
def test_sentences_of_the_suites_are_translated_and_others_left(english: str, french: str) -> None:
    assert sentence(english, "en") == english
    assert sentence(english, "fr").replace("\u00a0", " ") == french


SAID_BY = (
    *sorted(SUITES_FOLDER.rglob("*.py")),
    Path(inspect.getfile(modules)),
    Path(inspect.getfile(trial)),
)
"""Where the sentences are written that a report shows as a reason, or as what was not checked."""


def written(node: ast.expr | None, names: dict[str, ast.expr]) -> str:
    """A message as it reads with 7 for every value; empty if it is not written there."""
    if isinstance(node, ast.Name):
        node = names.get(node.id)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)  # type: ignore[misc]
    return ""


MADE_OF_PARTS = {"7: 7", "7 but the screen said 7"}
"""Whose beginning is written elsewhere: a test of their own says what they become."""


def said_in(path: Path) -> set[str]:
    """Every sentence that a suite or an upgrade may fail with, or leave unchecked."""
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.add(written(node.msg, names))
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in {"fail", "not_checked", "AssertionError", "UpgradeFailed", "SmokeFailed"} and node.args:
                why = next((word.value for word in node.keywords if word.arg == "why"), None)
                found.add(f"{written(node.args[0], names)} {written(why, names)}".strip())
    return found - {"", *MADE_OF_PARTS}


SENTENCES = sorted({sentence_ for path in SAID_BY for sentence_ in said_in(path)})


def test_there_are_sentences_to_translate() -> None:
    assert len(SENTENCES) > 60


@pytest.mark.parametrize("english", SENTENCES)
def test_every_sentence_that_may_be_a_reason_has_a_french_one(english: str) -> None:
    """A new sentence needs its French in pipeline/evidence/french.py."""
    assert sentence(english, "fr") != english
    if not english[0].isupper():
        assert sentence(f"checkout: {english}", "fr").startswith("Achat")
        assert english not in sentence(f"checkout: {english}", "fr")


def test_what_is_quoted_of_a_program_stays_in_its_own_words() -> None:
    told = sentence("The platform's upgrade failed. SQLSTATE[42S21]: Duplicate column", "fr")
    assert told == "La mise à jour par la plateforme a échoué. SQLSTATE[42S21]: Duplicate column"
    logged = f"{BROKE_OFF}: Fatal error: Uncaught Error: x in /srv/a.php:4 (2 times)"
    assert sentence(logged, "fr").replace("\u00a0", " ") == (
        "PHP s’est arrêté sur une erreur pendant les parcours, ce qui n’arrivait pas avant la mise à jour : "
        "Fatal error: Uncaught Error: x in /srv/a.php:4 (2 fois)"
    )


SAME_IN_BOTH = {"colon", "module", "version", "table", "schema", "commit", "page"}


@pytest.mark.parametrize("key", sorted(set(WORDS) - SAME_IN_BOTH))
def test_every_word_of_the_report_is_in_french(key: str) -> None:
    english, french = WORDS[key]
    assert english != french


def test_a_team_s_own_suite_keeps_its_name() -> None:
    assert suite_word("loyalty", "fr") == "loyalty"


def test_every_step_of_the_suites_has_a_french_name() -> None:
    texts = [path.read_text("utf-8") for path in SUITES_FOLDER.glob("test_*.py")]
    steps = {name for text in texts for name in re.findall(r'journey\.step\("([^"]+)"\)', text)}
    assert steps
    assert all(step(name, "fr") != name for name in steps)
