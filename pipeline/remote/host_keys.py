"""Host keys: unknown and changed ones are refused, with the fingerprint and the command that would accept them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NoReturn

import paramiko

from pipeline.errors import ConfigError
from pipeline.remote.address import PORT, Address
from pipeline.remote.host import HostKeyRefused

_KEYSCAN_TYPES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}


class RefuseUnknown(paramiko.RejectPolicy):
    """Refuses a host that known_hosts does not have, and says how it would be accepted."""

    def __init__(self, name: str, address: Address, known_hosts: Path, jump: Address | None) -> None:
        super().__init__()
        self._place = (name, address, known_hosts, jump)

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> NoReturn:
        name, address, known_hosts, jump = self._place
        raise HostKeyRefused(
            f"The SSH key of {name} ({address}) is not known: {key.get_name()} {key.fingerprint}",
            why=f"{known_hosts} has no key for {address.key_name}.",
            next_step="Compare the fingerprint with the one that its administrator gives you, then accept it with:\n"
            f"  {accepting(address, key, known_hosts, jump)}",
        )


def changed(
    name: str, address: Address, known_hosts: Path, jump: Address | None, error: paramiko.BadHostKeyException
) -> HostKeyRefused:
    """The refusal of a host that shows another key than the one known: both fingerprints, and what would accept it."""
    expected, got = error.expected_key, error.key
    forget = shlex.join(["ssh-keygen", "-R", address.key_name, "-f", str(known_hosts)])
    return HostKeyRefused(
        f"The SSH key of {name} ({address}) has changed: {got.get_name()} {got.fingerprint}",
        why=f"{known_hosts} expects {expected.get_name()} {expected.fingerprint}. "
        "Either the host was set up anew, or somebody stands between it and you.",
        next_step="Ask the host's administrator. Only if the new fingerprint is theirs, accept it with:\n"
        f"  {forget} && {accepting(address, got, known_hosts, jump)}",
    )


def accepting(address: Address, key: paramiko.PKey, known_hosts: Path, jump: Address | None) -> str:
    """The shell command that adds the host's key to known_hosts; behind a jump host it is asked for from there."""
    kind = _KEYSCAN_TYPES.get(key.get_name(), "ecdsa")
    words = ["ssh-keyscan", "-p", str(address.port), "-t", kind, address.host]
    if jump is not None:
        port = [] if jump.port == PORT else ["-p", str(jump.port)]
        words = ["ssh", *port, f"{jump.user}@{jump.host}", shlex.join(words)]
    return f"{shlex.join(words)} >> {shlex.quote(str(known_hosts))}"


def load(client: paramiko.SSHClient, known_hosts: Path) -> None:
    """Let ``client`` know the keys of a known_hosts file; a file that is not there knows none."""
    try:
        client.load_host_keys(str(known_hosts))
    except FileNotFoundError:
        return
    except OSError as problem:
        raise ConfigError(f"The known_hosts file {known_hosts} cannot be read.", why=f"{problem.strerror}.") from None
