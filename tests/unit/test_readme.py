"""What the README shows is what Palier reads."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.cli import COMMANDS
from pipeline.config.loader import load_inventory
from pipeline.errors import ExitCode

README = Path(__file__).parents[2] / "README.md"


def test_the_inventory_in_the_readme_is_a_whole_one(tmp_path: Path) -> None:
    (sample,) = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    folder = tmp_path / "inventories"
    folder.mkdir()
    path = folder / "brasserie.yml"
    path.write_text(sample, "utf-8")
    assert load_inventory(path).shop == "brasserie"


def test_every_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"`palier ([a-z]+)", README.read_text("utf-8")))
    assert named
    assert named <= set(COMMANDS)


def test_every_exit_status_is_told() -> None:
    said = README.read_text("utf-8").partition("## What the exit status says")[2].partition("##")[0]
    assert {int(number) for number in re.findall(r"(?:^|· |\n)(\d+) ", said)} == {int(code) for code in ExitCode}


def test_every_file_that_the_readme_links_to_is_there() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8"))
    assert linked
    assert [path for path in linked if not (README.parent / path).exists()] == []
