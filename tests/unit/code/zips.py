"""Zip files byte by byte, so that tests can lie in any field of them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline.code.extract import Limits, PackageRefused, inspect
from pipeline.errors import ExitCode

REGULAR = 0o100644 << 16
FOLDER = 0o040755 << 16 | 0x10


@dataclass
class Part:
    """One entry. ``local`` and ``central`` override fields of one header; ``body`` the compressed bytes."""

    name: bytes
    content: bytes = b"<?php\n"
    method: int = 0
    flags: int = 0
    attributes: int = REGULAR
    extra: bytes = b""
    local_extra: bytes = b""
    body: bytes | None = None
    descriptor: bytes = b""
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)

    @property
    def packed(self) -> bytes:
        if self.body is not None:
            return self.body
        return deflated(self.content) if self.method == 8 else self.content

    def told(self) -> dict[str, Any]:
        return {
            "name": self.name, "flags": self.flags, "method": self.method, "crc": zlib.crc32(self.content),
            "packed": len(self.packed), "size": len(self.content),
        }  # fmt: skip


def deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(content) + stream.flush()


def folder(name: bytes) -> Part:
    return Part(name, b"", attributes=FOLDER)


def build(
    *parts: Part, before: bytes = b"", between: bytes = b"", comment: bytes = b"", end: Mapping[str, int] | None = None
) -> bytes:
    """The zip of ``parts``; ``before`` the first entry and ``between`` entries and directory other bytes may lie."""
    body, directory = before, b""
    for part in parts:
        at = len(body)
        local = {**part.told(), **part.local}
        body += struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, local["flags"], local["method"], 0, 33, local["crc"], local["packed"],
            local["size"], len(local["name"]), len(part.local_extra),
        )  # fmt: skip
        body += local["name"] + part.local_extra + part.packed + part.descriptor
        told = {**part.told(), "header": at, "disk": 0, **part.central}
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 0x031E, 20, told["flags"], told["method"], 0, 33, told["crc"], told["packed"],
            told["size"], len(told["name"]), len(part.extra), 0, told["disk"], 0, part.attributes, told["header"],
        )  # fmt: skip
        directory += told["name"] + part.extra
    body += between
    last = {"disk": 0, "first": 0, "here": len(parts), "count": len(parts), "size": len(directory), "start": len(body)}
    last |= end or {}
    return body + directory + struct.pack("<4s4H2LH", b"PK\5\6", *last.values(), len(comment)) + comment


def ordinary(files: Mapping[str, bytes], *, top: str = "shop-contact", compress: bool = True) -> bytes:
    """What people's own tools make of ``files``."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as package:
        for path, content in files.items():
            package.writestr(f"{top}/{path}", content)
    return sink.getvalue()


def described(content: bytes, packed: bytes, *, mark: bool = True) -> bytes:
    return (b"PK\7\10" if mark else b"") + struct.pack("<3L", zlib.crc32(content), len(packed), len(content))


def streamed(name: bytes, content: bytes, *, mark: bool = True) -> Part:
    """An entry as written by a program that learnt the sizes only at the end."""
    packed = deflated(content)
    zeros = {"crc": 0, "packed": 0, "size": 0}
    return Part(name, content, 8, flags=8, local=zeros, descriptor=described(content, packed, mark=mark))


NAME = "shop-contact"
MAIN = Part(b"shop-contact/shop-contact.php")
GOOD = build(folder(b"shop-contact/"), MAIN, Part(b"shop-contact/css/a.css", b"a{}" * 50, method=8))
X = b"x" * 100


def refusal(tmp_path: Path, data: bytes, *, name: str = NAME, limits: Limits | None = None) -> str:
    """The sentence that refuses ``data``; nothing may have been written beside it."""
    package = tmp_path / "package.zip"
    package.write_bytes(data)
    with pytest.raises(PackageRefused) as refused:
        inspect(package, name=name, limits=limits)
    assert [path.name for path in tmp_path.iterdir()] == ["package.zip"]
    assert refused.value.exit_code is ExitCode.REFUSED
    assert refused.value.what.isprintable()
    return refused.value.what
