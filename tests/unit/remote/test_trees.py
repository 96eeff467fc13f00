"""Trees are copied alike by rsync and by tar, and their sizes are told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PalierError
from pipeline.remote import trees
from pipeline.remote.connect import copy_tree, same_machine
from pipeline.remote.fake import FakeHost
from pipeline.remote.local import LocalHost
from pipeline.remote.streams import stream

HOST = LocalHost()
EXCLUDE = ("/cache", "*.log", "node_modules")
ODD = b"caf\xe9 \\ \n\t\"'$x"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A tree with everything that copies get wrong."""
    top = tmp_path / "shop à part"
    for folder in ("a b/cache", "cache", "deep/node_modules/x", "empty"):
        (top / folder).mkdir(parents=True)
    (top / "index.php").write_text("<?php")
    (top / "a b" / "cache" / "kept").write_text("12345")
    (top / "cache" / "dropped").write_text("x")
    (top / "deep" / "error.log").write_text("x")
    (top / "deep" / "node_modules" / "x" / "y").write_text("x")
    (top / "link").symlink_to("a b")
    Path(os.fsdecode(os.fsencode(top) + b"/" + ODD)).write_text("odd")
    return top


def listing(top: Path) -> list[bytes]:
    return sorted(os.fsencode(path.relative_to(top)) for path in top.rglob("*"))


def by_tar(source: Path, target: Path, *, delete: bool) -> None:
    """What copy_tree does where there is no rsync."""
    target.mkdir(exist_ok=True)
    if delete:
        kept, present = HOST.run(trees.names(str(source), EXCLUDE)), HOST.run(trees.names(str(target), EXCLUDE))
        HOST.run(trees.removal(str(target), kept.raw, present.raw))
    stream(HOST, trees.pack(str(source), EXCLUDE), HOST, trees.unpack(str(target)), timeout=30)


def test_a_copy_has_everything_but_what_is_excluded(shop: Path, tmp_path: Path) -> None:
    copied = copy_tree(HOST, str(shop), HOST, str(tmp_path / "copy"), exclude=EXCLUDE)
    found = listing(tmp_path / "copy")
    assert ODD in found
    assert {b"a b/cache/kept", b"link", b"empty"} <= set(found)
    assert not {b"cache", b"deep/error.log", b"deep/node_modules"} & set(found)
    assert copied == trees.Copied(files=3, bytes=5 + 5 + 3 + len("a b"))  # rsync counts the text of links


@pytest.mark.parametrize("delete", [False, True])
def test_tar_and_rsync_make_the_same_copy_and_tell_the_same_size(shop: Path, tmp_path: Path, delete: bool) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for target in (one, other):
        (target / "cache").mkdir(parents=True)
        (target / "cache" / "precious").write_text("")
        (target / "old" / "keep.log").mkdir(parents=True)
        (target / "old" / "surplus").write_text("")
        Path(os.fsdecode(os.fsencode(target) + b"/gone " + ODD)).write_text("")
    copied = copy_tree(HOST, str(shop), HOST, str(one), exclude=EXCLUDE, delete=delete)
    by_tar(shop, other, delete=delete)
    assert listing(one) == listing(other)
    assert (b"old/surplus" in listing(one)) is not delete
    assert {b"cache/precious", b"old/keep.log"} <= set(listing(one))
    assert trees.tree_report(HOST.run(trees.sizes(str(shop), EXCLUDE)).stdout).files == copied.files


def test_two_asterisks_reach_every_depth_below_their_folder_for_rsync_and_for_tar(tmp_path: Path) -> None:
    source, one, other = (tmp_path / name for name in ("source", "one", "other"))
    (source / "media" / "2026" / "11").mkdir(parents=True)
    for name in ("media/a.CSV", "media/2026/11/b.csv", "media/2026/11/c.jpg", "d.csv"):
        (source / name).write_text("x")
    exclude = ("/media/**.[cC][sS][vV]", "/none/*.jpg")
    copy_tree(HOST, str(source), HOST, str(one), exclude=exclude)
    other.mkdir()
    stream(HOST, trees.pack(str(source), exclude), HOST, trees.unpack(str(other)), timeout=30)
    assert listing(one) == listing(other)
    assert sorted(path.name for path in one.rglob("*.*")) == ["c.jpg", "d.csv"]


def test_a_second_copy_is_quiet_and_changes_nothing(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    first = copy_tree(HOST, str(shop), HOST, str(target), delete=True)
    before = {path: path.lstat().st_mtime_ns for path in target.rglob("*")}
    assert copy_tree(HOST, str(shop), HOST, str(target), delete=True) == first
    assert {path: path.lstat().st_mtime_ns for path in target.rglob("*")} == before


def test_code_of_equal_size_and_time_is_told_by_what_it_holds(tmp_path: Path) -> None:
    """Packages are often made with one date for all files, and 1.0.1 is as long as 1.0.0."""
    for folder, version in (("new", "1.0.1"), ("old", "1.0.0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.php").write_text(version)
        os.utime(tmp_path / folder / "module.php", (1_700_000_000, 1_700_000_000))
    places = (HOST, str(tmp_path / "old"), HOST, str(tmp_path / "new"))
    copy_tree(*places, delete=True)
    assert (tmp_path / "new" / "module.php").read_text() == "1.0.1", "rsync goes by size and time"
    copy_tree(*places, delete=True, by_content=True)
    assert (tmp_path / "new" / "module.php").read_text() == "1.0.0"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PalierError, match="no such folder"):
        copy_tree(HOST, str(tmp_path / "none"), HOST, str(tmp_path / "copy"))


def test_a_local_copy_needs_no_rsync(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "sh", "tar", "find", "mkdir", "env", "test", "rm", "rmdir", "xargs", "head"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    copied = copy_tree(HOST, str(shop), HOST, str(tmp_path / "copy"), exclude=EXCLUDE, delete=True)
    assert copied == trees.Copied(files=3, bytes=13)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and b"/" not in name))
def test_names_survive_tars_escaping(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    if name in {b".", b".."}:
        return
    top = tmp_path_factory.mktemp("names")
    Path(os.fsdecode(os.fsencode(top) + b"/" + name)).write_text("")
    lines = HOST.run(trees.names(str(top))).raw.splitlines()
    assert [trees.unescaped(line) for line in lines] == [b"./", b"./" + name]


def test_rsyncs_report_is_read_whatever_its_thousands_look_like() -> None:
    text = "Number of files: 1,234 (reg: 1,000, dir: 234)\nTotal file size: 12,345,678 bytes\n"
    assert trees.rsync_report(text) == trees.Copied(1000, 12_345_678)
    assert trees.rsync_report("") == trees.Copied(0, 0)


def test_a_file_is_received_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    short = trees.receive(str(target), 0o640, 10).fed("broken")
    assert "broke off" in HOST.run(short, check=False).stderr
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "old")]
    HOST.run(trees.receive(str(target), 0o640, 3).fed("new"))
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o640)


def test_machines_are_told_apart_by_what_they_say_of_themselves() -> None:
    one, other = FakeHost("one"), FakeHost("other")
    one.answer("boot_id", stdout="m\nb\nn\nweb1\n")
    other.answer("boot_id", stdout="m\nb\nn\nweb2\n")
    assert same_machine(one, one)
    assert not same_machine(one, other)
    other.answer("boot_id", stdout="m\nb\nn\nweb1\n")
    assert same_machine(one, other)
    other.answer("boot_id", status=1)
    assert not same_machine(one, other)
