"""Hostile packages are refused in one sentence; harmless ones come out as they went in."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.code import tree
from pipeline.code.extract import Limits, PackageRefused, extract, inspect
from tests.unit.code.zips import FOLDER, GOOD, MAIN, NAME, REGULAR, Part, X, build, folder, ordinary, refusal, streamed

NAMES = [
    (b"shop-contact/../../etc/passwd", "leads outside"),
    (b"shop-contact/..", "leads outside"),
    (b"../shop-contact/a.php", "leads outside"),
    (b"/etc/passwd", "absolute"),
    (b"/shop-contact/a.php", "absolute"),
    (b"shop-contact\\a.php", "backslash"),
    (b"shop-contact/..\\..\\a.php", "backslash"),
    (b"C:/shop-contact/a.php", "drive letter"),
    (b"shop-contact/c:evil.php", "drive letter"),
    (b"shop-contact/a\0.php", "control or invisible"),
    (b"shop-contact/a\n.php", "control or invisible"),
    (b"shop-contact/a\x7f.php", "control or invisible"),
    ("shop-contact/a\u202ephp.txt".encode(), "control or invisible"),
    ("shop-contact/a\u0085.php".encode(), "control or invisible"),
    (b"shop-contact//a.php", "not written plainly"),
    (b"shop-contact/./a.php", "not written plainly"),
    (b"./shop-contact/a.php", "not written plainly"),
    (b"shop-contact/a.php//", "not written plainly"),
    (b"", "not written plainly"),
    (b"shop-contact/" + b"a" * 256, "too long"),
    (b"shop-contact/" + b"a/" * 60 + b"a", "too long"),
    (b"shop-contact/" + b"/".join([b"a" * 250] * 5), "too long"),
    (b"shop-contact/caf\xe9.php", "not UTF-8"),
    (b"shop-contact/\xed\xa0\x80.php", "not UTF-8"),
    (b"other/a.php", "lies outside 'shop-contact'"),
    (b"Shop-Contact/a.php", "lies outside 'shop-contact'"),
    (b"shop-contact-evil/a.php", "lies outside 'shop-contact'"),
    (b"readme.txt", "lies outside 'shop-contact'"),
    (b"__MACOSX/shop-contact/._a", "lies outside 'shop-contact'"),
]


@pytest.mark.parametrize(("name", "why"), NAMES, ids=[ascii(name)[:40] for name, _ in NAMES])
def test_a_hostile_name_is_refused(tmp_path: Path, name: bytes, why: str) -> None:
    attributes = FOLDER if name.endswith(b"/") else REGULAR
    content = b"" if name.endswith(b"/") else b"x"
    assert why in refusal(tmp_path, build(MAIN, Part(name, content, attributes=attributes)))


KINDS = [
    (0o120777 << 16, "is a link"),
    (0x400, "is a link"),
    (0o020666 << 16, "neither a file nor a folder"),
    (0o060666 << 16, "neither a file nor a folder"),
    (0o010666 << 16, "neither a file nor a folder"),
    (0o140666 << 16, "neither a file nor a folder"),
    (0o170000 << 16, "neither a file nor a folder"),
    (0x08, "neither a file nor a folder"),
    (0o104755 << 16, "special mode (4755)"),
    (0o102755 << 16, "special mode (2755)"),
    (0o101644 << 16, "special mode (1644)"),
    (0o040755 << 16, "a file and a folder"),
    (0x10, "a file and a folder"),
]


@pytest.mark.parametrize(("attributes", "why"), KINDS, ids=[f"{each:#x}" for each, _ in KINDS])
def test_what_is_not_a_plain_file_is_refused(tmp_path: Path, attributes: int, why: str) -> None:
    data = build(MAIN, Part(b"shop-contact/a", b"/etc/passwd", attributes=attributes))
    assert why in refusal(tmp_path, data)


TREES = [
    ([b"a.php", b"a.php"], "twice"),
    ([b"a.php", b"A.PHP"], "would be one file"),
    ([b"Css/a.css", b"css/b.css"], "would be one file"),
    (["caf\u00e9.php".encode(), "cafe\u0301.php".encode()], "would be one file"),
    (["stra\u00dfe.php".encode(), b"STRASSE.php"], "would be one file"),
    ([b"a", b"a/b.php"], "as a file and as a folder"),
    ([b"a/b.php", b"a"], "as a file and as a folder"),
]


@pytest.mark.parametrize(("names", "why"), TREES, ids=[ascii(names)[:40] for names, _ in TREES])
def test_names_that_cannot_live_together_are_refused(tmp_path: Path, names: list[bytes], why: str) -> None:
    assert why in refusal(tmp_path, build(*(Part(b"shop-contact/" + name) for name in names)))


def test_a_folder_listed_twice_is_refused(tmp_path: Path) -> None:
    assert "twice" in refusal(tmp_path, build(folder(b"shop-contact/"), MAIN, folder(b"shop-contact/")))


def test_a_file_in_the_place_of_the_modules_folder_is_refused(tmp_path: Path) -> None:
    assert "as a file and as a folder" in refusal(tmp_path, build(Part(b"shop-contact")))


def test_a_package_without_a_file_is_refused(tmp_path: Path) -> None:
    assert "not one file" in refusal(tmp_path, build(folder(b"shop-contact/")))


def test_a_bomb_of_zeros_is_refused(tmp_path: Path) -> None:
    data = build(MAIN, Part(b"shop-contact/a", bytes(1 << 20), method=8))
    assert "as a zip bomb does" in refusal(tmp_path, data)


def test_many_small_bombs_are_refused_together(tmp_path: Path) -> None:
    parts = [Part(b"shop-contact/%d" % number, bytes(60_000), method=8) for number in range(30)]
    assert "The package unpacks to more than 100 times" in refusal(tmp_path, build(*parts))


def test_a_small_blank_file_is_no_bomb(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(build(MAIN, Part(b"shop-contact/a", bytes(20_000), method=8)))
    assert len(inspect(tmp_path / "p.zip", name=NAME).tree) == 2


def test_a_declared_size_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    part = Part(b"shop-contact/a", X, 8, central={"size": 0xFFFFFFF0}, local={"size": 0xFFFFFFF0})
    assert "at most 134217728" in refusal(tmp_path, build(MAIN, part))


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(entries=2), "has 3 entries; at most 2"),
        (Limits(archive=100), "larger than 100 bytes"),
        (Limits(file=100), "at most 100 are accepted"),
        (Limits(total=150), "at most 150 are accepted"),
    ],
)
def test_a_package_over_a_limit_is_refused(tmp_path: Path, limits: Limits, why: str) -> None:
    assert why in refusal(tmp_path, GOOD, limits=limits)


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo"])
def test_what_is_not_a_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "package.zip"
    if kind == "folder":
        path.mkdir()
    if kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(PackageRefused, match=r"does not exist|not a file|cannot be read"):
        inspect(path, name=NAME)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for one example of a property; Hypothesis and ``tmp_path`` do not go together."""
    place = Path(tempfile.mkdtemp(prefix="palier-extract-"))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def unpacked(place: Path, data: bytes, *, name: str = NAME) -> tree.Tree:
    package = place / "package.zip"
    package.write_bytes(data)
    archive = inspect(package, name=name)
    got = tree.local(extract(archive, place / "target"))
    assert got == archive.tree
    return got


LETTER = st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='/\\:"')
PART = st.text(LETTER, min_size=1, max_size=12).filter(lambda part: part not in (".", ".."))
FILES = st.dictionaries(
    st.lists(PART, min_size=1, max_size=4).map("/".join), st.binary(max_size=300), min_size=1, max_size=12
)


def harmless(files: dict[str, bytes]) -> bool:
    """Whether no name is a folder of another and no two are one to a file system that does not tell case apart."""
    seen: dict[str, str] = {}
    for path in files:
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            part = "/".join(parts[:count])
            key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
            if seen.setdefault(key, part) != part or (count < len(parts) and part in files):
                return False
    return True


@settings(max_examples=80, deadline=None)
@given(FILES.filter(harmless), st.booleans())
def test_what_an_ordinary_program_packs_comes_out_the_same(files: dict[str, bytes], compress: bool) -> None:
    with workplace() as place:
        got = unpacked(place, ordinary(files, compress=compress))
    assert dict(got.entries) == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


@contextmanager
def watched(place: Path) -> Iterator[Path]:
    """A target with a neighbour and a parent in which nothing may change."""
    (place / "neighbour").mkdir()
    (place / "neighbour" / "index.php").write_text("ours")
    target = place / "inner" / "target"
    target.mkdir(parents=True)
    yield target
    beside = {path.relative_to(place).as_posix() for path in place.rglob("*") if target not in path.parents}
    assert beside == {"neighbour", "neighbour/index.php", "inner", "inner/target", "package.zip"}
    assert (place / "neighbour" / "index.php").read_text() == "ours"


def survives(data: bytes, expected: tree.Tree) -> None:
    """``data`` is refused, or is the very same tree; and nothing is left of a refusal."""
    with workplace() as place, watched(place) as target:
        package = place / "package.zip"
        package.write_bytes(data)
        try:
            extract(inspect(package, name=NAME), target)
        except PackageRefused:
            assert not list(target.iterdir())
        else:
            assert tree.local(target / NAME) == expected
            assert all(not path.is_symlink() for path in target.rglob("*"))


SAMPLES = [
    GOOD,
    ordinary({"shop-contact.php": b"<?php\n" * 40, "a/b/c.txt": b"text", "a/d.png": bytes(range(256))}),
    build(MAIN, streamed(b"shop-contact/s.js", X), streamed(b"shop-contact/t.js", X, mark=False)),
]
EXPECTED: dict[int, tree.Tree] = {}


def expected(sample: int) -> tree.Tree:
    if sample not in EXPECTED:
        with workplace() as place:
            EXPECTED[sample] = unpacked(place, SAMPLES[sample])
    return EXPECTED[sample]


EDIT = st.tuples(st.floats(0, 1), st.integers(0, 255), st.sampled_from(["set", "flip", "insert", "delete", "copy"]))


def edited(data: bytes, edits: list[tuple[float, int, str]]) -> bytes:
    changed = bytearray(data)
    for where, value, kind in edits:
        at = min(int(where * len(changed)), len(changed) - 1)
        if kind == "set":
            changed[at] = value
        elif kind == "flip":
            changed[at] ^= 1 << (value % 8)
        elif kind == "insert":
            changed[at:at] = bytes([value])
        elif kind == "delete" and len(changed) > 1:
            del changed[at]
        else:
            changed[at : at + value] = changed[: len(changed[at : at + value])]
    return bytes(changed)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(SAMPLES) - 1), st.lists(EDIT, min_size=1, max_size=6))
def test_a_mutilated_package_is_refused_or_unchanged(sample: int, edits: list[tuple[float, int, str]]) -> None:
    survives(edited(SAMPLES[sample], edits), expected(sample))


@pytest.mark.parametrize("mark", [True, False], ids=["marked", "unmarked"])
def test_a_package_written_to_a_pipe_is_read(tmp_path: Path, mark: bool) -> None:
    data = build(MAIN, streamed(b"shop-contact/s.js", X, mark=mark), Part(b"shop-contact/z"))
    assert unpacked(tmp_path, data).entries["s.js"] == hashlib.sha256(X).hexdigest()


def test_a_package_inside_a_package_does_not_confuse_the_end(tmp_path: Path) -> None:
    assert list(unpacked(tmp_path, build(MAIN, Part(b"shop-contact/inner.zip", GOOD))).entries) == [
        "inner.zip",
        "shop-contact.php",
    ]


def test_a_comment_at_the_end_is_read_over(tmp_path: Path) -> None:
    assert len(unpacked(tmp_path, build(MAIN, comment=b"0123456789abcdef" * 3))) == 1


def test_a_utf8_name_is_read_with_and_without_its_flag(tmp_path: Path) -> None:
    data = build(Part("shop-contact/été.php".encode(), flags=0x800), Part("shop-contact/où.php".encode()))
    assert set(unpacked(tmp_path, data).entries) == {"été.php", "où.php"}


@pytest.mark.skipif(shutil.which("zip") is None, reason="Info-ZIP is not installed")
def test_what_info_zip_packs_is_read(tmp_path: Path) -> None:
    made = tmp_path / NAME
    (made / "empty").mkdir(parents=True)
    (made / "shop-contact.php").write_bytes(b"<?php\n" * 100)
    (made / "run.sh").write_bytes(b"#!/bin/sh\n")
    (made / "run.sh").chmod(0o755)
    subprocess.run(["zip", "-qr", "package.zip", NAME], cwd=tmp_path, check=True)
    archive = inspect(tmp_path / "package.zip", name=NAME)
    place = extract(archive, tmp_path / "target")
    assert tree.local(place) == tree.local(made)
    assert archive.folders == ("empty",)


def modes(place: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in [place, *place.rglob("*")]}


def test_modes_are_ours_whatever_the_package_and_the_umask_say(tmp_path: Path) -> None:
    data = build(
        Part(b"shop-contact/", b"", attributes=0o042777 << 16 | 0x10),
        Part(b"shop-contact/a.php", attributes=0o100777 << 16),
        Part(b"shop-contact/b/c.php", attributes=0o100000 << 16),
    )
    (tmp_path / "package.zip").write_bytes(data)
    before = os.umask(0o077)
    try:
        place = extract(inspect(tmp_path / "package.zip", name=NAME), tmp_path / "target")
    finally:
        os.umask(before)
    assert modes(place) == {NAME: 0o755, "a.php": 0o644, "b": 0o755, "c.php": 0o644}


def test_nothing_is_unpacked_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(GOOD)
    archive = inspect(tmp_path / "package.zip", name=NAME)
    (tmp_path / "target").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "target" / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PackageRefused, match="exists already"):
        extract(archive, tmp_path / "target")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_bytes_that_were_inspected_are_unpacked_even_if_the_file_changes(tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(GOOD)
    archive = inspect(tmp_path / "package.zip", name=NAME)
    (tmp_path / "package.zip").write_bytes(ordinary({"evil.php": b"<?php"}))
    assert tree.local(extract(archive, tmp_path / "target")) == archive.tree


def test_an_unpacking_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(GOOD)
    archive = inspect(tmp_path / "package.zip", name=NAME)
    (tmp_path / "target").write_text("a file where the folder should go")
    with pytest.raises(PackageRefused, match="cannot be unpacked"):
        extract(archive, tmp_path / "target")
    assert (tmp_path / "target").read_text() == "a file where the folder should go"


def test_a_file_with_another_hash_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(b"not even a zip file")
    with pytest.raises(PackageRefused, match="is another file"):
        inspect(tmp_path / "package.zip", name=NAME, sha256="0" * 64)
