"""A private SSH server on this machine: the current user's, on loopback, with keys of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pipeline.demo.ports import LOOPBACK, free_port, require_free
from pipeline.demo.process import MARK, Daemon, ServiceFailed, program

PACKAGE = "openssh-server"

SETTINGS = """\
# Written by Palier's demo: one user, one key, loopback only.
Port {port}
ListenAddress {loopback}
HostKey "{folder}/host_ed25519"
PidFile "{folder}/sshd.pidfile"
AuthorizedKeysFile "{keys}/authorized_keys"
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers {user}
UsePAM no
# The folder may lie in a checkout that the group can write.
StrictModes no
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
GatewayPorts no
PermitTunnel no
X11Forwarding no
# Test runs open many connections in a short time.
MaxStartups 100
MaxSessions 100
ClientAliveInterval 15
ClientAliveCountMax 4
LoginGraceTime 20
PrintMotd no
LogLevel VERBOSE
SetEnv {environment}
Subsystem sftp internal-sftp
"""


class Sshd:
    """One host named ``name``; its every file is in ``folder``. Its port and keys are chosen once and kept there."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder.absolute()
        self.name = name
        self._daemon = Daemon(self.folder, f"sshd-{name}")
        self._settings = self.folder / "sshd_config"

    @property
    def port(self) -> int:
        """The loopback port. :raises ServiceFailed: if the server was never started."""
        found = (
            re.search(r"^Port (\d+)$", self._settings.read_text(), re.MULTILINE) if self._settings.exists() else None
        )
        if found is None:
            raise ServiceFailed(f"The SSH server {self.name} has no port yet.", next_step="Call start() first.")
        return int(found[1])

    @property
    def user(self) -> str:
        """Who logs in: whoever runs this."""
        return getpass.getuser()

    @property
    def identity(self) -> Path:
        """The client's private key, the only one that may log in."""
        return self.folder / "client_ed25519"

    @property
    def known_hosts(self) -> Path:
        """A known_hosts file with this server's key under its address and port."""
        return self.folder / "known_hosts"

    @property
    def address(self) -> str:
        """As an inventory writes it: ``user@host:port``."""
        return f"{self.user}@{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._daemon.pid

    def start(self, *, marked: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Make keys and settings if there are none and start the server; nothing to do when it runs.

        :param marked: the world that it belongs to; every process started over it carries that mark.
        :param environment: further variables of every process started over it.
        :raises ServiceFailed: with the end of the server's log.
        """
        if self.pid is not None and self._answers():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        make_key(self.folder / "host_ed25519", f"palier-{self.name}")
        make_key(self.identity, f"palier-{self.name}")
        if self._settings.exists():
            require_free(self.port, f"the SSH server {self.name}")
        port = self.port if self._settings.exists() else free_port()
        # bash reads ~/.bashrc for commands over SSH unless it thinks itself nested: a developer's own, which may take
        # a second each time, is no part of this host.
        own = {MARK: str(marked or self.folder), "SHLVL": "3"}
        self._write_settings(port, own | dict(environment or {}))
        if os.geteuid() == 0:
            # sshd started by root insists on its privilege separation folder; Debian makes it only with the service.
            Path("/run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
        words = [program("sshd", PACKAGE), "-D", "-e", "-f", str(self._settings)]
        self._daemon.start(words, self._answers, seconds=20, marked=marked)

    def stop(self) -> None:
        """End the server and every session that it still has."""
        self._daemon.stop(seconds=5)

    def _write_settings(self, port: int, environment: Mapping[str, str]) -> None:
        text = SETTINGS.format(
            port=port,
            loopback=LOOPBACK,
            folder=self.folder,
            keys=str(self.folder).replace("%", "%%"),  # sshd expands % in this one setting
            user=self.user,
            # All in one line: sshd heeds only the first SetEnv.
            environment=" ".join(f'"{name}={value}"' for name, value in environment.items()),
        )
        self._settings.write_text(text)
        (self.folder / "authorized_keys").write_bytes(self.identity.with_suffix(".pub").read_bytes())
        host_key = (self.folder / "host_ed25519.pub").read_text().split()
        self.known_hosts.write_text(f"[{LOOPBACK}]:{port} {host_key[0]} {host_key[1]}\n")

    def _answers(self) -> bool:
        """Whether the port greets as SSH: an open port alone could be anybody's."""
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
            return connection.recv(8).startswith(b"SSH-2.0")
        return False


def make_key(path: Path, comment: str) -> None:
    """An ed25519 key pair without a passphrase at ``path`` and ``path.pub``, unless there is one."""
    if not path.exists():
        words = [
            program("ssh-keygen", "openssh-client"),
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            comment,
            "-f",
            str(path),
        ]
        subprocess.run(words, check=True, timeout=30, stdin=subprocess.DEVNULL)
