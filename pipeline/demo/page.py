"""Reading the demo shop's pages the way its visitors do: forms, links and texts found by their ``data-testid``."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"img", "input", "link", "meta", "br", "hr", "source", "wbr", "area", "base", "col", "embed", "track"})


@dataclass
class Element:
    """One element that has a ``data-testid``: its attributes and the text inside."""

    testid: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Form:
    """One form: where it is sent, and what its hidden fields hold."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A parsed page. Tolerant of everything but missing elements, about which it says what was missing."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.forms: list[Form] = []
        self._open: list[Element | None] = []
        self.feed(html)
        self.close()

    def all(self, testid: str) -> list[Element]:
        return [element for element in self.elements if element.testid == testid]

    def one(self, testid: str) -> Element:
        """The first element of that name. :raises LookupError: if there is none."""
        for element in self.elements:
            if element.testid == testid:
                return element
        raise LookupError(f'the page has no element "{testid}"')

    def form_with(self, name: str) -> Form:
        """The first form with a hidden field of that name. :raises LookupError: if there is none."""
        for form in self.forms:
            if name in form.hidden:
                return form
        raise LookupError(f'the page has no form with a field "{name}"')

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        testid = attributes.get("data-testid")
        element = Element(testid, attributes) if testid else None
        if element:
            self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)
        if tag == "form":
            self.forms.append(Form(attributes.get("action", "")))
        elif tag == "input" and attributes.get("type") == "hidden" and self.forms:
            self.forms[-1].hidden[attributes.get("name", "")] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            if element:
                element.text += data
