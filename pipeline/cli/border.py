"""The one error border: sentences and exit codes out, never a traceback for what is not Palier's own mistake."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

import click

from pipeline.cli.visible import visible_output
from pipeline.errors import UNTOUCHED, ExitCode, PalierError


def guarded(group: click.Group) -> None:
    """Run ``group`` and leave with the exit code that says what happened."""
    with visible_output():
        _guarded(group)


def _guarded(group: click.Group) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have had it ignored
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGHUP, _as_interrupt)
    try:
        code = group.main(standalone_mode=False)
    except PalierError as error:
        _say(error)
        sys.exit(int(error.exit_code))
    except click.exceptions.Abort:
        click.echo(f"\n{UNTOUCHED}\nInterrupted.", err=True)
        sys.exit(int(ExitCode.INTERRUPTED))
    except KeyboardInterrupt:
        click.echo(f"\n{UNTOUCHED}\nInterrupted.", err=True)
        sys.exit(int(ExitCode.INTERRUPTED))
    except click.ClickException as error:
        click.echo(UNTOUCHED, err=True)
        error.show()
        sys.exit(int(ExitCode.USAGE))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(int(ExitCode.FAILED))
    except Exception as error:  # noqa: BLE001 - the border: whatever is left is a defect of Palier, and says so
        _defect(error)
        sys.exit(int(ExitCode.HOLD))
    sys.exit(code if isinstance(code, int) else 0)


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(error: PalierError) -> None:
    first, *rest = str(error).splitlines() or [""]
    click.secho(first, err=True, bold=True, fg="red" if error.production != UNTOUCHED else None)
    for line in rest:
        click.echo(line, err=True)


def _defect(error: Exception) -> None:
    if os.environ.get("PALIER_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    where = traceback.extract_tb(error.__traceback__)[-1]
    click.echo(
        "Whether production was changed is not known from here: look with `palier status SHOP`.\n"
        f"This is a defect of Palier: {type(error).__name__}: {error} ({where.name}, line {where.lineno}).\n"
        "Please report it; PALIER_DEBUG=1 before the command shows the whole trace.",
        err=True,
    )
