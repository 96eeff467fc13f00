"""Where a host is reached: ``user@host:port`` as inventories write it."""

from __future__ import annotations

import getpass
import re
from dataclasses import dataclass

from pipeline.errors import ConfigError

LOCAL = "local"
PORT = 22

_SHAPE = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.$+-]*)@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\]|(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True)
class Address:
    """Who logs in where. ``host`` is a name or an address; an IPv6 address stands without brackets."""

    user: str
    host: str
    port: int = PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}" + (f":{self.port}" if self.port != PORT else "")

    @property
    def key_name(self) -> str:
        """The name under which a known_hosts file keeps the host's key."""
        return self.host if self.port == PORT else f"[{self.host}]:{self.port}"


def parse_address(text: str) -> Address:
    """Read ``user@host:port``; the user defaults to whoever runs this, the port to 22.

    Nothing that a program could take for an option comes through: a name cannot begin with a dash.

    :raises ConfigError: if it is anything else.
    """
    found = _SHAPE.fullmatch(text)
    port = int(found["port"] or PORT) if found else 0
    if found is None or not 0 < port < 65536:
        raise ConfigError(
            f'"{text[:120]}" is not the address of a host.',
            next_step="Write user@host:port, user@host, user@[2001:db8::1]:port, or local for this machine.",
        )
    return Address(found["user"] or getpass.getuser(), found["six"] or found["host"], port)
