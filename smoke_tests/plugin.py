"""Options, fixtures and evidence of the smoke suites. Loaded by ``conftest.py``, or with ``-p smoke_tests.plugin``."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright

from smoke_tests import chromium, pages
from smoke_tests.journey import OBSERVE, Journey
from smoke_tests.mailbox import Mailbox
from smoke_tests.pages.base import Pages, Visitor
from smoke_tests.record import RECORD_FILE, Record, scrub_folder, scrub_zip, sentence
from smoke_tests.shop import MODES, Shop, read_shop, shop_of
from smoke_tests.shopdata import Backstage
from smoke_tests.visitors import VisitorAddresses

SHOP = pytest.StashKey[Shop]()
EVIDENCE = pytest.StashKey[Path]()
RECORDS = pytest.StashKey[list[Record]]()
RECORD = pytest.StashKey[Record]()
JOURNEY = pytest.StashKey[Journey]()
POLL = 0.02
ORPHANED = 4.0
"""Seconds that suites have to close their browser once whoever prepared them is gone."""
WINDOW = {"width": 1280, "height": 800}
PHONE = "Pixel 7"
"""Of Playwright's own list: a small touch screen, and a browser that says it is a phone's."""
DESKTOP, MOBILE = "desktop", "mobile"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("smoke", "smoke suites of a shop")
    group.addoption("--shop", type=Path, metavar="FILE", help="the shop, as a JSON file of mode 0600")
    group.addoption("--forget-shop", action="store_true", help="delete the file of --shop as soon as it is read")
    group.addoption(
        "--mode",
        choices=MODES,
        help="staging: really buy and send; production: leave no trace (default); production-order: buy, send nothing",
    )
    group.addoption("--pages", metavar="NAME", help="page objects: a module of smoke_tests/pages (default: demo)")
    group.addoption("--search-term", metavar="TERM", help="a search that must find a product")
    group.addoption("--product-path", metavar="PATH", help="path of a product that can be bought")
    group.addoption("--category-path", metavar="PATH", help="path of a category that lists products")
    group.addoption("--mobile", metavar="SUITES", help="suites to walk on a phone too: checkout,home")
    group.addoption("--evidence", type=Path, metavar="DIR", help="where evidence is kept (default: test-results)")
    group.addoption("--ready-file", type=Path, metavar="FILE", help="start the browser, then wait until FILE exists")
    group.addoption("--ready-from", type=int, metavar="PID", help="the process that gives the word; without it, end")
    group.addoption("--ready-timeout", type=float, default=600.0, metavar="SECONDS")


def _shop(config: pytest.Config) -> Shop | None:
    given = config.getoption("--shop")
    base_url = config.getoption("base_url", default=None)
    if given is None and not base_url:
        return None
    shop = read_shop(given) if given is not None else shop_of({"base_url": base_url})
    if given is not None and config.getoption("--forget-shop"):
        given.unlink()
    options = ("mode", "pages", "search_term", "product_path", "category_path", "mobile")
    said = {key: config.getoption(f"--{key.replace('_', '-')}") for key in options}
    if said["mobile"] is not None:
        said["mobile"] = tuple(said["mobile"].split(","))
    return replace(shop, **{key: value for key, value in said.items() if value is not None})


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    evidence = (config.getoption("--evidence") or Path("test-results")).absolute()
    parent = config.getoption("--ready-from")
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="orphaned", daemon=True).start()
    config.stash[EVIDENCE] = evidence
    config.stash[RECORDS] = []
    config.option.output = str(evidence / "playwright")
    if not config.option.xmlpath:
        config.option.xmlpath = str(evidence / "junit.xml")
    try:
        shop = _shop(config)
    except (ValueError, OSError) as error:
        raise pytest.UsageError(str(error)) from None
    if shop is not None:
        config.stash[SHOP] = shop
        config.option.base_url = shop.base_url


def pytest_sessionstart(session: pytest.Session) -> None:
    if SHOP not in session.config.stash and not session.config.option.collectonly:
        message = "say which shop: --base-url URL, or --shop FILE"
        raise pytest.UsageError(message)


def _end_with(parent: int) -> None:
    """Whoever prepared these suites may be killed: then nobody gives the word, and no browser is to stay behind.

    They say who they are: asked here, they may be gone already.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(ORPHANED)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)


# Fixtures of the session.


@pytest.fixture(scope="session")
def shop(pytestconfig: pytest.Config) -> Shop:
    """The shop that is visited."""
    return pytestconfig.stash[SHOP]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], shop: Shop) -> dict[str, Any]:
    return {**browser_type_launch_args, **chromium.launch_arguments(shop.chromium)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], shop: Shop) -> dict[str, Any]:
    arguments = {**browser_context_args, "base_url": shop.base_url, "ignore_https_errors": False}
    if shop.basic_auth is not None:
        login = {"username": shop.basic_auth.user, "password": shop.basic_auth.password, "origin": shop.origin}
        arguments["http_credentials"] = login
    return arguments


@pytest.fixture(scope="session", autouse=True)
def go_ahead(browser: Browser, pytestconfig: pytest.Config) -> None:
    """With ``--ready-file``: the browser is up, ``FILE.warm`` says so, and nothing is visited until FILE exists."""
    ready = pytestconfig.getoption("--ready-file")
    if ready is None:
        return
    with browser.new_context() as context:
        context.new_page().goto("about:blank")
    ready.with_name(ready.name + ".warm").touch()
    deadline = time.monotonic() + pytestconfig.getoption("--ready-timeout")
    while not ready.exists():
        if time.monotonic() > deadline:
            pytest.exit(f"the go-ahead {ready} did not come in time", returncode=pytest.ExitCode.INTERRUPTED)
        time.sleep(POLL)


@pytest.fixture(scope="session")
def backstage(shop: Shop) -> Iterator[Backstage]:
    """What the shop stored and mailed."""
    with pages.load(shop.pages).stored(shop) as data:
        yield Backstage(data, None if shop.maildir is None else Mailbox(shop.maildir))


@pytest.fixture(scope="session")
def new_visitor(shop: Shop) -> Callable[[], Visitor]:
    """Visitors, each with an address that nobody has used before."""
    addresses = VisitorAddresses(shop.customer_email).of_one_run()
    return lambda: Visitor(next(addresses), **shop.visitor)


# Fixtures of one test.


def _suite_of(path: Path) -> str:
    return path.stem.removeprefix("test_")


def _folder(item: pytest.Item, record: Record) -> Path:
    label = re.sub(r"[^A-Za-z0-9_.-]+", "-", record.test).strip("-")
    return item.config.stash[EVIDENCE] / record.suite / label


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    """A visitor with an address of his own."""
    return new_visitor()


@pytest.fixture
def viewport() -> str:
    """What the shop is seen on: "desktop", and of suites that are named ``mobile`` a second time "mobile"."""
    return DESKTOP


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    shop = metafunc.config.stash.get(SHOP, None)
    if shop is not None and "viewport" in metafunc.fixturenames and _suite_of(metafunc.definition.path) in shop.mobile:
        metafunc.parametrize("viewport", [DESKTOP, MOBILE])


@pytest.fixture
def screen(viewport: str, playwright: Playwright) -> dict[str, Any]:
    """The viewport as a browser context is told it."""
    if viewport == DESKTOP:
        return {"viewport": WINDOW}
    told = playwright.devices[PHONE]
    return {key: told[key] for key in ("viewport", "user_agent", "is_mobile", "has_touch")}


@pytest.fixture
def context(
    browser: Browser,
    browser_context_args: dict[str, Any],
    screen: dict[str, Any],
    shop: Shop,
    request: pytest.FixtureRequest,
) -> Iterator[BrowserContext]:
    """A fresh context for each test, traced; the trace is kept only of a failure, and never with a secret in it."""
    opened = browser.new_context(**{**browser_context_args, **screen})
    opened.add_init_script(OBSERVE)
    if shop.cookie is not None:
        cookie = {"name": shop.cookie.name, "value": shop.cookie.value, "domain": shop.cookie.domain, "path": "/"}
        opened.add_cookies([cookie])  # type: ignore[list-item]  # the TypedDict is built from checked fields
    opened.tracing.start(screenshots=False, snapshots=True, sources=False)  # pictures are taken step by step
    yield opened
    record = request.node.stash.get(RECORD, None)
    with suppress(Error):  # a crashed browser has no trace to give; the test has failed already
        if record is not None and record.outcome == "failed":
            path = _folder(request.node, record) / "trace.zip"
            opened.tracing.stop(path=path)
            scrub_zip(path, shop.secrets())
            record.trace = path.name
        else:
            opened.tracing.stop()
        opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def journey(page: Page, shop: Shop, viewport: str, request: pytest.FixtureRequest) -> Journey:
    """A watched visit of the shop."""
    record = request.node.stash[RECORD]
    folder = _folder(request.node, record)
    request.node.stash[JOURNEY] = started = Journey(page, shop, record, folder, on_a_phone=viewport == MOBILE)
    return started


@pytest.fixture
def shop_pages(journey: Journey, shop: Shop) -> Pages:
    """The shop, page by page."""
    return pages.load(shop.pages).pages(journey)


# What is kept of each test.


_PARAMETERS = re.compile(r"\[(?:chromium|desktop|mobile|-)+\]$")
"""What pytest adds to a name for the browser and the viewport alone."""


def _record(item: pytest.Item) -> Record:
    name = _PARAMETERS.sub(lambda found: "_on_a_phone" if MOBILE in found[0] else "", item.name).removeprefix("test_")
    return Record(_suite_of(item.path), name, f"{item.path}::{item.nodeid.partition('::')[2]}")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down what is going to run, so that a run that is cut short is not taken for a whole one."""
    evidence = session.config.stash[EVIDENCE]
    evidence.mkdir(parents=True, exist_ok=True)
    planned = [{"suite": one.suite, "test": one.test} for one in map(_record, session.items)]
    (evidence / "plan.json").write_text(json.dumps(planned), "utf-8")


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[RECORD] = record = _record(item)
    item.config.stash[RECORDS].append(record)
    for old in _folder(item, record).glob("*"):
        old.unlink()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    journey = item.stash.get(JOURNEY, None)
    if journey is not None:
        journey.settle()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    record = item.stash.get(RECORD, None)
    if record is None:
        return report
    if report.when == "call":
        record.seconds = round(call.duration, 3)
        record.outcome = report.outcome
    elif report.when == "setup" and not report.passed:
        record.outcome = "skipped" if report.skipped else "inconclusive"
    if report.failed and call.excinfo is not None and not record.sentence:
        record.sentence = sentence(record.suite, call.excinfo.value)
    if report.when == "call" and report.failed and JOURNEY in item.stash:
        item.stash[JOURNEY].picture_failure()
    if report.when == "teardown":
        _keep(item, record, report)
    return report


def _keep(item: pytest.Item, record: Record, report: pytest.TestReport) -> None:
    for what in record.not_checked:
        report.user_properties.append(("not_checked", what))
    if record.sentence:
        report.user_properties.append(("sentence", record.sentence))
    hidden = item.config.stash[SHOP].secrets() if SHOP in item.config.stash else ()
    record.write(_folder(item, record) / RECORD_FILE, hidden)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    records = config.stash.get(RECORDS, [])
    for record in records:
        if record.sentence:
            terminalreporter.write_line(record.sentence, red=True)
    unchecked = sorted({f"{record.suite}: {what}" for record in records for what in record.not_checked})
    for line in unchecked:
        terminalreporter.write_line(f"NOT CHECKED  {line}", yellow=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """When every other plugin has written what it writes: no secret stays in any of it."""
    if SHOP in config.stash:
        scrub_folder(config.stash[EVIDENCE], config.stash[SHOP].secrets())
