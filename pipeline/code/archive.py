"""The records of a zip file, read strictly: whatever could be read in two ways is refused.

A zip tells the same thing twice (central directory and local headers) and programs differ in what they believe. Here
both must agree, the entries must lie one after the other from the first byte to the directory without a gap or an
overlap, and the directory must end the file. That leaves one reading, and no byte that nobody has looked at.
"""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass

from pipeline.errors import Refused

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END_MARK, _CENTRAL_MARK, _LOCAL_MARK = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
_DESCRIPTOR_MARK, _ZIP64_LOCATOR = b"PK\x07\x08", b"PK\x06\x07"
_LONGEST_COMMENT = 0xFFFF
_IN_ZIP64 = 0xFFFFFFFF

_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_DESCRIPTOR = 1 << 3
_KNOWN_FLAGS = 0b110 | _DESCRIPTOR | 1 << 11
"""How hard deflate tried, sizes after the data, name in UTF-8."""

_EXTRA_ZIP64, _EXTRA_NAME = 0x0001, 0x7075
_DOS_VOLUME, _DOS_FOLDER, _DOS_REPARSE = 0x08, 0x10, 0x400


class PackageRefused(Refused):
    """A package is not what it must be; nothing of it was installed."""


@dataclass(frozen=True)
class Record:
    """One entry as both headers tell it. ``start`` and ``end`` are offsets of its compressed bytes in the file."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    folder: bool
    header: int
    start: int
    end: int
    """One past the entry's last byte, the data descriptor included."""


@dataclass(frozen=True)
class _Central:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    header: int


def records(data: bytes, *, most: int) -> tuple[Record, ...]:
    """Every entry of the zip file ``data``, in the order of the directory.

    :param most: how many entries are accepted.
    :raises PackageRefused: if the file can be read in more than one way, or not at all.
    """
    count, start, end = _directory(data)
    if count > most:
        raise PackageRefused(f"The package has {count} entries; at most {most} are accepted.")
    central = _central(data, count, start, end)
    found = tuple(_record(data, entry, start) for entry in central)
    _side_by_side(found, start)
    return found


def _directory(data: bytes) -> tuple[int, int, int]:
    """Number of entries, offset of the directory, offset of its end."""
    ends = _ends(data)
    if not ends:
        raise PackageRefused("The package is not a zip file, or it was cut short, or it goes on after its end.")
    if len(ends) > 1 or data.rfind(_END_MARK) != ends[0]:
        raise PackageRefused("The package has more than one end: programs would not agree on what is in it.")
    end = ends[0]
    _, disk, first_disk, here, count, size, start, _ = _END.unpack_from(data, end)
    if data[max(0, end - 20) : end].startswith(_ZIP64_LOCATOR) or count == 0xFFFF or _IN_ZIP64 in (size, start):
        raise PackageRefused("The package is a zip64 file, which a module of this size has no need to be.")
    if disk or first_disk or here != count:
        raise PackageRefused("The package is one part of several; only whole zip files are accepted.")
    if start + size != end:
        raise PackageRefused("The package's directory is not where the package says: bytes were put in or taken out.")
    if not count:
        raise PackageRefused("The package is empty.")
    return count, start, end


def _ends(data: bytes) -> list[int]:
    """Where the file could end: each end record whose comment reaches the last byte exactly."""
    found = []
    at = data.find(_END_MARK, max(0, len(data) - _END.size - _LONGEST_COMMENT))
    while at >= 0 and at + _END.size <= len(data):
        if at + _END.size + _END.unpack_from(data, at)[7] == len(data):
            found.append(at)
        at = data.find(_END_MARK, at + 1)
    return found


def _central(data: bytes, count: int, start: int, end: int) -> list[_Central]:
    found: list[_Central] = []
    at = start
    while at < end:
        if end - at < _CENTRAL.size or data[at : at + 4] != _CENTRAL_MARK:
            raise PackageRefused("The package's directory is damaged.")
        fields = _CENTRAL.unpack_from(data, at)
        flags, method, crc, packed, size, name_size, extra_size, comment_size, disk = (*fields[3:5], *fields[7:14])
        attributes, header = fields[15], fields[16]
        name_at = at + _CENTRAL.size
        extra_at = name_at + name_size
        at = extra_at + extra_size + comment_size
        if at > end:
            raise PackageRefused("The package's directory is damaged.")
        name = data[name_at:extra_at]
        _check_extra(data[extra_at : extra_at + extra_size], name)
        if disk or _IN_ZIP64 in (packed, size, header):
            raise PackageRefused(f"{_shown(name)} claims to lie outside the package.")
        found.append(_Central(name, flags, method, crc, packed, size, attributes, header))
    if len(found) != count:
        raise PackageRefused(f"The package says that it has {count} entries and lists {len(found)}.")
    return found


def _record(data: bytes, entry: _Central, directory: int) -> Record:
    shown = _shown(entry.name)
    name = _name(entry.name)
    _check_flags(entry, shown)
    folder = _check_kind(entry, name, shown)
    start = _check_local(data, entry, directory, shown)
    end = start + entry.packed
    if end > directory:
        raise PackageRefused(f"{shown} claims more bytes than the package holds.")
    if entry.flags & _DESCRIPTOR:
        end += _descriptor(data, end, entry, shown)
    return Record(name, entry.method, entry.crc, entry.packed, entry.size, folder, entry.header, start, end)


def _name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PackageRefused(f"The name {_shown(raw)} in the package is not UTF-8.") from error


def _check_flags(entry: _Central, shown: str) -> None:
    if entry.flags & _ENCRYPTED:
        raise PackageRefused(f"{shown} is encrypted.")
    if entry.flags & ~_KNOWN_FLAGS:
        raise PackageRefused(f"{shown} uses a feature of zip files that is not accepted (flags {entry.flags:#06x}).")
    if entry.method not in (STORED, DEFLATED):
        raise PackageRefused(f"{shown} is compressed by method {entry.method}; only stored and deflated are accepted.")
    if entry.method == STORED and entry.packed != entry.size:
        raise PackageRefused(f"{shown} is stored as it is and yet has two sizes.")


def _check_kind(entry: _Central, name: str, shown: str) -> bool:
    """Whether the entry is a folder. Modes are believed whatever system the entry says it comes from."""
    mode, folder = entry.attributes >> 16, name.endswith("/")
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK or entry.attributes & _DOS_REPARSE:
        raise PackageRefused(f"{shown} is a link.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or entry.attributes & _DOS_VOLUME:
        raise PackageRefused(f"{shown} is neither a file nor a folder.")
    if (kind == stat.S_IFREG and folder) or (not folder and (kind == stat.S_IFDIR or entry.attributes & _DOS_FOLDER)):
        raise PackageRefused(f"{shown} claims to be a file and a folder.")
    if not folder and mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX):
        raise PackageRefused(f"{shown} asks for a special mode ({stat.S_IMODE(mode):04o}).")
    if folder and entry.size:
        raise PackageRefused(f"{shown} is a folder that holds bytes of its own.")
    return folder


def _check_local(data: bytes, entry: _Central, directory: int, shown: str) -> int:
    """The offset of the entry's bytes, once its local header says what the directory says."""
    at = entry.header
    if at + _LOCAL.size > directory or data[at : at + 4] != _LOCAL_MARK:
        raise PackageRefused(f"{shown} is not where the package's directory says.")
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(data, at)
    name_at = at + _LOCAL.size
    extra_at = name_at + name_size
    start: int = extra_at + extra_size
    name = data[name_at:extra_at]
    told = (crc, packed, size)
    later = bool(flags & _DESCRIPTOR) and told == (0, 0, 0)
    same = told == (entry.crc, entry.packed, entry.size) or later
    if start > directory or (name, flags, method) != (entry.name, entry.flags, entry.method) or not same:
        raise PackageRefused(f"{shown} is described in two different ways.")
    _check_extra(data[extra_at:start], name)
    return start


def _descriptor(data: bytes, at: int, entry: _Central, shown: str) -> int:
    """How long the data descriptor at ``at`` is. Its mark is optional, so a checksum could look like the mark."""
    told = struct.pack("<3L", entry.crc, entry.packed, entry.size)
    for whole in (_DESCRIPTOR_MARK + told, told):
        if data[at : at + len(whole)] == whole:
            return len(whole)
    raise PackageRefused(f"{shown} is described in two different ways.")


def _check_extra(extra: bytes, name: bytes) -> None:
    """Extra fields may say what they like, but neither other sizes nor another name."""
    at = 0
    while at < len(extra):
        if len(extra) - at < 4:
            raise PackageRefused(f"{_shown(name)} has a damaged extra field.")
        kind, size = struct.unpack_from("<2H", extra, at)
        content = extra[at + 4 : at + 4 + size]
        at += 4 + size
        if len(content) != size:
            raise PackageRefused(f"{_shown(name)} has a damaged extra field.")
        if kind == _EXTRA_ZIP64:
            raise PackageRefused(f"{_shown(name)} is a zip64 entry, which a module's file has no need to be.")
        if kind == _EXTRA_NAME and content[5:] != name:
            raise PackageRefused(f"{_shown(name)} has a second name.")


def _side_by_side(found: tuple[Record, ...], directory: int) -> None:
    at = 0
    for record in sorted(found, key=lambda record: record.header):
        if record.header < at:
            raise PackageRefused(f"{shown_name(record.name)} overlaps another entry: the package is a bomb.")
        if record.header > at:
            raise PackageRefused(f"There are bytes before {shown_name(record.name)} that belong to no entry.")
        at = record.end
    if at != directory:
        raise PackageRefused("There are bytes before the package's directory that belong to no entry.")


def content(data: bytes, record: Record) -> bytes:
    """The entry's bytes: as many as declared, with the declared checksum, from all of its compressed bytes.

    At most one byte more than declared is ever unpacked.

    :raises PackageRefused: if anything of that is not so.
    """
    packed = memoryview(data)[record.start : record.start + record.packed]
    unpacked = bytes(packed) if record.method == STORED else _inflate(packed, record)
    if len(unpacked) != record.size:
        raise PackageRefused(f"{shown_name(record.name)} holds fewer bytes than it declares.")
    if zlib.crc32(unpacked) != record.crc:
        raise PackageRefused(f"{shown_name(record.name)} is damaged: its checksum is wrong.")
    return unpacked


def _inflate(packed: memoryview, record: Record) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacked = stream.decompress(packed, record.size + 1)
    except zlib.error as error:
        raise PackageRefused(f"{shown_name(record.name)} is damaged: it cannot be unpacked.") from error
    if len(unpacked) > record.size:
        raise PackageRefused(f"{shown_name(record.name)} holds more bytes than it declares.")
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise PackageRefused(f"{shown_name(record.name)} is damaged: its data do not end where they should.")
    return unpacked


def shown_name(name: str) -> str:
    """A hostile name as it may stand in a sentence: quoted, printable ASCII, not too long."""
    return ascii(name if len(name) <= 120 else name[:117] + "...")


def _shown(raw: bytes) -> str:
    return shown_name(raw.decode("utf-8", "backslashreplace"))
