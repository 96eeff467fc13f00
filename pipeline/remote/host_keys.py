"""Host keys: unknown and changed ones are refused, with the fingerprint and the command that would accept them."""

from __future__ import annotations

import shlex
from typing import NoReturn

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from pipeline.errors import ConfigError
from pipeline.remote.address import PORT
from pipeline.remote.host import HostKeyRefused
from pipeline.remote.ssh_program import Login

_KEYSCAN_TYPES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}


def trust(client: paramiko.SSHClient, login: Login) -> None:
    """Let ``client`` know the keys of the login's known_hosts file, and no others.

    A file that is not there knows none. Lines that cannot be read are passed over, as OpenSSH does; keys that a line
    marks as revoked are refused. Certificate authorities are not supported: their hosts count as unknown.

    :raises ConfigError: if the file cannot be read.
    """
    try:
        lines = login.known_hosts.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as problem:
        raise ConfigError(
            f"The known_hosts file {login.known_hosts} cannot be read.", why=f"{problem.strerror}."
        ) from None
    revoked = frozenset(words[3] for words in map(str.split, lines) if words[:1] == ["@revoked"] and len(words) > 3)
    for line in lines:
        if line.strip() and not line.lstrip().startswith(("#", "@")):
            _add(client.get_host_keys(), line.strip(), revoked)
    client.set_missing_host_key_policy(RefuseUnknown(login, revoked))


def _add(known: paramiko.HostKeys, line: str, revoked: frozenset[str]) -> None:
    try:
        entry = HostKeyEntry.from_line(line)
    except (paramiko.SSHException, InvalidHostKey, ValueError):
        return
    if entry is not None and entry.key.get_base64() not in revoked:
        for name in entry.hostnames or ():
            known.add(name, entry.key.get_name(), entry.key)


class RefuseUnknown(paramiko.RejectPolicy):
    """Refuses a host that known_hosts does not have, and says how it would be accepted."""

    def __init__(self, login: Login, revoked: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._login = login
        self._revoked = revoked

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> NoReturn:
        login = self._login
        shown = f"{key.get_name()} {key.fingerprint}"
        if key.get_base64() in self._revoked:
            raise HostKeyRefused(
                f"The SSH key of {login.name} ({login.address}) is revoked: {shown}",
                why=f"{login.known_hosts} marks it with @revoked.",
                next_step="Ask the host's administrator.",
            )
        raise HostKeyRefused(
            f"The SSH key of {login.name} ({login.address}) is not known: {shown}",
            why=f"{login.known_hosts} has no key for {login.address.key_name}.",
            next_step="Compare the fingerprint with the one that its administrator gives you, then accept it with:\n"
            f"  {accepting(login, key)}",
        )


def changed(login: Login, error: paramiko.BadHostKeyException) -> HostKeyRefused:
    """The refusal of a host that shows another key than the one known: both fingerprints, and what would accept it."""
    expected, got = error.expected_key, error.key
    forget = shlex.join(["ssh-keygen", "-R", login.address.key_name, "-f", str(login.known_hosts)])
    return HostKeyRefused(
        f"The SSH key of {login.name} ({login.address}) has changed: {got.get_name()} {got.fingerprint}",
        why=f"{login.known_hosts} expects {expected.get_name()} {expected.fingerprint}. "
        "Either the host was set up anew, or somebody stands between it and you.",
        next_step="Ask the host's administrator. Only if the new fingerprint is theirs, accept it with:\n"
        f"  {forget} && {accepting(login, got)}",
    )


def accepting(login: Login, key: paramiko.PKey) -> str:
    """The shell command that adds the host's key to known_hosts; behind a jump host it is asked for from there."""
    kind = _KEYSCAN_TYPES.get(key.get_name(), "ecdsa")
    words = ["ssh-keyscan", "-p", str(login.address.port), "-t", kind, login.address.host]
    jump = login.jump
    if jump is not None:
        port = [] if jump.port == PORT else ["-p", str(jump.port)]
        words = ["ssh", *port, f"{jump.user}@{jump.host}", shlex.join(words)]
    return f"{shlex.join(words)} >> {shlex.quote(str(login.known_hosts))}"
