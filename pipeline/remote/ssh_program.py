"""The same login for the ``ssh`` program, which rsync and streams use: the same keys, refused alike."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.remote.address import Address

SSH_FAILED = 255
"""The ssh program's own status: it could not log in, or lost the connection."""

SETTINGS = """\
  BatchMode yes
  StrictHostKeyChecking yes
  GlobalKnownHostsFile /dev/null
  UpdateHostKeys no
  ConnectTimeout 10
  ServerAliveInterval 2
  ServerAliveCountMax 4
  ForwardAgent no
  ClearAllForwardings yes
  ControlMaster no
  ControlPath none
  LogLevel ERROR
"""


@dataclass(frozen=True)
class Login:
    """Everything that decides who logs in where, and whose key is believed."""

    name: str
    address: Address
    known_hosts: Path
    identity: Path | None = None
    jump: Address | None = None


@contextmanager
def configured(**logins: Login) -> Iterator[list[str]]:
    """Words that start ``ssh``; each keyword is a host's name for it. The user's own ssh_config is not read.

    A configuration file, not options: it is passed on to the jump host's connection, and rsync need not quote it.
    """
    with tempfile.TemporaryDirectory(prefix="palier-ssh-") as folder:
        file = Path(folder) / "config"
        file.write_text("".join(entry(alias, login) for alias, login in logins.items()))
        yield ["ssh", "-F", str(file)]


def entry(alias: str, login: Login) -> str:
    """The ``Host`` sections of one login: its own, and its jump host's."""
    if login.jump is None:
        return _section(alias, login.address, login)
    jump = f"{alias}-jump"
    return _section(alias, login.address, login, jump) + _section(jump, login.jump, login)


def _section(alias: str, address: Address, login: Login, jump: str | None = None) -> str:
    lines = [
        f"Host {alias}",
        f"  HostName {address.host.replace('%', '%%')}",
        f"  User {address.user}",
        f"  Port {address.port}",
        f"  UserKnownHostsFile {_quoted(login.known_hosts)}",
    ]
    if login.identity is not None:
        lines += [f"  IdentityFile {_quoted(login.identity)}", "  IdentitiesOnly yes", "  IdentityAgent none"]
    if jump is not None:
        lines.append(f"  ProxyJump {jump}")
    return "\n".join(lines) + "\n" + SETTINGS


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
