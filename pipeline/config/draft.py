"""The first text of an inventory: what was found out about a shop, and as comments what was not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    """Something that could not be found out: a sentence, and the lines that would answer it."""

    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """One environment as it is to be written. ``settings`` are the keys beyond the usual, ``notes`` what was seen."""

    url: str
    ssh: str
    root: str
    identity: str = ""
    known_hosts: str = ""
    fingerprint: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    database: tuple[tuple[str, str], ...] = ()
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
    journeys: tuple[tuple[str, str], ...] = ()
    questions: tuple[Question, ...] = field(default=())

    @property
    def all_questions(self) -> tuple[str, ...]:
        """Every question, without the lines that answer it."""
        asked = (*self.production.questions, *self.staging.questions, *self.questions)
        return tuple(question.text for question in asked)

    def text(self) -> str:
        """The YAML, with comments."""
        return "\n".join(_lines(self)) + "\n"


def word(value: str) -> str:
    """A YAML scalar: bare where it is plainly text, else in JSON's quotes, which are YAML's too."""
    if re.fullmatch(r"[A-Za-z/~](?:[A-Za-z0-9_./@~:-]*[A-Za-z0-9_/])?", value) and not re.fullmatch(
        r"(?i)y|n|yes|no|on|off|true|false|null|~", value
    ):
        return value
    return json.dumps(value, ensure_ascii=False)


def _lines(draft: Draft) -> Iterable[str]:
    yield f"# {draft.shop}, as `palier init` found it on {draft.date} at {draft.told_by}. Nothing was changed there."
    yield '# Lines with "# ?" are questions that it could not answer. Every key is described in docs/reference.md.'
    yield f"shop: {draft.shop}"
    yield from (f"{key}: {word(value)}" for key, value in (("brand", draft.brand), ("contact", draft.contact)) if value)
    yield f"platform: {draft.platform}   # {draft.shown_platform}"
    for role, place in (("production", draft.production), ("staging", draft.staging)):
        yield ""
        yield f"{role}:"
        yield from (f"  {line}".rstrip() for line in _place(place))
    if draft.journeys:
        yield ""
        yield "# What the smoke suites need to know."
        yield "journeys:"
        yield from (f"  {key}: {word(value)}" for key, value in draft.journeys)
    for question in draft.questions:
        yield ""
        yield from _question(question)


def _place(place: Place) -> Iterable[str]:
    yield from (f"# {note}" for note in place.notes)
    yield f"url: {word(place.url)}"
    yield "hosts:"
    yield f"  - ssh: {word(place.ssh)}"
    if place.identity:
        yield f"    identity: {word(place.identity)}"
    if place.known_hosts:
        accepted = f"   # {place.fingerprint}" if place.fingerprint else ""
        yield f"    known_hosts: {word(place.known_hosts)}{accepted}"
    yield f"root: {word(place.root)}"
    yield from (f"{key}: {word(value)}" for key, value in place.settings)
    if place.database:
        yield "database:"
        yield from (f"  {key}: {value}" for key, value in place.database)
    for question in place.questions:
        yield from _question(question)


def _question(question: Question) -> Sequence[str]:
    return [f"# ? {question.text}", *(f"# {line}" for line in question.lines)]
