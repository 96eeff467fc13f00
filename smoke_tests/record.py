"""What a test leaves behind: its steps, its pages with their timings, its screenshots, and what was not checked."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from smoke_tests.visitors import PASSWORD

PICTURES = (".png", ".jpeg", ".jpg", ".webp")
_PASSWORD_BYTES = re.compile(PASSWORD.pattern.encode())

RECORD_FILE = "record.json"
"""The file of a :class:`Record`, which is written without secrets: its keys are not to be read for any."""

UNMISTAKABLE = 8
"""Characters from which on a secret is found within longer words too."""

SHOWN = 300
"""Characters of a sentence that are kept."""


@dataclass
class Step:
    """One step of a journey; ``seconds`` of wall time."""

    name: str
    seconds: float = 0.0
    done: bool = False


@dataclass
class Visit:
    """One document that the browser was led to. Milliseconds from the start of the navigation; CLS has no unit."""

    path: str
    status: int
    ttfb: float | None = None
    load: float | None = None
    lcp: float | None = None
    cls: float | None = None


@dataclass
class Record:
    """Everything that is kept of one test."""

    suite: str
    test: str
    node: str = ""
    """What pytest is told to run this test alone."""
    outcome: str = "unknown"
    """passed, failed, inconclusive (the test could not begin), or skipped."""
    sentence: str = ""
    seconds: float = 0.0
    steps: list[Step] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    screenshots: list[str] = field(default_factory=list)
    trace: str | None = None
    not_checked: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)

    def write(self, path: Path, secrets: Sequence[str]) -> None:
        """Write it whole, without any of the ``secrets``."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".partial")
        data: dict[str, Any] = _scrubbed(asdict(self), secrets)
        part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
        part.replace(path)


def _scrubbed(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, list):
        return [_scrubbed(one, secrets) for one in value]
    if isinstance(value, dict):
        return {key: _scrubbed(one, secrets) for key, one in value.items()}
    return value


def scrub(text: str, secrets: Sequence[str]) -> str:
    """``text`` with every secret shown as ``***``, and every password that a test visitor has chosen."""
    for secret in secrets:
        text = re.sub(_as_written(secret), "***", text)
    return PASSWORD.sub("***", text)


def scrub_bytes(content: bytes, secrets: Sequence[str]) -> bytes:
    """The same for what a file holds."""
    for secret in secrets:
        content = re.sub(_as_written(secret).encode(), b"***", content)
    return _PASSWORD_BYTES.sub(b"***", content)


def _as_written(secret: str) -> str:
    """Where a secret stands. A short one must be a word of its own: the password "no" is not in every "node"."""
    written = re.escape(secret)
    if len(secret) >= UNMISTAKABLE:
        return written
    return rf"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])){written}(?![A-Za-z0-9_])"


def scrub_folder(folder: Path, secrets: Sequence[str]) -> None:
    """Rewrite whatever below ``folder`` has a secret in it: traces, logs, results, letters. Pictures have no text.

    What cannot be rewritten is removed: evidence is passed on to people and to CI.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix in PICTURES or path.name == RECORD_FILE:
            continue
        try:
            if path.suffix == ".zip":
                scrub_zip(path, secrets)
                continue
            content = path.read_bytes()
            if (clean := scrub_bytes(content, secrets)) != content:
                _replace(path, clean)
        except (OSError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".partial")
    part.write_bytes(content)
    part.chmod(path.stat().st_mode & 0o777)
    part.replace(path)


def scrub_zip(path: Path, secrets: Sequence[str]) -> None:
    """Rewrite a Playwright trace without any of the ``secrets``, in whichever of its entries they are.

    The file is replaced whole; if that fails it is removed, because a trace with secrets must not stay.
    """
    clean = path.with_suffix(".partial")
    try:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(clean, "w", zipfile.ZIP_DEFLATED) as target:
            for entry in source.infolist():
                target.writestr(entry.filename, scrub_bytes(source.read(entry), secrets))
        clean.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        clean.unlink(missing_ok=True)
        raise


_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def first_line(text: str) -> str:
    """The sentence of a failure: the first line that says something, on one line and of bounded length."""
    lines = (line.strip() for line in _ANSI.sub("", text).splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def sentence(suite: str, error: BaseException) -> str:
    """One sentence for people: ``checkout: the page /checkout/ answered 500``.

    The message of an assertion *is* that sentence; anything else is a fault of the test or of the browser, and says
    its kind.
    """
    said = first_line(str(error))
    if not isinstance(error, AssertionError):
        said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    elif not said or said.startswith("assert "):
        said = f"an expectation was not met: {said}" if said else "an expectation was not met"
    return f"{suite}: {said}"
