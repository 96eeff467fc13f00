"""Which Chromium is launched, and how."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing but the shop is talked to, and nothing is drawn that is not looked at."""


def find(given: Path | None) -> Path | None:
    """The given program, else the system's; ``None``: Playwright's own download."""
    if given is not None:
        return given
    found = (shutil.which(program) for program in PROGRAMS)
    return next((Path(path) for path in found if path), None)


def launch_arguments(given: Path | None) -> dict[str, Any]:
    """What ``BrowserType.launch`` is told. The sandbox cannot be had as root."""
    arguments: dict[str, Any] = {"args": [*QUIET, *(("--no-sandbox",) if os.geteuid() == 0 else ())]}
    program = find(given)
    if program is not None:
        arguments["executable_path"] = str(program)
    return arguments
