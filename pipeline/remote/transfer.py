"""Files and folders between this machine and a host over SSH: rsync where both have it, otherwise a tar stream."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from pipeline.errors import PalierError
from pipeline.remote import trees
from pipeline.remote.command import Command, command, script
from pipeline.remote.local import LocalHost, stop
from pipeline.remote.ssh_program import SSH_FAILED, configured

if TYPE_CHECKING:
    from pipeline.remote.ssh import SshHost


def upload(host: SshHost, source: Path, path: str) -> None:
    """:raises PalierError: if ``source`` is not there or cannot be read, or ``path`` cannot be written."""
    if not source.exists():
        raise PalierError(f"{source} cannot be copied to {host.name}.", why="No such file or directory.")
    host.run(script('mkdir -p -- "$(dirname -- "$1")"', path))
    if source.is_file():
        with source.open("rb") as file:
            about = source.stat()
            receive = trees.receive(path, about.st_mode & 0o777, about.st_size)
            host.stream(receive, source=file, timeout=trees.TIMEOUT)
        return
    if by_rsync(host, f"{source.absolute()}/", f"{remote(path)}/") is not None:
        return
    words = Command(("tar", "-C", str(source.absolute()), "-cf", "-", "."))
    with _piped(words, stdout=subprocess.PIPE) as packing:
        host.stream(trees.unpack(path, owners=False), source=cast("BinaryIO", packing.stdout), timeout=trees.TIMEOUT)


def download(host: SshHost, path: str, target: Path) -> None:
    """:raises PalierError: if ``path`` is not there or cannot be read, or ``target`` cannot be written."""
    kind = host.run(
        script('if [ -d "$1" ]; then echo folder; elif [ -e "$1" ]; then echo file; fi', path)
    ).stdout.strip()
    if not kind:
        raise PalierError(f"On {host.name}, {path} cannot be read.", why="No such file or directory.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == "file":
        _download_file(host, path, target)
        return
    target.mkdir(exist_ok=True)
    if by_rsync(host, f"{remote(path)}/", f"{target.absolute()}/") is not None:
        return
    words = Command(("tar", "-C", str(target.absolute()), "--no-same-owner", "-xpf", "-"))
    with _piped(words, stdin=subprocess.PIPE) as unpacking:
        host.stream(trees.pack(path), sink=cast("BinaryIO", unpacking.stdin), timeout=trees.TIMEOUT)


def _download_file(host: SshHost, path: str, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial-{secrets.token_hex(4)}")
    mode = int(host.run(command("stat", "-L", "-c", "%a", "--", path)).stdout, 8)
    try:
        partial.touch(0o600)
        with partial.open("wb") as file:
            host.stream(command("cat", "--", path), sink=file, timeout=trees.TIMEOUT)
        partial.chmod(mode & 0o777)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _piped(words: Command, *, stdin: int | None = None, stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program of this machine at one end of a stream; after the block its input is closed and its status checked."""
    process = subprocess.Popen(
        words.words, stdin=stdin or subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
        _, said = process.communicate(timeout=trees.TIMEOUT)
    except BaseException:
        stop(process)
        raise
    if process.returncode:
        raise PalierError(
            f"{words.words[0]} failed on this machine with status {process.returncode}.", why=said.decode()[-400:]
        )


def by_rsync(
    host: SshHost,
    source: str,
    target: str,
    *,
    exclude: Sequence[str] = (),
    delete: bool = False,
    by_content: bool = False,
    owners: bool = False,
) -> trees.Copied | None:
    """Copy with rsync through the ssh program; ``None`` where one side lacks a program, or ssh could not log in.

    :param source: a local path, or :func:`remote`'s; so for ``target``.
    :param by_content: as :func:`pipeline.remote.trees.rsync` takes it.
    """
    if not all(shutil.which(name) for name in ("rsync", "ssh")) or not host.has_program("rsync"):
        return None
    with configured(**{ALIAS: host.login}) as ssh:
        words = trees.rsync(
            source, target, exclude=exclude, delete=delete, by_content=by_content, owners=owners, shell=" ".join(ssh)
        )
        result = LocalHost("this machine").run(words, check=False, timeout=trees.TIMEOUT)
    if result.status == SSH_FAILED:
        return None
    return trees.checked(host.name, words, result)


ALIAS = "palier"


def remote(path: str) -> str:
    """A path on the host, for :func:`by_rsync`."""
    return f"{ALIAS}:{path}"
