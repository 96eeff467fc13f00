"""What a merchant keeps in a module's folder, through the switch of that folder and through the way back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.code.layout import InPlace
from pipeline.code.tree import Tree
from pipeline.config.inventory import Environment, HostSpec
from pipeline.platforms.prestashop import OWN_FILES, PrestaShop
from pipeline.remote.local import LocalHost
from pipeline.steps import modules
from pipeline.steps.site import Site

OLD = {"slider.php": "old code", "images/sample.jpg": "sample", "views/img/logo.png": "old logo", "config.xml": "1.0"}
NEW = {"slider.php": "new code", "images/sample.jpg": "new sample", "views/img/new.png": "new in 2.0"}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if not path.is_dir()}


@dataclass
class Switch:
    """One module's folder, and the run's folder in which its undo fragment is run."""

    run: Path
    place: InPlace

    @property
    def folder(self) -> Path:
        return Path(self.place.folder)

    def switch(self) -> None:
        step = modules.switch_code(LocalHost(), [self.place], critical=True, own_files=OWN_FILES)
        (self.run / "fragment.sh").write_text(step.fragment())
        for act in step.acts:
            act.does()

    def open(self) -> None:
        """The moment that customers and the merchant are let in again: everything before is older."""
        marker = self.run / "opened"
        marker.touch()
        os.utime(marker, (marker.stat().st_atime, marker.stat().st_mtime - 5))

    def undo(self) -> str:
        done = subprocess.run(
            ["sh", "fragment.sh"], cwd=self.run, capture_output=True, text=True, timeout=20, check=True
        )
        return done.stderr


@pytest.fixture
def slider(tmp_path: Path) -> Switch:
    """The old folder in its place with what the merchant put there, the new one beside it; all an hour old."""
    run = tmp_path / "a run"
    place = InPlace("slider", str(tmp_path / "the shop" / "modules" / "slider"), str(run / "code"))
    write(
        Path(place.folder), OLD | {"images/été d'or.jpg": "the merchant's", "views/img/shell.php": "<?php // a shell"}
    )
    write(Path(place.new), NEW)
    for path in [*Path(place.folder).rglob("*"), *Path(place.new).rglob("*")]:
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 3600))
    return Switch(run, place)


def test_the_merchants_pictures_come_along_and_the_packages_own_win(slider: Switch) -> None:
    slider.switch()
    assert read(slider.folder) == NEW | {
        "images/été d'or.jpg": "the merchant's",
        "views/img/logo.png": "old logo",
        "config.xml": "1.0",
    }


def test_a_program_among_the_pictures_stays_behind(slider: Switch) -> None:
    slider.switch()
    assert not (slider.folder / "views/img/shell.php").exists()


def test_before_the_shop_has_opened_the_way_back_leaves_the_old_folder_to_the_byte(slider: Switch) -> None:
    before = read(slider.folder)
    slider.switch()
    write(slider.folder, {"images/made-by-the-upgrade.jpg": "x"})
    slider.undo()
    assert read(slider.folder) == before


def test_what_was_put_or_replaced_since_the_shop_opened_comes_along_on_the_way_back(slider: Switch) -> None:
    before = read(slider.folder)
    slider.switch()
    slider.open()
    since = {"images/deep/noël.jpg": "new since", "images/sample.jpg": "replaced since"}
    write(
        slider.folder, since | {"config.xml": "2.0", "views/img/shell.php": "<?php // another", "slider.php": "hacked"}
    )
    slider.undo()
    assert read(slider.folder) == before | since


def test_the_way_back_of_the_files_may_be_typed_twice(slider: Switch) -> None:
    slider.switch()
    slider.open()
    write(slider.folder, {"images/new.jpg": "new since"})
    slider.undo()
    once = read(slider.folder)
    slider.undo()
    assert read(slider.folder) == once
    assert once["images/new.jpg"] == "new since"


def test_a_picture_that_cannot_be_copied_does_not_keep_the_shop_shut(slider: Switch) -> None:
    slider.switch()
    slider.open()
    write(Path(slider.place.old), {"images/blocked": "a file where a folder is due"})
    write(slider.folder, {"images/blocked/new.jpg": "new since", "images/other.jpg": "goes on"})
    said = slider.undo()
    assert "images/blocked/new.jpg stays with the newer code" in said
    assert read(slider.folder)["slider.php"] == "old code"
    assert read(slider.folder)["images/other.jpg"] == "goes on"


def test_what_the_merchant_keeps_is_no_drift_and_code_among_it_is(tmp_path: Path) -> None:
    host = HostSpec(ssh="local")
    environment = Environment(url="https://shop.example", hosts=(host,), root=str(tmp_path))
    site = Site("production", "shop", environment, LocalHost(), PrestaShop(environment), str(tmp_path))
    code = {
        "modules/slider/slider.php": "1",
        "modules/slider/images/shell.php": "2",
        "modules/slider/views/img/icon.svg": "3",
        "modules/slider/js/slider.png": "4",
        "img/logo.png": "5",
        "modules/index.php": "6",
    }
    own = {
        "modules/slider/images/summer.jpg": "7",
        "modules/slider/config.xml": "8",
        "modules/slider/export/a.csv": "9",
    }
    assert dict(modules.without_own_files(site, Tree(code | own)).entries) == code
