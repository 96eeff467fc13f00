"""The playbook's text: it loads, its versions stay text, and people's files are not written over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code.sources import Offer
from pipeline.config.loader import load_playbook
from pipeline.errors import PalierError, Refused
from pipeline.steps import planning
from pipeline.steps.planning import Update

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def update(folder: Path, *, version: str = "4.10", text: str = "Gift cards", notes: tuple[str, ...] = ()) -> Update:
    offer = Offer("contact", version, "a" * 64, folder / "packages" / "c.zip", "zips", None, NOW)
    return Update("contact", "4.9", offer, "feature", text, "https://tickets.example/1", notes)


def written(folder: Path, *updates: Update, comments: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()) -> Path:
    path = folder / "playbooks" / "november.yml"
    planning.write(path, planning.text("shop", updates, comments, path.parent), lambda _: None)
    return path


def test_the_playbook_loads_and_versions_are_text(tmp_path: Path) -> None:
    path = written(tmp_path, update(tmp_path), comments=(("Not now:", (("stats 1 → 2: no reason", "palier plan"),)),))
    (found,) = load_playbook(path).updates
    assert found.to == "4.10"
    assert found.package.resolve() == tmp_path / "packages" / "c.zip"
    assert found.sha256 == "a" * 64
    assert found.reason.reference == "https://tickets.example/1"
    assert "#   stats 1 → 2: no reason" in path.read_text()


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)


@settings(deadline=None, max_examples=60)
@given(text=WORDS.filter(lambda text: len(planning.plain(text)) > 2), note=WORDS)
def test_no_text_of_an_advisory_breaks_out_of_its_place(
    tmp_path_factory: pytest.TempPathFactory, text: str, note: str
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    path = written(folder, update(folder, text=text, notes=(note,)), comments=(("Not now:", ((note, ""),)),))
    (found,) = load_playbook(path).updates
    assert found.reason.text == planning.plain(text)


def test_its_own_file_is_replaced_and_an_edited_one_is_not(tmp_path: Path) -> None:
    path = written(tmp_path, update(tmp_path))
    planning.require_replaceable(path)
    path.write_text(path.read_text().replace("Gift", "Gold"))
    with pytest.raises(Refused, match="edited by people"):
        planning.require_replaceable(path)
    path.write_text("shop: x\n")
    with pytest.raises(Refused):
        planning.require_replaceable(path)


def test_a_playbook_that_does_not_hold_is_not_written(tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise PalierError("no")

    with pytest.raises(PalierError):
        planning.write(tmp_path / "p.yml", "shop: x\n", refuse)
    assert not list(tmp_path.iterdir())
