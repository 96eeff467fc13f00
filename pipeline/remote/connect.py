"""From an inventory's host to a connected one, and copies between two hosts by the shortest way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pipeline.errors import PalierError
from pipeline.remote import trees
from pipeline.remote.address import LOCAL, parse_address
from pipeline.remote.command import command, script
from pipeline.remote.host import Host
from pipeline.remote.local import LocalHost
from pipeline.remote.ssh_program import Login
from pipeline.remote.streams import stream
from pipeline.remote.trees import Copied

KNOWN_HOSTS = "~/.ssh/known_hosts"

_MACHINE = """
cat /etc/machine-id 2>/dev/null || :
cat /proc/sys/kernel/random/boot_id
readlink /proc/self/ns/mnt
uname -n
"""


class HostSpec(Protocol):
    """The part of an inventory that says how a host is reached (``pipeline.config.inventory.HostSpec`` has it)."""

    @property
    def ssh(self) -> str: ...

    @property
    def identity(self) -> Path | None: ...

    @property
    def known_hosts(self) -> Path | None: ...

    @property
    def jump(self) -> str | None: ...


def login_of(spec: HostSpec, name: str) -> Login:
    """How the host is logged in to. :raises ConfigError: if an address is malformed."""
    return Login(
        name=name,
        address=parse_address(spec.ssh),
        known_hosts=(spec.known_hosts or Path(KNOWN_HOSTS)).expanduser().absolute(),
        identity=spec.identity.expanduser().absolute() if spec.identity is not None else None,
        jump=parse_address(spec.jump) if spec.jump is not None else None,
    )


def connect(spec: HostSpec, name: str) -> Host:
    """A connected host; whoever asked closes it.

    :raises ConfigError: if the address is malformed or the private key is not there.
    :raises HostKeyRefused: if its key is unknown or has changed.
    :raises HostUnreachable: if it does not answer, or refuses the login.
    """
    if spec.ssh == LOCAL:
        return LocalHost(name)
    from pipeline.remote.ssh import SshHost  # Fabric takes a noticeable time to import

    host = SshHost(login_of(spec, name))
    host.open()
    return host


def same_machine(a: Host, b: Host) -> bool:
    """Whether both see the same files: one kernel since one boot, one machine id, one mount namespace, one name."""
    if a is b or (isinstance(a, LocalHost) and isinstance(b, LocalHost)):
        return True
    first, second = (host.run(script(_MACHINE), check=False, timeout=30) for host in (a, b))
    return first.ok and second.ok and first.raw == second.raw


def copy_tree(
    source: Host,
    source_path: str,
    target: Host,
    target_path: str,
    *,
    exclude: Sequence[str] = (),
    delete: bool = False,
    by_content: bool = False,
) -> Copied:
    """Make the contents of the folder ``source_path`` those of ``target_path``, which is made.

    On one machine it is a local copy by the target's user; otherwise rsync or a tar stream, through this machine but
    not through Python.

    :param exclude: rsync's patterns: ``/a/b`` from the top of the tree, ``name`` at any depth.
    :param delete: remove what the target has too much, except what is excluded.
    :param by_content: what files hold tells which need not be copied again; otherwise rsync goes by size and time. Two
        versions of a program may well have the same of both.
    :returns: the size of the tree.
    :raises PalierError: if it fails; the target may then hold a part of it.
    """
    start, end = source.expand(source_path), target.expand(target_path)
    if not source.run(command("test", "-d", start), check=False).ok:
        raise PalierError(f"On {source.name}, {source_path} cannot be copied.", why="There is no such folder.")
    if same_machine(source, target) and _readable(target, start):
        return _copy_within(target, start, end, exclude=exclude, delete=delete, by_content=by_content)
    copied = _rsync_across(source, start, target, end, exclude=exclude, delete=delete, by_content=by_content)
    if copied is not None:
        return copied
    return _stream(source, start, target, end, exclude=exclude, delete=delete)


def _readable(host: Host, path: str) -> bool:
    found = host.run(command("find", path, "!", "-readable", "-print", "-quit"), check=False, timeout=trees.TIMEOUT)
    return found.ok and not found.raw


def _copy_within(host: Host, start: str, end: str, *, exclude: Sequence[str], delete: bool, by_content: bool) -> Copied:
    host.run(command("mkdir", "-p", "--", end))
    if _has_rsync(host):
        words = trees.rsync(f"{start}/", f"{end}/", exclude=exclude, delete=delete, by_content=by_content)
        return trees.checked(host.name, words, host.run(words, check=False, timeout=trees.TIMEOUT))
    if delete:
        _remove_extra(host, start, host, end, exclude)
    host.run(trees.pack(start, exclude).pipe(trees.unpack(end)), timeout=trees.TIMEOUT)
    return _size(host, start, exclude)


def _rsync_across(
    source: Host, start: str, target: Host, end: str, *, exclude: Sequence[str], delete: bool, by_content: bool
) -> Copied | None:
    """With rsync, where one side is this machine and both have it; otherwise ``None``."""
    from pipeline.remote import transfer
    from pipeline.remote.ssh import SshHost

    if isinstance(source, LocalHost) and isinstance(target, SshHost):
        target.run(command("mkdir", "-p", "--", end))
        places = f"{start}/", f"{transfer.remote(end)}/"
        return transfer.by_rsync(target, *places, exclude=exclude, delete=delete, by_content=by_content, owners=True)
    if isinstance(source, SshHost) and isinstance(target, LocalHost):
        target.run(command("mkdir", "-p", "--", end))
        places = f"{transfer.remote(start)}/", f"{end}/"
        return transfer.by_rsync(source, *places, exclude=exclude, delete=delete, by_content=by_content, owners=True)
    return None


def _stream(source: Host, start: str, target: Host, end: str, *, exclude: Sequence[str], delete: bool) -> Copied:
    """A tar stream from one program to the other: a pipe of the kernel, no bytes in Python."""
    target.run(command("mkdir", "-p", "--", end))
    if delete:
        _remove_extra(source, start, target, end, exclude)
    stream(source, trees.pack(start, exclude), target, trees.unpack(end), timeout=trees.TIMEOUT)
    return _size(source, start, exclude)


def _remove_extra(source: Host, start: str, target: Host, end: str, exclude: Sequence[str]) -> None:
    kept = source.run(trees.names(start, exclude), timeout=trees.TIMEOUT).raw
    present = target.run(trees.names(end, exclude), timeout=trees.TIMEOUT).raw
    target.run(trees.removal(end, kept, present), timeout=trees.TIMEOUT)


def _size(host: Host, path: str, exclude: Sequence[str]) -> Copied:
    return trees.tree_report(host.run(trees.sizes(path, exclude), timeout=trees.TIMEOUT).stdout)


def _has_rsync(host: Host) -> bool:
    return host.run(script('command -v -- "$1" >/dev/null', "rsync"), check=False).ok
