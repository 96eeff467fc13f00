"""The command line as a whole: every command is there, helps, and refuses what it does not know."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipeline.cli import COMMANDS, group

MAIN = (sys.executable, "-c", "from pipeline.cli import main; main()")


def palier(*words: str, project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MAIN, "--project", str(project), *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_under_its_name_and_says_what_it_does(name: str) -> None:
    found = importlib.import_module(f"pipeline.cli.{name}").command
    assert isinstance(found, click.Command)
    assert found.name == name
    assert found.help


def test_help_loads_no_command_and_nothing_heavy() -> None:
    probe = "import sys; sys.argv = ['palier', '--help']\ntry:\n    from pipeline.cli import main; main()\nfinally:\n"
    probe += "    print([m for m in ('paramiko', 'fabric', 'pydantic', 'git', 'playwright') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "clone" in done.stdout


def test_a_mistyped_command_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    done = palier("promot", "shop", project=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'promote'?" in done.stderr


def test_an_unknown_shop_is_a_configuration_error_and_names_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "brasserie.yml").write_text("shop: brasserie\n")
    done = palier("clone", "braserie", project=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Production was not changed.")
    assert "brasserie" in done.stderr


def test_config_check_tells_every_mistake_of_every_file_with_its_place(tmp_path: Path) -> None:
    for folder in ("inventories", "playbooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "inventories" / "a.yml").write_text("shop: a\nplatfrom: wordpress\n")
    (tmp_path / "playbooks" / "b.yml").write_text("shop: a\nupdates:\n  - module: x\n    to: 4.10\n")
    done = palier("config", "check", project=tmp_path)
    assert done.returncode == 2
    assert "a.yml:2:1" in done.stderr
    assert "b.yml:4:" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_group_offers_what_the_listing_says() -> None:
    assert group.list_commands(click.Context(group)) == list(COMMANDS)
