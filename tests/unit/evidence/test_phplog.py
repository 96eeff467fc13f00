"""PHP's error log, as Apache and PHP write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.evidence import phplog
from pipeline.remote.local import LocalHost

FATAL = (
    "[21-Nov-2026 19:00:01 UTC] PHP Fatal error:  Uncaught Error: Call to undefined function x() in /srv/pay.php:41\n"
    "Stack trace:\n#0 {main}\n  thrown in /srv/shop/pay.php on line 41\n"
)
WARNING = '[21-Nov-2026 19:00:02 UTC] PHP Warning:  Undefined array key "a" in /srv/shop/a.php on line 7\n'


@pytest.fixture
def log(scratch: Path) -> Path:
    return scratch / "php error.log"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "à part"
    folder.mkdir()
    return folder


@pytest.fixture
def host() -> LocalHost:
    return LocalHost()


def test_only_what_came_after_the_mark_is_told(host: LocalHost, log: Path) -> None:
    log.write_text(WARNING * 3)
    mark = phplog.mark(host, str(log))
    with log.open("a") as more:
        more.write(WARNING + FATAL + WARNING)
    told = phplog.since(host, mark)
    assert [(fault.kind, fault.count) for fault in told] == [("Fatal error", 1), ("Warning", 2)]
    assert told[0].where == "/srv/pay.php:41"
    assert str(told[1]) == 'Warning: Undefined array key "a" in /srv/shop/a.php:7 (2 times)'


def test_a_log_that_is_not_there_yet_says_nothing_and_then_everything(host: LocalHost, log: Path) -> None:
    mark = phplog.mark(host, str(log))
    assert phplog.since(host, mark) == ()
    log.write_text(FATAL)
    assert [fault.fatal for fault in phplog.since(host, mark)] == [True]


def test_a_log_that_was_rotated_is_read_from_its_beginning(host: LocalHost, log: Path) -> None:
    log.write_text(WARNING * 9)
    mark = phplog.mark(host, str(log))
    log.rename(log.with_suffix(".1"))
    log.write_text(FATAL + "x" * 2000)
    assert [fault.kind for fault in phplog.since(host, mark)] == ["Fatal error"]


def test_a_log_that_was_emptied_is_read_from_its_beginning(host: LocalHost, log: Path) -> None:
    log.write_text(WARNING * 9)
    mark = phplog.mark(host, str(log))
    log.write_text(FATAL)
    assert [fault.kind for fault in phplog.since(host, mark)] == ["Fatal error"]


def test_numbers_do_not_tell_entries_apart() -> None:
    lines = [f"PHP Warning:  Order {n} has no total in /srv/a.php on line 3" for n in (17, 18, 19)]
    assert [(fault.text, fault.count) for fault in phplog.group(lines)] == [("Order 17 has no total", 3)]


def test_apaches_own_form_is_understood() -> None:
    line = (
        "[Sat Nov 21 19:00:00.1 2026] [php:error] [pid 9] [client 127.0.0.1:5] PHP Fatal error:  Uncaught TypeError: no"
        " in /srv/a.php:12\\nStack trace:\\n#0 {main}\\n  thrown in /srv/a.php on line 12, referer: http://x/"
    )
    fault = phplog.group([line])[0]
    assert (fault.text, fault.where) == ("Uncaught TypeError: no", "/srv/a.php:12")


def test_other_lines_are_left_out() -> None:
    assert phplog.group(["[notice] Apache configured", "", "cron: job done"]) == ()


def test_what_happened_in_another_site_s_files_is_not_this_one_s() -> None:
    here = group_of("/srv/staging/a.php", "/srv/shop-old/a.php")
    assert phplog.without_others((*here, *group_of("/srv/shop/a.php")), "/srv/staging", "/srv/shop") == here
    assert phplog.without_others(here, "/srv/staging/", "/srv/staging") == here
    assert phplog.without_others(here, "/srv/staging", "/srv") == here[:1]


def group_of(*files: str) -> tuple[phplog.Fault, ...]:
    return phplog.group(f"PHP Warning:  Undefined key in {file} on line 7" for file in files)
