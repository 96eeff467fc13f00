"""The report of an update run: one HTML file for whoever approves, one Markdown text for a job's log."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pipeline.evidence import wording
from pipeline.evidence.verdicts import SmokeRun
from pipeline.evidence.wording import Language

ReasonKind = Literal["security", "malfunction", "feature"]
THUMBNAIL = 1000
"""Pixels of width; the whole picture is linked."""
TALLEST = 1400
QUALITY = 78
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class TableChange:
    """What an update does to one table: rows by how they changed, and changes of structure in words."""

    table: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    schema: tuple[str, ...] = ()
    business: bool = False
    """Whether it holds rows of customers, or may."""
    note: str = ""
    """For people: "productcomments 5.0.2 → 7.0.0"."""


@dataclass(frozen=True)
class UpdateOutcome:
    """One update that was tried."""

    module: str
    before: str
    after: str
    reason_kind: ReasonKind
    reason: str
    kept: bool
    reference: str | None = None
    why_aside: str = ""
    """One sentence; of a smoke run: ``SmokeRun.reason``."""
    together_with: tuple[str, ...] | None = None
    """The kept updates that it fails together with; (): it fails by itself; ``None``: not looked for."""
    smoke: SmokeRun | None = None
    footprint: tuple[TableChange, ...] = ()
    files_changed: int = 0
    commit: str = ""
    package_sha256: str = ""
    seconds: float = 0.0
    php_faults: tuple[str, ...] = ()
    browser: tuple[str, ...] = ()
    slower: tuple[str, ...] = ()
    picture: Path | None = None
    """A screenshot of the fault; default: the smoke run's own."""

    @property
    def shown_picture(self) -> Path | None:
        return self.picture or (self.smoke.picture if self.smoke else None)


@dataclass(frozen=True)
class UpdateReport:
    """One update run, as it is told to people who read no code. Durations in seconds, times in ISO 8601."""

    shop: str
    run: str
    started: str
    by: str
    updates: tuple[UpdateOutcome, ...]
    final: SmokeRun | None = None
    manifest_sha256: str = ""
    approvals_required: int = 1
    approve_command: str = ""
    language: Language = "en"
    seconds: float = 0.0
    durations: tuple[tuple[str, float], ...] = ()
    """Named parts of the run, in order."""
    notes: tuple[str, ...] = field(default=())
    four_eyes: bool = True
    """Whether whoever ran it does not count."""
    roles: tuple[str, ...] = ()
    """Only people of these count; (): everybody who may sign."""
    left_out: tuple[str, ...] = ()
    """The suites that failed before any update."""

    @property
    def kept(self) -> tuple[UpdateOutcome, ...]:
        return tuple(update for update in self.updates if update.kept)

    @property
    def aside(self) -> tuple[UpdateOutcome, ...]:
        return tuple(update for update in self.updates if not update.kept)


def write(report: UpdateReport, path: Path) -> None:
    """Write the report as one HTML file that needs no other; evidence beside it is linked relatively.

    :raises OSError: if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(report, path.parent), "utf-8")


def html(report: UpdateReport, folder: Path) -> str:
    """The report's HTML, with links to evidence relative to ``folder``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    language = report.language
    environment.filters |= {
        "seconds": lambda value: duration(value, language),
        "said": lambda text: wording.sentence(text, language),
        "suite": lambda name: wording.suite_word(name, language),
        "step": lambda shot: wording.step(shot.stem.partition("-")[2].replace("-", " "), language),
        "thumbnail": thumbnail,
        "link": lambda target: _link(target, folder),
        "number": lambda value: _number(value, language),
    }
    page = environment.get_template("report.html.j2")
    return page.render(
        report=report,
        pages=_pages(report.final),
        left_out=_left_out(report) if report.left_out else "",
        signing=who_signs(report) if report.approvals_required else "",
        t=lambda key, **v: wording.word(key, language, **v),
    )


def thumbnail(picture: Path) -> str:
    """A picture as a ``data:`` address of a small JPEG; empty if there is no such picture any more."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(picture) as image:
            small = image.convert("RGB")
    except (OSError, UnidentifiedImageError):
        return ""
    small = small.crop((0, 0, small.width, min(small.height, TALLEST)))
    small.thumbnail((THUMBNAIL, TALLEST))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _link(target: Path, folder: Path) -> str | None:
    """A relative address, or ``None`` for what is not under the report's folder and would not travel with it."""
    absolute, base = target.absolute(), folder.absolute()
    return quote(absolute.relative_to(base).as_posix()) if absolute.is_relative_to(base) else None


def duration(seconds: float, language: Language) -> str:
    """``8.2 s`` or ``3 min 05 s``."""
    if seconds < 60:
        return _number(round(seconds, 1), language) + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def _number(value: float, language: Language) -> str:
    grouped = f"{value:,}"
    return grouped.translate(str.maketrans(",.", "\u202f,")) if language == "fr" else grouped


def _pages(run: SmokeRun | None) -> list[tuple[str, float | None, float | None]]:
    """(path, TTFB, LCP) of the pages of a run in milliseconds, medians, in the order of their names."""
    if run is None:
        return []
    from pipeline.evidence.compare import timings

    measured = timings(run)
    paths = sorted({path for path, _ in measured})
    return [(path, measured.get((path, "ttfb")), measured.get((path, "lcp"))) for path in paths]


def summary(report: UpdateReport) -> str:
    """The report as short Markdown: a verdict line, one table, the reasons, how to approve."""
    language = report.language

    def t(key: str, **values: object) -> str:
        return wording.word(key, language, **values)

    colon = t("colon")
    counts = f"{t('kept n', n=len(report.kept))}, {t('aside n', n=len(report.aside))}"
    lines = [f"## {t('title', shop=_cell(report.shop))}{colon}{counts}", "", t("production"), ""]
    lines += [f"| {t('module')} | {t('version')} | {t('why')} | {t('result')} |", "| --- | --- | --- | --- |"]
    for update in report.updates:
        result = f"✔ {t('kept word')}" if update.kept else f"✘ {t('aside word')}"
        why = t(update.reason_kind) + colon + update.reason
        lines.append(f"| {_cell(update.module)} | {update.before} → {update.after} | {_cell(why)} | {result} |")
    for update in report.aside:
        lines += ["", f"**{_cell(update.module)}**{colon}{_cell(wording.sentence(update.why_aside, language))}"]
        blame = _blame(update, language)
        lines += [f"  {blame}"] if blame else []
    unchecked = [wording.sentence(what, language) for what in (report.final.not_checked if report.final else ())]
    lines += ["", *(f"- {t('not checked')}{colon}{_cell(what)}" for what in unchecked)] if unchecked else []
    lines += ["", _left_out(report)] if report.left_out else []
    if report.kept and report.approve_command:
        lines += [
            "",
            f"{t('approve')}{colon}`{report.approve_command}`",
            f"({t('fingerprint')}{colon}`{report.manifest_sha256}`)",
        ]
        lines += ["", who_signs(report)] if report.approvals_required else []
    return "\n".join(lines) + "\n"


def who_signs(report: UpdateReport) -> str:
    """Whose signature counts, and whose does not."""
    language = report.language
    roles = [wording.word("roles", language, names=", ".join(report.roles))] if report.roles else []
    return " ".join([*roles, wording.word("four eyes" if report.four_eyes else "two eyes", language, by=report.by)])


def _left_out(report: UpdateReport) -> str:
    names = ", ".join(wording.suite_word(suite, report.language) for suite in report.left_out)
    return wording.word("left out", report.language, names=names)


def _blame(update: UpdateOutcome, language: Language) -> str:
    if update.together_with is None:
        return ""
    names = ", ".join(update.together_with)
    return wording.word("with", language, names=names) if names else wording.word("alone", language)


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
