"""A journey through the shop: the browser as a visitor uses it, watched for all that a visitor would not report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, Response
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from smoke_tests.record import Record, Step, Visit, first_line
from smoke_tests.shop import Shop

ACTION = 10_000
NAVIGATION = 15_000
"""Milliseconds that an element, and a page, are waited for."""

OBSERVE = """
(() => {
  const seen = window.__journey = {lcp: null, cls: 0};
  const watch = (type, each) => {
    const observer = new PerformanceObserver(list => list.getEntries().forEach(each));
    try { observer.observe({type, buffered: true}); } catch (e) {}
  };
  watch('largest-contentful-paint', entry => { seen.lcp = entry.startTime; });
  watch('layout-shift', entry => { if (!entry.hadRecentInput) seen.cls += entry.value; });
})()
"""
TIMINGS = ("ttfb", "load", "lcp", "cls")
_STATE = """
() => {
  const navigation = performance.getEntriesByType('navigation')[0] || {};
  const seen = window.__journey || {lcp: null, cls: null};
  return {
    text: document.body ? document.body.innerText : '',
    ttfb: navigation.responseStart ?? null, load: navigation.loadEventStart || navigation.domComplete || null,
    lcp: seen.lcp, cls: seen.cls,
  };
}
"""
_ERROR_TEXT = re.compile(
    r"\b(?:Fatal|Parse) error\b.{0,200}"
    r"|\b(?:Warning|Notice|Deprecated): .{1,400}? on line \d+"
    r"|There has been a critical error.{0,80}"
    r"|Il y a eu une erreur critique.{0,80}",
    re.DOTALL,
)


class JourneyFailed(AssertionError):
    """The shop did not do what a visitor expects; the message is one sentence for people."""


def error_text(page_text: str) -> str | None:
    """What PHP or the platform says on the page itself instead of failing; ``None`` if it says nothing."""
    found = _ERROR_TEXT.search(page_text)
    return first_line(" ".join(found.group().split())) if found else None


@dataclass(frozen=True)
class _Document:
    url: str
    status: int

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


class Journey:
    """One visitor in one browser context. Each page is inspected when reached: a fault is named where it began."""

    def __init__(self, page: Page, shop: Shop, record: Record, folder: Path, *, on_a_phone: bool = False) -> None:
        self.page = page
        self.shop = shop
        self.on_a_phone = on_a_phone
        self.record = record
        self._folder = folder
        self._document: _Document | None = None
        self._problems: list[str] = []
        self._requests_before = self._errors_before = 0
        page.set_default_timeout(ACTION)
        page.set_default_navigation_timeout(NAVIGATION)
        page.on("response", self._on_response)
        page.on("requestfailed", self._on_request_failed)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._console_error(f"uncaught: {first_line(str(error))}"))

    # What is done.

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A named part of the journey, timed; a screenshot is taken at its end."""
        step = Step(name)
        self.record.steps.append(step)
        began = time.monotonic()
        try:
            yield
            step.done = True
        finally:
            step.seconds = round(time.monotonic() - began, 3)
        self.screenshot(name)

    def visit(self, path: str) -> None:
        """Open a path of the shop and inspect the page."""
        url = self.address(path)
        self._navigate(lambda: self.page.goto(url), urlsplit(url).path)

    def address(self, path: str) -> str:
        """The whole address of a path of the shop."""
        return urljoin(self.shop.base_url.rstrip("/") + "/", path.lstrip("/"))

    def follow(self, locator: Locator, name: str) -> None:
        """Press something that leads to another page, and inspect that page."""

        self.submit(lambda: self.press(locator, name), name)

    def submit(self, action: Callable[[], None], name: str) -> None:
        """Do something that leads to another page, and inspect that page."""

        def lead_on() -> None:
            with self.page.expect_navigation():
                action()

        self._navigate(lead_on, f"behind “{name}”")

    def press(self, locator: Locator, name: str) -> None:
        """Press something."""
        self.act(locator.click, name)

    def act(self, action: Callable[[], object], name: str) -> None:
        """Do one thing to the element called ``name``, and say so plainly if it is not there."""
        try:
            action()
        except PlaywrightTimeout as error:
            self.fail(f"“{name}” was not there or could not be used on {self.path} within {ACTION // 1000} s", error)

    def fail(self, sentence: str, cause: BaseException | None = None) -> NoReturn:
        """:raises JourneyFailed: always."""
        raise JourneyFailed(sentence) from cause

    # What is seen.

    @property
    def path(self) -> str:
        """Where the visitor is."""
        return urlsplit(self.page.url).path or self.page.url

    def inspect(self) -> None:
        """Fail if the page did not answer well, or says an error in its text; keep its timings."""
        document = self._reached()
        path = document.path if document else self.path
        status = document.status if document else 0
        state = self.page.evaluate(_STATE)
        seen = {key: None if state[key] is None else round(float(state[key]), 4) for key in TIMINGS}
        self.record.visits.append(Visit(path, status, **seen))
        if status >= 400:
            self.fail(f"the page {path} answered {status}")
        text = error_text(cast("str", state["text"]))
        if text is not None:
            self.fail(f"the page {path} shows an error: {text}")

    def settle(self) -> None:
        """Fail if something of the shop's own failed behind the pages, though the pages looked well."""
        if not self.page.is_closed():
            with suppress(Error):  # a page that is just leaving; what it has reported is known already
                self.page.evaluate("0")
        if self._problems:
            self.fail(self._problems[0])

    def console_errors(self) -> tuple[str, ...]:
        """Errors of the current page's own scripts, without those that the shop is known for."""
        return self._unknown(self.record.console_errors[self._errors_before :])

    def missing_parts(self) -> tuple[str, ...]:
        """Images, styles and scripts of the shop's own that the current page lacks, without those that are known."""
        asked = self.record.failed_requests[self._requests_before :]
        return self._unknown(text for text in asked if re.match(r"\d{3} /", text))

    def _unknown(self, texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(text for text in texts if not any(part in text for part in self.shop.known_faults))

    def broken_images(self) -> tuple[str, ...]:
        """Addresses of images of the current page that were asked for and did not load."""
        script = "() => [...document.images].filter(i => i.complete && i.currentSrc && !i.naturalWidth).map(i => i.src)"
        return tuple(self.page.evaluate(script))

    def require_whole_page(self, *, foreign_images: bool = True) -> None:
        """Fail if the current page lacks a part of its own, or reports an error in the console.

        :param foreign_images: whether images of other hosts count. Modules bring such: PrestaShop 8.2's own
            reassurance block asks a host called "modules" for its icons on a shop that was installed by command line.
        """
        path = self.path
        if broken := [image for image in self.broken_images() if foreign_images or self._own(image)]:
            self.fail(f"{len(broken)} images of {path} did not load, the first is {broken[0]}")
        self.settle()
        if missing := self.missing_parts():
            self.fail(f"the page {path} lacks a part of its own: {missing[0]}")
        if errors := self.console_errors():
            self.fail(f"the page {path} reports an error in the browser's console: {errors[0]}")

    # What is kept.

    def screenshot(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of the page under a readable name."""
        if self.page.is_closed():
            return
        label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "page"
        path = self._folder / f"{len(self.record.screenshots) + 1:02d}-{label}.png"
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(Error):  # evidence only: a picture that cannot be taken fails nothing
            self.page.screenshot(path=path, full_page=whole, animations="disabled", timeout=5_000)
            self.record.screenshots.append(path.name)

    def picture_failure(self) -> None:
        """Keep a picture of what is wrong: of the error in the page's text, if there is one, else of the page's top."""
        if self.page.is_closed():
            return
        with suppress(Error):  # evidence only, as above
            error = self.page.get_by_text(_ERROR_TEXT).last
            if error.count():
                error.evaluate("element => element.scrollIntoView({block: 'center'})")
        self.screenshot("failure")

    def not_checked(self, what: str) -> None:
        """Say that something was left unchecked; it is shown in the summary and never counts as checked."""
        self.record.not_checked.append(what)

    # How pages are watched.

    def _navigate(self, action: Callable[[], object], where: str) -> None:
        self._document = None
        self._requests_before, self._errors_before = len(self.record.failed_requests), len(self.record.console_errors)
        try:
            action()
        except PlaywrightTimeout as error:
            reached = self._reached()
            if reached is not None and reached.status >= 400:
                self.fail(f"the page {reached.path} answered {reached.status}", error)
            self.fail(f"the page {where} did not load within {NAVIGATION // 1000} s", error)
        except Error as error:
            reason = re.search(r"net::(ERR_[A-Z_]+)", error.message)
            why = reason.group(1) if reason else first_line(error.message)
            self.fail(f"the page {where} did not answer ({why})", error)
        self.inspect()

    def _reached(self) -> _Document | None:
        """The last document that answered since the navigation began; set by the browser's events."""
        return self._document

    def _own(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" == self.shop.origin

    def _on_response(self, response: Response) -> None:
        request = response.request
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self._document = _Document(response.url, response.status)
        elif response.status >= 400:
            path = urlsplit(response.url).path
            self.record.failed_requests.append(f"{response.status} {path if self._own(response.url) else response.url}")
            if response.status >= 500 and self._own(response.url):
                self._problems.append(f"{path}, which the page {self.path} needs, answered {response.status}")

    def _on_request_failed(self, request: Request) -> None:
        if request.failure and "ERR_ABORTED" not in request.failure:
            self.record.failed_requests.append(f"{request.failure} {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        source = str(message.location.get("url", ""))
        refused = message.text.startswith("Failed to load resource")  # kept as a failed request
        if message.type == "error" and not refused and (not source or self._own(source)):
            self._console_error(first_line(message.text) + (f" ({urlsplit(source).path})" if source else ""))

    def _console_error(self, text: str) -> None:
        self.record.console_errors.append(text)
