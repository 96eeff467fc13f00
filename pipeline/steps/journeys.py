"""What the smoke suites need to know of a shop, as far as its files and its database told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.config.draft import Blank, Question
from pipeline.platforms import recognition
from pipeline.platforms.recognition import Facts

KNOWN_THEMES = {"prestashop": {"classic": "prestashop", "hummingbird": "hummingbird"}}
"""Themes that page objects were written for, and their names; WooCommerce's parts look alike in all."""

PAGES = {
    "cart": ("cart-path", "cart"),
    "account": ("account-path", "my-account"),
    "contact_page": ("contact-path", "contact"),
}
"""What was asked of the database → the page objects' name of the address, and the usual last part of it."""


@dataclass(frozen=True)
class Told:
    """Keys of ``journeys``, what was seen, and what is left to ask."""

    settings: tuple[tuple[str, object], ...]
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def told(facts: Facts, said: Mapping[str, str]) -> Told:
    """From what the database said to what is written and asked."""
    pages = KNOWN_THEMES.get(facts.platform or "", {}).get(said.get("theme", ""), facts.platform or "")
    if facts.has("wp-content/plugins/palier-shop"):
        pages = "demo"
    number, name = recognition.numbered(said.get("goods", ""))
    settings: list[tuple[str, object]] = [("pages", pages)]
    notes, questions = [], []
    term = recognition.search_term(name or said.get("product", ""), said.get("words", ""))
    if term:
        settings.append(("search_term", term))
    else:
        blank = Blank("journeys.search_term", "A word that a search must find a product by", example="mug")
        text = "Which word must a search find a product by?"
        questions.append(Question(text, ("journeys:", "  search_term:"), (blank,)))
    if number:
        settings.append(("product_path", _product(facts, number)))
        notes.append(f"Bought is product {number}, {name}: simple, and in stock.")
    elif facts.platform in recognition.OFFLINE:
        notes.append("No simple product in stock was found: the first one of the home page is bought.")
    selectors = _selectors(said)
    if selectors:
        settings.append(("selectors", selectors))
    if "contact_page" in said and not said["contact_page"]:
        blank = Blank("journeys.selectors.contact-path", "The page with the contact form", example="/contact/")
        text = "Which page has the contact form? None was found: leave the suite contact out of playbooks, or say:"
        questions.append(Question(text, ("journeys:", "  selectors: {contact-path: /contact/}"), (blank,)))
    notes += _theme(facts, said)
    questions += _payment(facts, said, notes)
    return Told(tuple(settings), tuple(notes), tuple(questions))


def _product(facts: Facts, number: str) -> str:
    """The address that leads to a product whatever the shop's addresses look like."""
    if facts.platform == "prestashop":
        return f"/index.php?controller=product&id_product={number}"
    return f"/?post_type=product&p={number}"


def _selectors(said: Mapping[str, str]) -> dict[str, str]:
    """Pages whose address is not the usual one: a shop in another language has others."""
    found = {}
    for asked, (name, usual) in PAGES.items():
        number, slug = recognition.numbered(said.get(asked, ""))
        if number and slug != usual:
            found[name] = f"/?page_id={number}"
    return found


def _theme(facts: Facts, said: Mapping[str, str]) -> list[str]:
    known, theme = KNOWN_THEMES.get(facts.platform or "", {}), said.get("theme", "")
    if not known or not theme or theme in known:
        return []
    written_for = ", ".join(sorted(known))
    how = "Where a page differs, journeys.selectors says how: docs/journeys.md"
    return [f"The theme is {theme}; the pages were written for {written_for}. {how}"]


def _payment(facts: Facts, said: Mapping[str, str], notes: list[str]) -> list[Question]:
    known = recognition.OFFLINE.get(facts.platform or "")
    if known is None or "offline" not in said:
        return []
    on = said["offline"].split()
    if on:
        notes.append(f"Payments that need nobody outside: {', '.join(on)}.")
        return []
    blank = Blank("journeys.payment", "A payment that needs nobody outside", example=known[0])
    text = f"Which payment needs nobody outside? None of {', '.join(known)} is on: test visitors cannot buy."
    return [Question(text, ("journeys:", "  payment:"), (blank,))]
