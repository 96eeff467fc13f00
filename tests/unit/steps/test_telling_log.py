"""What PHP logs on production while its suites run is told, and fails nothing."""

from __future__ import annotations

from pathlib import Path

from pipeline.config.inventory import Production
from pipeline.events import Event, Note
from pipeline.platforms import platform_of
from pipeline.remote.local import LocalHost
from pipeline.steps.site import Site
from pipeline.steps.smoke import telling_log

FATAL = "[21-Nov-2026 19:00:01 UTC] PHP Fatal error:  Uncaught Error: gone in /srv/pay.php:41\n"
WARNING = '[21-Nov-2026 19:00:02 UTC] PHP Warning:  Undefined array key "a" in /srv/shop/a.php on line 7\n'


def site(log: str | None) -> Site:
    told = {"url": "https://shop.example", "hosts": [{"ssh": "local"}], "root": "/srv", "php_error_log": log}
    environment = Production.model_validate(told)
    return Site("production", "shop", environment, LocalHost(), platform_of("wordpress", environment), "/srv/record")


def told(log: str | None, written: str, file: Path | None = None) -> list[Note]:
    events: list[Event] = []
    with telling_log(site(log), events.append):
        if file is not None:
            with file.open("a") as more:
                more.write(written)
    return [event for event in events if isinstance(event, Note)]


def test_only_what_is_logged_meanwhile_is_told_the_fatal_first(tmp_path: Path) -> None:
    log = tmp_path / "php.log"
    log.write_text(WARNING)
    assert [(note.level, note.text) for note in told(str(log), WARNING + FATAL, log)] == [
        ("warning", "PHP logged on production meanwhile: Fatal error: Uncaught Error: gone in /srv/pay.php:41"),
        ("info", 'PHP logged on production meanwhile: Warning: Undefined array key "a" in /srv/shop/a.php:7'),
    ]


def test_without_a_log_nothing_is_said() -> None:
    assert told(None, "") == []


def test_a_log_that_cannot_be_read_is_said_and_fails_nothing(tmp_path: Path) -> None:
    (note,) = told(f"{tmp_path}/\0", "")
    assert note.level == "warning"
    assert "on production cannot be read" in note.text
