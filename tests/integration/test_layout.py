"""Code is switched and put back on a real file system, wherever the switch is cut off."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.code import tree
from pipeline.code.layout import (
    InPlace,
    Releases,
    aside_folder,
    current_target,
    remove_aside,
    same_file_system,
    undo_aside,
)
from pipeline.errors import Refused
from pipeline.remote.command import Command
from pipeline.remote.host import CommandFailed
from pipeline.remote.local import LocalHost

HOST = LocalHost()
MODULE = "shop-contact"


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything below ``folder``, empty folders, modes, owners and link texts included."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""  # noqa: PTH115
        found[str(path.relative_to(folder))] = (stat.S_IFMT(about.st_mode), about.st_mode, about.st_uid, content)
    return found


def undo(text: str, *, status: int = 0) -> str:
    """Run an undo text as a person would: plain ``sh``, an empty environment, nothing of Palier."""
    ended = subprocess.run(
        ["/bin/sh"], input=text, text=True, capture_output=True, env={"PATH": "/usr/bin:/bin"}, cwd="/", check=False
    )
    assert ended.returncode == status, ended.stderr
    return ended.stderr


def run(*commands: Command) -> None:
    for step in commands:
        HOST.run(step)


@pytest.fixture(params=["plain", "odd name with 'quotes' and $(touch x)"])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A shop with one module, and the new version of it on this machine."""
    root = tmp_path / str(request.param)
    folder = root / "shop" / "wp-content" / "plugins" / MODULE
    (folder / "inc").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "shop-contact.php").write_text("<?php // 2.3.0\n")
    (folder / "inc" / "old.php").write_text("<?php // old\n")
    (folder / "inc" / "old.php").chmod(0o640)
    (folder / "link").symlink_to("inc/old.php")
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "other.php").write_text("<?php\n")
    (root / "shop" / "index.php").write_text("<?php\n")
    (root / "record" / "runs" / "one").mkdir(parents=True)
    new = root / "unpacked" / MODULE
    (new / "inc").mkdir(parents=True)
    (new / "shop-contact.php").write_text("<?php // 2.3.1\n")
    (new / "inc" / "new.php").write_text("<?php // new\n")
    return root


def plugins(site: Path) -> Path:
    return site / "shop" / "wp-content" / "plugins"


def in_place(site: Path, *, module: str = MODULE, beside: bool = False) -> InPlace:
    aside = site / "record" / "runs" / "one" / "code"
    if beside:
        aside = plugins(site) / ".palier-one"
    aside.mkdir(parents=True, exist_ok=True)
    folder = plugins(site) / module
    return InPlace(module, str(folder), str(aside), existed=folder.exists())


def upload(site: Path, place: InPlace) -> None:
    run(*place.clear())
    HOST.upload(site / "unpacked" / MODULE, place.new)
    run(*place.dress())


def test_a_module_is_switched_and_put_back(site: Path) -> None:
    before = snapshot(site / "shop")
    place = in_place(site)
    upload(site, place)
    assert snapshot(site / "shop") == before
    run(*place.switch())
    assert tree.local(plugins(site) / MODULE) == tree.local(site / "unpacked" / MODULE)
    undo(place.undo())
    assert snapshot(site / "shop") == before
    assert tree.local(Path(place.undone)) == tree.local(site / "unpacked" / MODULE)


@pytest.mark.parametrize("module", [MODULE, "shop-new"])
@pytest.mark.parametrize("again", [1, 3])
def test_the_undo_restores_exactly_wherever_the_switch_was_cut_off(site: Path, module: str, again: int) -> None:
    """Every prefix of the commands, from nothing at all to the whole."""
    before = snapshot(site / "shop")
    for count in range(20):
        place = in_place(site, module=module)
        steps = [*place.clear(), None, *place.dress(), *place.switch()]
        for step in steps[:count]:
            if step is None:
                HOST.upload(site / "unpacked" / MODULE, place.new)
            else:
                run(step)
        for _ in range(again):
            undo(place.undo())
        assert snapshot(site / "shop") == before, f"cut off after {count} commands"
        if count >= len(steps):
            return
    raise AssertionError("the list of commands never came to its end")


def cut(text: str) -> Iterator[str]:
    """The undo text killed before each of the renames in it."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("mv ", "rm ", "ln ")):
            yield "".join([*lines[:number], "kill -9 $$\n", *lines[number:]])


@pytest.mark.parametrize("module", [MODULE, "shop-new"])
def test_an_undo_that_is_killed_is_finished_by_the_next(site: Path, module: str) -> None:
    before = snapshot(site / "shop")
    killed = 0
    for text in cut(in_place(site, module=module).undo()):
        place = in_place(site, module=module)
        upload(site, place)
        run(*place.switch())
        undo(text, status=-9)
        undo(place.undo())
        assert snapshot(site / "shop") == before
        killed += 1
    assert killed >= 2


def test_evidence_of_earlier_undos_is_kept(site: Path) -> None:
    for _ in range(3):
        place = in_place(site)
        upload(site, place)
        run(*place.switch())
        undo(place.undo())
    kept = sorted(path.name for path in Path(place.aside).iterdir())
    assert kept == [f"{MODULE}.undone", f"{MODULE}.undone.2", f"{MODULE}.undone.3"]


def test_what_the_shop_wrote_into_the_new_folder_goes_with_it(site: Path) -> None:
    before = snapshot(site / "shop")
    place = in_place(site)
    upload(site, place)
    run(*place.switch())
    (plugins(site) / MODULE / "cache").mkdir()
    (plugins(site) / MODULE / "cache" / "a").write_text("made by the new version")
    undo(place.undo())
    assert snapshot(site / "shop") == before
    assert (Path(place.undone) / "cache" / "a").exists()


def test_a_folder_that_appeared_between_the_renames_is_set_aside_and_kept(site: Path) -> None:
    before = snapshot(site / "shop")
    place = in_place(site)
    upload(site, place)
    run(*place.switch()[:-1])
    (plugins(site) / MODULE).mkdir()
    (plugins(site) / MODULE / "cache.txt").write_text("written by a late request")
    undo(place.undo())
    assert snapshot(site / "shop") == before
    assert (Path(place.undone) / "cache.txt").exists()


def test_a_module_that_somebody_added_by_hand_is_not_taken_away(site: Path) -> None:
    place = in_place(site, module="shop-new")
    (plugins(site) / "shop-new").mkdir()
    before = snapshot(site / "shop")
    undo(place.undo())
    assert snapshot(site / "shop") == before


def test_a_switch_is_not_done_twice(site: Path) -> None:
    place = in_place(site)
    upload(site, place)
    run(*place.switch())
    after = snapshot(site)
    with pytest.raises(CommandFailed):
        run(*place.switch())
    assert snapshot(site) == after


def test_a_switch_without_an_upload_touches_nothing(site: Path) -> None:
    before = snapshot(site)
    place = in_place(site)
    with pytest.raises(CommandFailed):
        run(*place.switch())
    assert snapshot(site / "shop") == {key[5:]: value for key, value in before.items() if key.startswith("shop/")}


def test_an_undo_that_cannot_find_the_old_folder_says_so_and_stops(site: Path) -> None:
    place = in_place(site)
    upload(site, place)
    run(*place.switch())
    Path(place.old).rename(site / "carried-off")
    Path(place.folder).rename(site / "carried-off-too")
    assert "is not there to put back" in undo(place.undo(), status=1)


def test_the_new_folder_gets_modes_for_a_web_server_and_the_old_ones_owner(site: Path) -> None:
    new = site / "unpacked" / MODULE
    (new / "shop-contact.php").chmod(0o600)
    (new / "inc").chmod(0o700)
    (plugins(site) / MODULE).chmod(0o775)
    if os.geteuid() == 0:
        os.chown(plugins(site) / MODULE, 12345, 23456)
    place = in_place(site)
    upload(site, place)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [Path(place.new), *Path(place.new).rglob("*")]}
    assert modes == {f"{MODULE}.new": 0o775, "shop-contact.php": 0o644, "inc": 0o755, "new.php": 0o644}
    model = (plugins(site) / MODULE).stat()
    for path in [Path(place.new), *Path(place.new).rglob("*")]:
        assert (path.stat().st_uid, path.stat().st_gid) == (model.st_uid, model.st_gid)


def test_a_module_that_is_a_link_is_switched_and_the_link_comes_back(site: Path) -> None:
    folder = plugins(site) / MODULE
    folder.rename(site / "elsewhere")
    folder.symlink_to("../../../elsewhere")
    before = snapshot(site / "shop")
    place = in_place(site)
    upload(site, place)
    run(*place.switch())
    assert not folder.is_symlink()
    undo(place.undo())
    assert snapshot(site / "shop") == before


def test_code_waits_in_the_runs_record_when_a_rename_can_reach_it(site: Path) -> None:
    before = snapshot(site / "shop")
    aside = aside_folder(HOST, str(plugins(site)), str(site / "record" / "runs" / "one"))
    assert aside == str(site / "record" / "runs" / "one" / "code")
    assert stat.S_IMODE(Path(aside).stat().st_mode) == 0o700
    assert snapshot(site / "shop") == before
    assert remove_aside(aside, str(site / "record" / "runs" / "one")) == ()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than ``tmp_path``."""
    place = Path("/dev/shm") / f"palier-layout-{os.getpid()}"  # noqa: S108 - a file system that every Linux has
    if not place.parent.is_dir() or place.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one file system only")
    place.mkdir(mode=0o700)
    yield place
    subprocess.run(["rm", "-rf", str(place)], check=True)


def test_code_waits_beside_the_modules_when_no_rename_reaches_the_record(site: Path, far: Path) -> None:
    before = snapshot(site / "shop")
    record = far / "runs" / "one"
    record.mkdir(parents=True)
    aside = aside_folder(HOST, str(plugins(site)), str(record))
    assert aside == str(plugins(site) / ".palier-one")
    assert stat.S_IMODE(Path(aside).stat().st_mode) == 0o700
    assert (Path(aside) / ".htaccess").read_text() == "Require all denied\n"
    place = InPlace(MODULE, str(plugins(site) / MODULE), aside)
    upload(site, place)
    run(*place.switch())
    undo(place.undo())
    for _ in range(2):
        undo(undo_aside(aside, str(record)))
    assert snapshot(site / "shop") == before
    assert (record / "code" / f"{MODULE}.undone" / "inc" / "new.php").exists()


def test_two_file_systems_are_told_apart(tmp_path: Path, far: Path) -> None:
    assert HOST.run(same_file_system(str(tmp_path), str(tmp_path.parent))).stdout == "same\n"
    assert HOST.run(same_file_system(str(tmp_path), str(far))).stdout == "other\n"


@pytest.mark.parametrize("module", ["", "..", ".hidden", "a/b", "."])
def test_a_name_that_is_no_folder_is_refused(module: str) -> None:
    with pytest.raises(Refused):
        InPlace(module, "/srv/shop/x", "/srv/record")


@pytest.mark.parametrize("folder", ["", "/", "relative", "/srv/../etc", "//"])
def test_a_path_that_is_not_absolute_is_refused(folder: str) -> None:
    with pytest.raises(Refused):
        InPlace("a", folder, "/srv/record")


@pytest.fixture(params=["releases/20261101", "absolute"])
def base(site: Path, request: pytest.FixtureRequest) -> Path:
    """A shop with releases: the current one is the site's, with media outside of it."""
    folder = site / "deploy"
    (folder / "releases").mkdir(parents=True)
    (site / "shop").rename(folder / "releases" / "20261101")
    (folder / "shared" / "uploads").mkdir(parents=True)
    (folder / "releases" / "20261101" / "wp-content" / "uploads").symlink_to("../../../shared/uploads")
    text = str(folder / "releases" / "20261101") if request.param == "absolute" else request.param
    (folder / "current").symlink_to(text)
    return folder


def releases(base: Path) -> Releases:
    return Releases(str(base), "20261121T190102Z-promote-0a1b", current_target(HOST, str(base)))


def steps_of(release: Releases, site: Path) -> list[Command | None]:
    path = f"wp-content/plugins/{MODULE}"
    return [*release.build(), release.clear(path), None, *release.finish(), *release.switch()]


def apply(release: Releases, site: Path, count: int) -> int:
    steps = steps_of(release, site)
    for step in steps[:count]:
        if step is None:
            HOST.upload(site / "unpacked" / MODULE, release.module(f"wp-content/plugins/{MODULE}"))
        else:
            run(step)
    return len(steps)


def seen(base: Path) -> dict[str, tuple[object, ...]]:
    """What matters of a shop with releases: all but releases under hidden names, which are evidence."""
    return {path: about for path, about in snapshot(base).items() if not path.startswith("releases/.")}


def test_a_release_is_built_beside_switched_and_put_back(base: Path, site: Path) -> None:
    before = seen(base)
    release = releases(base)
    apply(release, site, 99)
    module = base / "current" / "wp-content" / "plugins" / MODULE
    assert tree.local(module) == tree.local(site / "unpacked" / MODULE)
    assert (base / "current" / "wp-content" / "plugins" / "other" / "other.php").exists()
    assert (base / "current" / "wp-content" / "uploads").readlink() == Path("../../../shared/uploads")
    undo(release.undo())
    assert seen(base) == before
    assert (base / "releases" / ".20261121T190102Z-promote-0a1b.undone").is_dir()


def test_a_release_shares_no_file_with_the_one_before(base: Path, site: Path) -> None:
    apply(releases(base), site, 99)
    (base / "current" / "index.php").write_text("<?php // written in place by the shop\n")
    assert (base / "releases" / "20261101" / "index.php").read_text() == "<?php\n"


@pytest.mark.parametrize("again", [1, 3])
def test_the_link_is_put_back_wherever_the_switch_was_cut_off(base: Path, site: Path, again: int) -> None:
    before = seen(base)
    for count in range(20):
        release = releases(base)
        total = apply(release, site, count)
        for _ in range(again):
            undo(release.undo())
        assert seen(base) == before, f"cut off after {count} commands"
        assert not list((base / "releases").glob(".*.partial"))
        if count >= total:
            return
    raise AssertionError("the list of commands never came to its end")


def test_an_undo_of_a_release_that_is_killed_is_finished_by_the_next(base: Path, site: Path) -> None:
    before = seen(base)
    for text in cut(releases(base).undo()):
        release = releases(base)
        apply(release, site, 99)
        undo(text, status=-9)
        undo(release.undo())
        assert seen(base) == before


def test_somebody_elses_deployment_is_not_undone(base: Path, site: Path) -> None:
    release = releases(base)
    apply(release, site, 99)
    (base / "releases" / "third").mkdir()
    (base / "current").unlink()
    (base / "current").symlink_to("releases/third")
    assert "somebody else has deployed" in undo(release.undo(), status=1)
    assert (base / "current").readlink() == Path("releases/third")


def test_a_link_is_not_put_back_to_a_release_that_is_gone(base: Path, site: Path) -> None:
    release = releases(base)
    apply(release, site, 99)
    (base / "releases" / "20261101").rename(base / "removed")
    assert "no release to go back to" in undo(release.undo(), status=1)
    assert (base / "current" / "index.php").exists()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_request_finds_the_link_missing(base: Path, site: Path) -> None:
    """The link is only ever renamed over: no command of switch or undo removes it first."""
    release = releases(base)
    apply(release, site, 99)
    traced = site / "trace"
    subprocess.run(
        ["strace", "-f", "-e", "trace=unlink,unlinkat,rename,renameat,renameat2", "-o", str(traced), "sh"],
        input=release.undo(), text=True, check=True,
    )  # fmt: skip
    calls = traced.read_text()
    assert "rename" in calls
    assert f'unlinkat(AT_FDCWD, "{base}/current"' not in calls


def test_a_shop_without_releases_is_refused(site: Path) -> None:
    (site / "current").mkdir()
    with pytest.raises(Refused, match="no symbolic link"):
        current_target(HOST, str(site))
