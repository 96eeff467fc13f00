"""How people are asked at a terminal."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from pipeline.cli.init import _answer
from pipeline.config import answers
from pipeline.config.draft import Blank, Question

PORT = Blank("staging.mail_port", "A free port", "2525")
TERM = Blank("journeys.search_term", "A word", example="mug")


def asked(blank: Blank, typed: str) -> tuple[answers.Answers, str]:
    found: list[answers.Answers] = []

    @click.command()
    def once() -> None:
        question = Question("What is open?", blanks=(blank,))
        found.append(_answer(question, blank, lambda text: answers.read([f"{blank.key}={text}"], Path("/team"))))

    result = CliRunner().invoke(once, input=typed)
    assert result.exception is None, result.output
    return found[0], result.output


def test_enter_takes_what_is_proposed() -> None:
    found, said = asked(PORT, "\n")
    assert found == {("staging", "mail_port"): 2525}
    assert "What is open?" in said
    assert "A free port [2525]:" in said


def test_enter_leaves_open_what_nobody_can_guess() -> None:
    found, said = asked(TERM, "\n")
    assert found == {}
    assert "A word (such as mug; Enter leaves it open):" in said


def test_an_answer_that_cannot_be_is_said_and_asked_again() -> None:
    found, said = asked(PORT, "many\n2600\n")
    assert found == {("staging", "mail_port"): 2600}
    assert "staging.mail_port: must be a whole number" in said
