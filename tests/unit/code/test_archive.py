"""A zip file that could be read in two ways is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.unit.code.zips import FOLDER, GOOD, MAIN, REGULAR, Part, X, build, deflated, described, refusal

ZIP64 = struct.pack("<2HQ", 1, 8, 5)
SECOND_NAME = struct.pack("<2HBL", 0x7075, 5 + 6, 1, 0) + b"../etc"
LIES = {
    "encrypted": (Part(b"shop-contact/a", flags=1), "is encrypted"),
    "strongly encrypted": (Part(b"shop-contact/a", flags=0x41), "is encrypted"),
    "masked headers": (Part(b"shop-contact/a", flags=0x2000), "is encrypted"),
    "a patch": (Part(b"shop-contact/a", flags=0x20), "not accepted"),
    "bzip2": (Part(b"shop-contact/a", method=12), "method 12"),
    "stored in two sizes": (Part(b"shop-contact/a", X, central={"size": 50}, local={"size": 50}), "two sizes"),
    "another name before the data": (Part(b"shop-contact/a", local={"name": b"shop-contact/b"}), "two different ways"),
    "another size before the data": (Part(b"shop-contact/a", local={"size": 3}), "two different ways"),
    "another checksum before the data": (Part(b"shop-contact/a", local={"crc": 3}), "two different ways"),
    "another method before the data": (Part(b"shop-contact/a", local={"method": 8}), "two different ways"),
    "encryption only before the data": (Part(b"shop-contact/a", local={"flags": 1}), "two different ways"),
    "more than declared": (
        Part(b"shop-contact/a", X[:10], 8, body=deflated(X)), "more bytes than it declares",
    ),
    "less than declared": (Part(b"shop-contact/a", X, 8, body=deflated(X[:10])), "fewer bytes than it declares"),
    "bytes after the compressed data": (Part(b"shop-contact/a", X, 8, body=deflated(X) + b"evil"), "do not end"),
    "data cut short": (Part(b"shop-contact/a", X, 8, body=deflated(X)[:-1]), "do not end"),
    "no deflate data": (Part(b"shop-contact/a", X, 8, body=b"\xff" * 20), "cannot be unpacked"),
    "wrong checksum": (Part(b"shop-contact/a", X, local={"crc": 1}, central={"crc": 1}), "checksum is wrong"),
    "zip64 in the directory": (Part(b"shop-contact/a", extra=ZIP64), "zip64"),
    "zip64 before the data": (Part(b"shop-contact/a", local_extra=ZIP64), "zip64"),
    "a second name": (Part(b"shop-contact/a", extra=SECOND_NAME), "second name"),
    "a damaged extra field": (Part(b"shop-contact/a", extra=b"\1\2\xff\0"), "damaged extra"),
    "a torn extra field": (Part(b"shop-contact/a", extra=b"\1"), "damaged extra"),
    "sizes kept elsewhere": (Part(b"shop-contact/a", central={"size": 0xFFFFFFFF}), "outside the package"),
    "another disk": (Part(b"shop-contact/a", central={"disk": 1}), "outside the package"),
    "no header there": (Part(b"shop-contact/a", central={"header": 3}), "not where"),
    "a header past the end": (Part(b"shop-contact/a", central={"header": 1 << 30}), "not where"),
    "more bytes than there are": (
        Part(b"shop-contact/a", X, 8, central={"packed": 9999}, local={"packed": 9999}), "more bytes than the package",
    ),
    "a folder with bytes": (Part(b"shop-contact/a/", X, attributes=FOLDER), "bytes of its own"),
    "a folder that is a file": (Part(b"shop-contact/a/", b"", attributes=REGULAR), "a file and a folder"),
    "no descriptor": (Part(b"shop-contact/a", X, flags=8, local={"crc": 0, "packed": 0, "size": 0}), "two different"),
    "a lying descriptor": (
        Part(b"shop-contact/a", X, flags=8, local={"crc": 0, "packed": 0, "size": 0}, descriptor=described(b"y", X)),
        "two different ways",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("part", "why"), LIES.values(), ids=LIES.keys())
def test_an_entry_that_lies_is_refused(tmp_path: Path, part: Part, why: str) -> None:
    assert why in refusal(tmp_path, build(MAIN, part))


END_COUNT = {"here": 2, "count": 2}
SHAPES = {
    "nothing": (b"", "not a zip file"),
    "text": (b"<html>404</html>", "not a zip file"),
    "no entry": (build(), "is empty"),
    "cut short": (GOOD[:-1], "not a zip file"),
    "something after the end": (GOOD + b"#!/bin/sh", "goes on after its end"),
    "a program before the first entry": (build(MAIN, before=b"MZ"), "before 'shop-contact/shop-contact.php'"),
    "bytes of no entry": (build(MAIN, between=b"hidden"), "before the package's directory"),
    "two ends": (build(MAIN, comment=b"PK\5\6" + bytes(18)), "more than one end"),
    "an end in the comment": (build(MAIN, comment=b"PK\5\6 and so on, for quite a while"), "more than one end"),
    "one part of several": (build(MAIN, end={"disk": 1}), "one part of several"),
    "a count for this part": (build(MAIN, end={"here": 0}), "one part of several"),
    "more entries than listed": (build(MAIN, end=END_COUNT), "says that it has 2 entries and lists 1"),
    "fewer entries than listed": (build(MAIN, Part(b"shop-contact/b"), end={"here": 1, "count": 1}), "lists 2"),
    "a directory elsewhere": (build(MAIN, end={"start": 0}), "not where the package says"),
    "zip64 counts": (build(MAIN, end={"here": 0xFFFF, "count": 0xFFFF}), "zip64"),
    "zip64 offset": (build(MAIN, end={"start": 0xFFFFFFFF}), "zip64"),
    "a zip64 locator": (build(MAIN)[:-22] + b"PK\6\7" + bytes(16) + build(MAIN)[-22:], "zip64"),
}


@pytest.mark.parametrize(("data", "why"), SHAPES.values(), ids=SHAPES.keys())
def test_a_file_of_another_shape_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    assert why in refusal(tmp_path, data)


def test_two_entries_over_the_same_bytes_are_refused(tmp_path: Path) -> None:
    data = build(MAIN, Part(MAIN.name, central={"header": 0}))
    assert "overlaps another entry" in refusal(tmp_path, data)


def test_a_bomb_of_quoted_overlapping_entries_is_refused(tmp_path: Path) -> None:
    """Each entry's stored block holds the next entry whole, so that one kernel of bytes is unpacked many times."""
    inner = build(Part(b"shop-contact/b", X))[: -22 - 46 - 14]
    outer = Part(b"shop-contact/a", inner)
    data = build(MAIN, outer, Part(b"shop-contact/b", X, central={"header": len(build(MAIN)) - 22 - 46 - 29 + 30 + 14}))
    assert "overlaps another entry" in refusal(tmp_path, data)
