"""The first text of an inventory: what was found out about a shop, what was answered, and as comments what was not."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.config import answers as answered
from pipeline.config.answers import Answers
from pipeline.config.document import Location


@dataclass(frozen=True)
class Blank:
    """A key that a question leaves open: what to ask people for, and what is likely."""

    key: str
    asks: str
    proposal: str = ""
    example: str = ""
    """What an answer looks like where nothing is likely."""
    covers: str = ""
    """The key that settles it however it is given, where that is not the same."""

    def settled(self, answers: Answers) -> bool:
        return answered.given(answers, self.covers or self.key)

    def __str__(self) -> str:
        """How it is answered on the command line."""
        return f"--set {shlex.quote(f'{self.key}={self.proposal or self.example}')}"


@dataclass(frozen=True)
class Question:
    """Something that could not be found out: a sentence, the lines that would answer it, and the keys in them."""

    text: str
    lines: tuple[str, ...] = ()
    blanks: tuple[Blank, ...] = ()


@dataclass(frozen=True)
class Place:
    """One environment as it is to be written. ``settings`` are the keys beyond the usual, ``notes`` what was seen."""

    url: str
    ssh: str
    root: str
    identity: str = ""
    known_hosts: str = ""
    fingerprint: str = ""
    settings: tuple[tuple[str, str | int], ...] = ()
    database: tuple[tuple[str, str | int], ...] = ()
    """Where it is, as far as that is known. It is written once its name is answered."""
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A whole inventory as it is to be written."""

    shop: str
    platform: str
    shown_platform: str
    told_by: str
    date: str
    production: Place
    staging: Place
    brand: str = ""
    contact: str = ""
    journeys: tuple[tuple[str, Any], ...] = ()
    journey_notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = field(default=())
    answers: Answers = field(default_factory=dict)

    @property
    def asked(self) -> tuple[Question, ...]:
        """Every question that is still open."""
        return (*self.production.questions, *self.staging.questions, *self.questions)

    @property
    def all_questions(self) -> tuple[str, ...]:
        """Every open question, without the lines that answer it."""
        return tuple(question.text for question in self.asked)

    def answered(self, answers: Answers) -> Draft:
        """The same with ``answers``; what they answer is no question any longer."""
        found = {**self.answers, **answers}

        def place(of: Place) -> Place:
            return replace(of, questions=_open(of.questions, found))

        return replace(
            self,
            answers=found,
            production=place(self.production),
            staging=place(self.staging),
            questions=_open(self.questions, found),
        )

    def data(self) -> dict[str, Any]:
        """The inventory as a table of keys.

        :raises ConfigError: if an answer has no place in it.
        """
        head = {"brand": self.brand, "contact": self.contact}
        found: dict[str, Any] = {
            "shop": self.shop,
            **{key: value for key, value in head.items() if value},
            "platform": self.platform,
            "production": _data(self.production, self.answers, "production"),
            "staging": _data(self.staging, self.answers, "staging"),
            **({"journeys": dict(self.journeys)} if self.journeys else {}),
        }
        return answered.merged(found, self.answers)

    def text(self) -> str:
        """The YAML, with comments."""
        return "\n".join(_lines(self)) + "\n"


def _open(questions: Sequence[Question], answers: Answers) -> tuple[Question, ...]:
    return tuple(
        each for each in questions if not each.blanks or not all(blank.settled(answers) for blank in each.blanks)
    )


def _data(place: Place, answers: Answers, role: str) -> dict[str, Any]:
    host = {"ssh": place.ssh, "identity": place.identity, "known_hosts": place.known_hosts}
    asked = answered.given(answers, f"{role}.database")
    return {
        "url": place.url,
        "hosts": [{key: value for key, value in host.items() if value}],
        "root": place.root,
        **dict(place.settings),
        **({"database": dict(place.database)} if place.database and asked else {}),
    }


def word(value: str | int) -> str:
    """A YAML scalar: bare where it is plainly text or a number, else in JSON's quotes, which are YAML's too."""
    if isinstance(value, str) and (
        re.fullmatch(r"[A-Za-z/~](?:[A-Za-z0-9_./@~:-]*[A-Za-z0-9_/])?", value)
        and not re.fullmatch(r"(?i)y|n|yes|no|on|off|true|false|null|~", value)
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


def _lines(draft: Draft) -> Iterator[str]:
    data = draft.data()
    remarks: dict[Location, str] = {
        ("platform",): draft.shown_platform,
        ("production", "hosts", 0, "known_hosts"): draft.production.fingerprint,
        ("staging", "hosts", 0, "known_hosts"): draft.staging.fingerprint,
    }
    yield f"# {draft.shop}, as `palier init` found it on {draft.date} at {draft.told_by}. Nothing was changed there."
    if draft.asked:
        yield '# Lines with "# ?" are questions that it could not answer. Every key is described in docs/reference.md.'
    yield from _table({key: each for key, each in data.items() if not isinstance(each, (dict, list))}, remarks)
    for role, place in (("production", draft.production), ("staging", draft.staging)):
        yield ""
        yield f"{role}:"
        yield from (f"  # {note}" for note in place.notes)
        yield from (f"  {line}" for line in _table(data[role], remarks, (role,)))
        for question in place.questions:
            yield from (f"  {line}".rstrip() for line in _question(question))
    for key, value in data.items():
        if isinstance(value, (dict, list)) and key not in {"production", "staging"}:
            yield ""
            if key == "journeys":
                yield "# What the smoke suites need to know."
                yield from (f"# {note}" for note in draft.journey_notes)
            yield from _table({key: value}, remarks)
    for question in draft.questions:
        yield ""
        yield from _question(question)


def _table(data: Mapping[str, Any], remarks: Mapping[Location, str], at: Location = ()) -> Iterator[str]:
    for key, value in data.items():
        here, remark = (*at, key), remarks.get((*at, key), "")
        if isinstance(value, Mapping) and value:
            yield f"{word(key)}:"
            yield from (f"  {line}" for line in _table(value, remarks, here))
        elif isinstance(value, list) and value:
            yield f"{word(key)}:"
            for index, item in enumerate(value):
                inner = (
                    list(_table(item, remarks, (*here, index))) if isinstance(item, Mapping) and item else [_flow(item)]
                )
                yield from (f"  {'  ' if line_no else '- '}{line}" for line_no, line in enumerate(inner))
        else:
            yield f"{word(key)}: {_flow(value)}" + (f"   # {remark}" if remark else "")


def _flow(value: Any) -> str:
    return word(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _question(question: Question) -> Sequence[str]:
    return [f"# ? {question.text}", *(f"# {line}" for line in question.lines)]
