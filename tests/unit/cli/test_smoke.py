"""``palier smoke``: what makes no sense is refused before any host is reached."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from pipeline.cli.project import Project
from pipeline.cli.smoke import command


def test_an_order_on_staging_needs_no_word(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command, ["shop", "--order"], obj=Project(tmp_path))
    assert answer.exit_code == 2
    assert "on staging the suites buy anyway" in answer.output


def test_cleaning_runs_no_suite(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command, ["shop", "--clean", "--suite", "home"], obj=Project(tmp_path))
    assert answer.exit_code == 2
    assert "--clean runs no suite" in answer.output
