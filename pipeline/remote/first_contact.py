"""The first contact with a host: which key it shows, before anything is believed or any login is tried."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass

import paramiko

from pipeline.remote.address import Address
from pipeline.remote.host import HostKeyRefused, HostUnreachable
from pipeline.remote.transport import CONNECT_TIMEOUT, LOST, dial

# Without a handler of ours, Paramiko's tracebacks reach the terminal through logging's last resort.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512")
"""The kinds of key that a host is asked for, the preferred first."""


@dataclass(frozen=True)
class HostKey:
    """The key that a host shows, and how people compare it."""

    address: Address
    kind: str
    fingerprint: str
    """``SHA256:…``, as ``ssh-keygen -l`` prints it."""
    line: str
    """The line for a known_hosts file."""

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"


def host_key(address: Address, *, expected: str | None = None) -> HostKey:
    """Ask a host for its key. Nobody logs in.

    :param expected: the fingerprint that its administrator gave: the key of any kind that has it is returned.
    :raises HostKeyRefused: if no key of the host has it.
    :raises HostUnreachable: if the host does not answer as an SSH server.
    """
    shown = []
    for kind in KINDS:
        found = _asked(address, kind)
        if found is None:
            continue
        if expected is None or found.fingerprint == _full(expected):
            return found
        shown.append(str(found))
    if not shown:
        raise HostUnreachable(
            f"{address} does not answer as an SSH server with a key of a known kind.",
            why=f"Asked for: {', '.join(KINDS)}.",
            next_step=f"Try: ssh -v -p {address.port} {address.user}@{address.host}",
        )
    raise HostKeyRefused(
        f"The SSH key of {address} is not the one that was given.",
        why=f"Expected {expected}; it shows {' and '.join(shown)}. "
        "Either the fingerprint is another host's, or somebody stands between it and you.",
        next_step="Ask the host's administrator for its fingerprint.",
    )


def _full(fingerprint: str) -> str:
    """OpenSSH leaves the padding out; people leave the name of the hash out."""
    plain = fingerprint.strip().rstrip("=")
    return plain if plain.startswith("SHA256:") else f"SHA256:{plain}"


def _asked(address: Address, kind: str) -> HostKey | None:
    """The host's key of one kind; ``None`` if it has none."""
    with closing(dial(str(address), address)) as connection, closing(paramiko.Transport(connection)) as transport:
        transport.banner_timeout = CONNECT_TIMEOUT
        transport.get_security_options().key_types = (kind,)
        try:
            transport.start_client(timeout=CONNECT_TIMEOUT)
            key = transport.get_remote_server_key()
        except paramiko.SSHException as error:
            if "incompatible" in str(error).lower() or "no acceptable host key" in str(error).lower():
                return None
            raise _no_server(address, error) from None
        except LOST as error:
            raise _no_server(address, error) from None
    line = f"{address.key_name} {key.get_name()} {key.get_base64()}"
    return HostKey(address, key.get_name(), key.fingerprint.rstrip("="), line)


def _no_server(address: Address, error: BaseException) -> HostUnreachable:
    return HostUnreachable(
        f"{address} does not answer as an SSH server should.",
        why=f"{str(error).rstrip('.') or 'The connection was closed'}.",
        next_step=f"Try: ssh -v -p {address.port} {address.user}@{address.host}",
    )
