"""What a shop or a package wrote cannot command the terminal that it is shown on."""

from __future__ import annotations

import json

import click
import pytest

from pipeline.cli.border import guarded
from pipeline.cli.draw import Drawing
from pipeline.cli.visible import visible
from pipeline.errors import Refused
from pipeline.events import Note, StepDone

HOSTILE = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;root\x07",
    "hides what follows": "\x1b[8m",
    "writes over the line": "\rProduction was changed",
    "goes up": "\x1b[1A",
    "a control sequence of one character": "\x9b2J",
    "a backspace": "\b\b",
    "turned round": "\u202egnp.exe",
    "isolated": "\u2067abc\u2069",
    "half a character": "\udc9b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_a_terminal_would_obey_is_shown(text: str) -> None:
    shown = visible(f"shop-{text}!")
    assert all(letter.isprintable() for letter in shown), shown
    assert f"\\u{ord(text[0]):04x}" in shown


def test_plain_text_in_any_script_is_left_as_it_is() -> None:
    for text in ("Boutique d’été\n\tà 12 €", "商店 🛍️ 👩‍💻", "متجر", ""):
        assert visible(text) == text
    assert visible("a\r\nb") == "a\nb"


def test_palier_s_own_colours_and_progress_are_obeyed() -> None:
    for own in (click.style("ok", fg="green"), click.style("x", bold=True), click.style("$", dim=True), "\r\033[K+ a"):
        assert visible(own) == own


def test_json_says_the_same_as_before() -> None:
    told = {text: text for text in HOSTILE.values() if max(text) < "\ud800"}
    shown = visible(json.dumps(told, ensure_ascii=False))
    assert shown.isprintable()
    assert json.loads(shown) == told


def test_everything_that_a_command_prints_goes_through_it(capfd: pytest.CaptureFixture[str]) -> None:
    @click.group(invoke_without_command=True)
    def group() -> None:
        click.echo("Suites: \x9b2J\u202e")
        drawing = Drawing()
        drawing(Note("Kept: \x9b2J"))
        drawing(StepDone("Read", 0.1, "\x9b2J"))
        raise Refused("Of the shop: \x9b2J")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["palier"])
        with pytest.raises(SystemExit) as left:
            guarded(group)
    said = capfd.readouterr()
    assert left.value.code == 5
    assert said.out == "Suites: \\u009b2J\\u202e\n"
    assert said.err.count("\\u009b2J") == 3
    assert "\x9b" not in said.err


def test_afterwards_the_streams_are_what_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    test_everything_that_a_command_prints_goes_through_it(capfd)
    click.echo("still \x9b here")
    assert capfd.readouterr().out == "still \x9b here\n"
