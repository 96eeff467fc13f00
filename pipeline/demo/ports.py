"""Free loopback ports. Chosen once and kept by whoever asked, so that a world comes back at the same addresses."""

from __future__ import annotations

import random
import socket
from contextlib import closing

from pipeline.errors import PalierError

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20000, 32000
"""Below the range that the kernel takes outgoing ports from: no passing connection takes a kept port."""


class NoFreePort(PalierError):
    """No free loopback port was found, or a kept one is taken by another program."""


def bindable(port: int) -> bool:
    """Whether a server could listen on loopback's ``port`` now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        # A port whose last connections are in TIME_WAIT is free for a server; without this it looks taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int, *, seconds: float = 0.5) -> bool:
    """Whether something accepts connections on loopback's ``port``."""
    try:
        with closing(socket.create_connection((LOOPBACK, port), timeout=seconds)):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A loopback port that nothing listens on. :raises NoFreePort: after many tries."""
    chance = random.SystemRandom()
    for _ in range(200):
        port = chance.randrange(LOWEST, HIGHEST)
        if bindable(port):
            return port
    raise NoFreePort(
        f"No free port was found between {LOWEST} and {HIGHEST} on {LOOPBACK}.",
        next_step="See what listens there with: ss -ltnp",
    )


def require_free(port: int, name: str) -> None:
    """:raises NoFreePort: if ``port``, which ``name`` had before, is now taken by another program."""
    if not bindable(port):
        raise NoFreePort(
            f"The port {port} that {name} had before is taken by another program.",
            next_step=f"See which with: ss -ltnp 'sport = :{port}'; or start afresh with: make demo-down demo",
        )
