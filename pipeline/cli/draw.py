"""Draws events on standard error, for eyes on a terminal and for logs of a CI job."""

from __future__ import annotations

import sys
import time

import click

from pipeline.events import Doing, Event, Note, Progress, StepBegun, StepDone, StepFailed, StepUndone

LONGEST = 400
COLOURS = {"good": "green", "warning": "yellow"}
UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


class Drawing:
    """One line a step: ``+ Switch code on production .. ok (0.2 s)``. On a terminal, progress is drawn over it."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self._live = sys.stderr.isatty()
        self._begun = ""
        self._drawn = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case StepBegun():
                self._begun = f"+ {event.name}" + (f" on {event.on}" if event.on else "") + " .. "
                if self._live:
                    self._over(self._begun)
            case Doing() if self.verbose:
                self._clear()
                click.secho("    $ " + " ".join(event.says.split())[:LONGEST], err=True, dim=True)
            case StepDone():
                self._close(f"+ {event.name}", click.style("ok", fg="green"), event.seconds, event.detail)
            case StepFailed():
                first = event.reason.partition("\n")[0]  # the whole of it is told at the end
                self._close(f"+ {event.name}", click.style("FAILED", fg="red", bold=True), event.seconds, first)
            case StepUndone():
                self._begun = ""
                self._close(f"- {event.name}", click.style("undone", fg="yellow"), event.seconds, "")
            case Progress():
                self._progress(event)
            case Note():
                self._clear()
                click.echo(click.style(event.text, fg=COLOURS.get(event.level)), err=True)

    def _close(self, name: str, word: str, seconds: float, detail: str) -> None:
        self._clear()
        line = f"{self._begun or name + ' .. '}{word} ({seconds:.1f} s)"
        click.echo(line + (f"  {detail}" if detail else ""), err=True)
        self._begun = ""

    def _progress(self, event: Progress) -> None:
        now = time.monotonic()
        if not self._live or now - self._drawn < 0.1:
            return
        self._drawn = now
        done = amount(event.done, event.unit)
        total = f" of {amount(event.total, event.unit)}" if event.total else ""
        self._over(f"{self._begun}{event.what}: {done}{total}")

    def _over(self, text: str) -> None:
        width = _columns()
        click.echo(f"\r\033[K{text[: width - 1]}", nl=False, err=True)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\033[K", nl=False, err=True)


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def amount(number: int, unit: str) -> str:
    """``1536, "bytes"`` → ``1.5 kB``; ``3, "tables"`` → ``3 tables``."""
    if unit == "bytes":
        for size, name in UNITS:
            if number >= size:
                return f"{number / size:.1f} {name}"
    return f"{number:,} {unit}"
