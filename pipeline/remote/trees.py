"""Copying trees: the commands of rsync and tar, and what they report."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import PalierError
from pipeline.remote.command import Command, command, script
from pipeline.remote.host import Result

TIMEOUT = 6 * 3600.0
"""Seconds that the copy of one tree may take; a shop's images can be many."""

_RECEIVE = """
partial="$1.partial-$2"
trap 'rm -f -- "$partial"' EXIT
trap '' HUP PIPE
umask 077
set -C
: > "$partial"
set +C
chmod -- "$3" "$partial"
cat >> "$partial"
[ "$(wc -c < "$partial")" -eq "$4" ] || { rm -f -- "$partial"; echo "the transfer broke off" >&2; exit 1; }
sync -- "$partial"
mv -fT -- "$partial" "$1"
sync -- "$(dirname -- "$1")"
"""

VANISHED = 24
"""rsync's status when files were deleted while it read them: normal on a shop that is open."""


@dataclass(frozen=True)
class Copied:
    """The size of a copied tree: its regular files, and their bytes (rsync adds those of links)."""

    files: int
    bytes: int


def receive(path: str, mode: int, size: int) -> Command:
    """Standard input as the file ``path``: beside it, with ``mode`` from the start, synced, then renamed over it.

    A connection that dies looks like the end of the input: without all ``size`` bytes nothing is renamed.
    """
    return script(_RECEIVE, path, secrets.token_hex(4), f"{mode:o}", size)


def rsync(
    source: str,
    target: str,
    *,
    exclude: Sequence[str] = (),
    delete: bool = False,
    by_content: bool = False,
    owners: bool = True,
    shell: str | None = None,
) -> Command:
    """Make the contents of ``source`` those of ``target`` (folders end with ``/``).

    :param exclude: rsync's patterns: ``/a/b`` from the top of the tree, ``name`` at any depth.
    :param delete: remove what ``target`` has too much, except what is excluded.
    :param by_content: files of equal size and time are read and compared all the same.
    :param owners: keep owners, groups and devices, where the user may.
    :param shell: the remote shell, when one side is ``host:path``.
    """
    words = [
        "env",
        "LC_ALL=C",
        "rsync",
        "-a" if owners else "-rlpt",
        "--secluded-args",
        "--stats",
        "--no-human-readable",
    ]
    words += ["--delete"] if delete else []
    words += ["--checksum"] if by_content else []
    words += [f"--exclude={pattern}" for pattern in exclude]
    words += [f"--rsh={shell}"] if shell is not None else []
    return command(*words, "--", source, target)


def rsync_report(text: str) -> Copied:
    """What ``--stats`` said. A field that is missing counts as 0: the words differ between versions."""
    files = re.search(r"^Number of files: [\d,.]+ \(.*?reg: ([\d,.]+)", text, re.MULTILINE)
    size = re.search(r"^Total file size: ([\d,.]+)", text, re.MULTILINE)
    return Copied(_number(files), _number(size))


def _number(found: re.Match[str] | None) -> int:
    return int(re.sub(r"\D", "", found[1])) if found else 0


def _excluding(exclude: Sequence[str]) -> list[str]:
    words = ["--no-wildcards-match-slash"]
    for pattern in exclude:
        name = pattern.rstrip("/")
        deep = "**" in name
        words += ["--wildcards-match-slash"] if deep else []
        words += (
            ["--anchored", f"--exclude=.{name}"] if name.startswith("/") else ["--no-anchored", f"--exclude={name}"]
        )
        words += ["--no-wildcards-match-slash"] if deep else []
    return words


def pack(path: str, exclude: Sequence[str] = ()) -> Command:
    """The tree as a tar stream. Status 1 (a file changed while it was read) is normal on a shop that is open."""
    return script('tar -C "$@" || [ $? -eq 1 ]', path, *_excluding(exclude), "-cf", "-", ".")


def unpack(path: str, *, owners: bool = True) -> Command:
    """A tar stream into the folder ``path``, which is made; files are replaced, never written through links."""
    words = ["--same-owner"] if owners else ["--no-same-owner"]
    return script('mkdir -p -- "$1" && exec tar -C "$@"', path, *words, "-xpf", "-")


def names(path: str, exclude: Sequence[str] = ()) -> Command:
    """The names in a tree, without what is excluded, one a line, escaped; folders end with ``/``. Reads no contents."""
    return script(
        'env LC_ALL=C tar -C "$@" || [ $? -eq 1 ]',
        path,
        "--quoting-style=escape",
        *_excluding(exclude),
        "-cvf",
        "/dev/null",
        ".",
    )


def sizes(path: str, exclude: Sequence[str] = ()) -> Command:
    """Like :func:`names`, with types and sizes, for :func:`tree_report`."""
    words = ["--quoting-style=escape", "--numeric-owner", *_excluding(exclude), "-cvvf", "/dev/null", "."]
    return script('env LC_ALL=C tar -C "$@" || [ $? -eq 1 ]', path, *words)


def tree_report(listing: str) -> Copied:
    """The regular files and their bytes in the output of :func:`sizes`."""
    found = [int(size) for size in re.findall(r"^-\S+ +\S+ +(\d+) ", listing, re.MULTILINE)]
    return Copied(len(found), sum(found))


def unescaped(name: bytes) -> bytes:
    """A name as it is, from tar's escaped form."""
    simple = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}

    def plain(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code, 8)]) if code.isdigit() else simple.get(code, code)

    return re.sub(rb"\\([0-7]{3}|.)", plain, name)


def removal(path: str, kept: bytes, present: bytes) -> Command:
    """Remove from ``path`` what is ``present`` but not ``kept`` (two outputs of :func:`names`).

    Folders go only when they are empty: what was excluded stays, and so does the way to it.
    """
    extra = sorted(set(present.splitlines()) - set(kept.splitlines()), reverse=True)
    files = b"".join(unescaped(name) + b"\0" for name in extra if not name.endswith(b"/"))
    folders = b"".join(unescaped(name.rstrip(b"/")) + b"\0" for name in extra if name.endswith(b"/"))
    text = 'cd -- "$1"; head -c "$2" | xargs -0 -r rm -f --; xargs -0 -r rmdir --ignore-fail-on-non-empty --'
    remove = script(text, path, len(files))
    return Command(remove.words, stdin=files + folders)


def checked(name: str, words: Command, result: Result) -> Copied:
    """rsync's report. :raises PalierError: if it failed; files that vanished meanwhile are no failure."""
    if result.status not in {0, VANISHED}:
        said = " / ".join(result.stderr.strip().splitlines()[-3:])
        raise PalierError(
            f"Copying to or from {name} failed with status {result.status}.", why=said, next_step=f"It was: {words}"
        )
    return rsync_report(result.stdout)
