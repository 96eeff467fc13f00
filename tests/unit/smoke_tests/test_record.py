"""What a test leaves behind, and what must not be in it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke_tests.journey import JourneyFailed, error_text
from smoke_tests.record import RECORD_FILE, SHOWN, Record, Step, first_line, scrub_folder, scrub_zip, sentence
from smoke_tests.visitors import new_password


def test_a_trace_keeps_everything_but_the_secrets(tmp_path: Path) -> None:
    trace = tmp_path / "trace.zip"
    with zipfile.ZipFile(trace, "w") as archive:
        archive.writestr("trace.network", '{"cookie": "palier=s3cret-long; a=s3cret"}')
        archive.writestr("resources/a b.png", b"\x89PNG\x00s3cret\xff")
    scrub_zip(trace, ["s3cret-long", "s3cret"])
    with zipfile.ZipFile(trace) as archive:
        assert archive.read("trace.network") == b'{"cookie": "palier=***; a=***"}'
        assert archive.read("resources/a b.png") == b"\x89PNG\x00***\xff"
    assert [path.name for path in tmp_path.iterdir()] == ["trace.zip"]


def test_a_trace_that_cannot_be_cleaned_does_not_stay(tmp_path: Path) -> None:
    trace = tmp_path / "trace.zip"
    trace.write_bytes(b"not a zip but s3cret")
    with pytest.raises(zipfile.BadZipFile):
        scrub_zip(trace, ["s3cret"])
    assert list(tmp_path.iterdir()) == []


def test_no_file_of_the_evidence_keeps_a_secret_and_what_cannot_be_cleaned_goes(tmp_path: Path) -> None:
    typed = new_password()
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "junit.xml").write_text(f"<failure>Login(password='{typed}') s3cret é</failure>")
    (tmp_path / "mail").write_bytes(b"\xff Your password: " + typed.encode() + b"\r\n")
    (tmp_path / "clean.log").write_text("nothing")
    (tmp_path / "broken.zip").write_bytes(b"s3cret")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with zipfile.ZipFile(tmp_path / "trace.zip", "w") as archive:
        archive.writestr("trace.trace", f'{{"params": {{"value": "{typed}"}}}}')
    scrub_folder(tmp_path, ["s3cret"])
    assert (tmp_path / "login" / "junit.xml").read_text() == "<failure>Login(password='***') *** é</failure>"
    assert (tmp_path / "mail").read_bytes() == b"\xff Your password: ***\r\n"
    with zipfile.ZipFile(tmp_path / "trace.zip") as archive:
        assert archive.read("trace.trace") == b'{"params": {"value": "***"}}'
    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {"junit.xml", "mail", "clean.log", "picture.png", "trace.zip"}


def test_a_record_is_written_without_secrets(tmp_path: Path) -> None:
    record = Record("home", "x", sentence="cookie s3cret", console_errors=["s3cret"], steps=[Step("open s3cret", 1.0)])
    record.write(tmp_path / "a" / "record.json", ["s3cret"])
    text = (tmp_path / "a" / "record.json").read_text()
    assert "s3cret" not in text
    assert json.loads(text)["steps"][0] == {"name": "open ***", "seconds": 1.0, "done": False}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (JourneyFailed("the page / answered 500"), "home: the page / answered 500"),
        (AssertionError("2 orders\nassert 2 == 1"), "home: 2 orders"),
        (AssertionError("assert 2 == 1"), "home: an expectation was not met: assert 2 == 1"),
        (AssertionError(), "home: an expectation was not met"),
        (ValueError("\x1b[31mno\x1b[0m"), "home: ValueError: no"),
        (ValueError(), "home: ValueError"),
    ],
)
def test_a_failure_is_one_sentence(error: BaseException, said: str) -> None:
    assert sentence("home", error) == said


@given(st.text())
def test_a_sentence_is_one_line_of_bounded_length(text: str) -> None:
    line = first_line(text)
    assert len(line) <= SHOWN
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Shop\nWarning: Undefined variable $x in /srv/a.php on line 7\nfooter",
        "Fatal error: Uncaught Error: no",
        "There has been a critical error on this website.",
        "Il y a eu une erreur critique sur ce site.",
        "Deprecated: strlen(): Passing null in\n/srv/b.php on line 12",
    ],
)
def test_an_error_in_the_page_is_seen(text: str) -> None:
    assert error_text(text) is not None


@pytest.mark.parametrize("text", ["Warning: contains nuts", "Notice: closed on Monday", "No fatal errors here", ""])
def test_a_shop_may_warn_its_customers(text: str) -> None:
    assert error_text(text) is None


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("node: no\n", "node: ***\n"),
        ("?password=no&note=none", "?password=***&note=none"),
        ("q=%22no%22", "q=%22***%22"),
        ("l0ng-secrets l0ng-secret", "***s ***"),
    ],
)
def test_a_short_secret_is_a_word_of_its_own(tmp_path: Path, written: str, left: str) -> None:
    log = tmp_path / "smoke.log"
    log.write_text(written)
    scrub_folder(tmp_path, ["l0ng-secret", "no"])
    assert log.read_text() == left


def test_what_is_read_back_keeps_its_keys_whatever_the_password_is(tmp_path: Path) -> None:
    kept = tmp_path / "checkout" / "a_test" / RECORD_FILE
    Record("checkout", "a test", sentence="node was refused").write(kept, ["node"])
    scrub_folder(tmp_path, ["node"])
    assert json.loads(kept.read_text())["node"] == ""
    assert json.loads(kept.read_text())["sentence"] == "*** was refused"
