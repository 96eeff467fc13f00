"""Promotions stand on one another: the newest goes back first, and what was given up says so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipeline.config.inventory import Inventory
from pipeline.platforms import platform_of
from pipeline.record import Record
from pipeline.remote.local import LocalHost
from pipeline.steps import ways_back
from pipeline.steps.site import Site


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Record, Record]:
    """Two promotions that stand."""
    host = LocalHost("production")
    first, second = sorted(
        (Record.create(host, str(tmp_path), "promote", "brasserie", "ines@laptop") for _ in range(2)),
        key=lambda record: record.run,
    )
    for record in (first, second):
        record.arm()
        record.place(1, "close", "touch taken-back", closes=True)
        record.end("promoted")
    return first, second


def roll_back_by_hand(record: Record) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", record.path("rollback.sh")], capture_output=True, text=True, check=False)


def outcomes(record: Record) -> dict[str, str]:
    return {run.run: run.outcome for run in Record.list(record.host, str(Path(record.folder).parents[1]))}


def test_the_earlier_one_says_which_to_take_back_first_and_changes_nothing(runs: tuple[Record, Record]) -> None:
    first, second = runs
    done = roll_back_by_hand(first)
    assert done.returncode == 8
    assert f"{second.run}/rollback.sh" in done.stdout
    assert "Nothing was changed" in done.stdout
    assert not Path(first.path("taken-back")).exists()
    assert not Path(first.path("halted")).exists()


def test_the_newest_goes_back_first_and_then_the_one_before(runs: tuple[Record, Record]) -> None:
    first, second = runs
    assert roll_back_by_hand(second).returncode == 0
    assert Path(second.path("taken-back")).exists()
    assert roll_back_by_hand(first).returncode == 0
    assert Path(first.path("taken-back")).exists()
    assert set(outcomes(first).values()) == {"rolled back"}


def test_a_later_run_that_never_began_stands_in_nobodys_way(runs: tuple[Record, Record]) -> None:
    first, second = runs
    for fragment in Path(second.path("undo.d")).iterdir():
        fragment.unlink()
    assert roll_back_by_hand(first).returncode == 0


def test_one_that_was_given_up_changes_nothing_and_the_list_of_runs_tells_it(runs: tuple[Record, Record]) -> None:
    first, second = runs
    first.write("superseded", f"{second.run}\n")
    done = roll_back_by_hand(first)
    assert done.returncode == 8
    assert second.run in done.stdout
    assert "Nothing was changed" in done.stdout
    assert not Path(first.path("taken-back")).exists()
    assert outcomes(first) == {first.run: "superseded", second.run: "promoted"}


def site_of(folder: Path) -> Site:
    place = {"url": "https://brasserie.example", "hosts": [{"ssh": "local"}], "root": "/var/www/shop"}
    inventory = Inventory.model_validate({"shop": "brasserie", "production": place, "staging": place})
    platform = platform_of("wordpress", inventory.production)
    return Site("production", "brasserie", inventory.production, LocalHost("production"), platform, str(folder))


def test_one_that_died_before_there_was_anything_to_take_back_is_over(tmp_path: Path) -> None:
    """Killed between the making of its record and its first fragment: nothing says so but what is missing."""
    site = site_of(tmp_path)
    dead = Record.create(site.host, str(tmp_path), "promote", "brasserie", "ines@laptop")
    dead.arm()
    dead.place(1, "snapshot", "")
    assert ways_back.standing(site) == [dead.run]
    ways_back.end_what_never_began(site)
    assert outcomes(dead) == {dead.run: "not begun"}
    assert ways_back.standing(site) == []


def test_one_that_may_have_changed_something_is_not_over(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    begun = Record.create(site.host, str(tmp_path), "promote", "brasserie", "ines@laptop")
    begun.place(1, "close", "true", closes=True)
    other = Record.create(site.host, str(tmp_path), "update", "brasserie", "ines@laptop")
    ways_back.end_what_never_began(site)
    assert outcomes(begun) == {begun.run: "unfinished", other.run: "unfinished"}
