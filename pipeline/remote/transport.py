"""What the SSH transport lacks: noticing a host that has fallen silent, and reaching Unix sockets on it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

import paramiko

from pipeline.remote.address import Address
from pipeline.remote.host import HostUnreachable

CONNECT_TIMEOUT = 10.0
"""Seconds for the TCP connection, for the greeting, and for opening a channel."""

AUTHENTICATION_TIMEOUT = 15.0
KEEP_ALIVE = 2.0
"""Seconds between two questions to the host; each must be answered."""

SILENCE = 8.0
"""Seconds without a single byte from the host after which the connection counts as lost."""

UNACKNOWLEDGED = 6000
"""TCP_USER_TIMEOUT in milliseconds: sent bytes that stay unacknowledged for so long end the connection."""


LOST = (paramiko.SSHException, OSError, EOFError)
"""What a connection that dies raises, depending on where it is caught."""


class Heard:
    """A socket, or a channel through a jump host, that remembers when it last heard something."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.at = time.monotonic()

    def recv(self, size: int) -> bytes:
        data: bytes = self._inner.recv(size)
        if data:
            self.at = time.monotonic()
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Transport(paramiko.Transport):
    """Paramiko's transport, which can also open a channel to a Unix socket on the host (an OpenSSH extension)."""

    _wanted = threading.local()

    def open_unix_socket(self, path: str) -> paramiko.Channel:
        """:raises paramiko.SSHException: if the host refuses."""
        self._wanted.path = path
        try:
            return self.open_channel("direct-streamlocal@openssh.com", timeout=CONNECT_TIMEOUT)
        finally:
            self._wanted.path = None

    def _send_user_message(self, data: paramiko.Message) -> None:
        # The only message that open_channel sends from the thread that asked is the one that opens the channel.
        path, self._wanted.path = getattr(self._wanted, "path", None), None
        if path is not None:
            data.add_string(path)
            data.add_string("")
            data.add_int(0)
        super()._send_user_message(data)  # type: ignore[misc]


class Pulse:
    """Asks the host for a sign of life every :data:`KEEP_ALIVE` seconds and ends a transport that has fallen silent.

    TCP alone does not see a peer whose kernel still acknowledges, nor one behind a jump host. Closing the transport
    wakes everybody who waits on one of its channels.
    """

    def __init__(self, transport: paramiko.Transport, heard: Heard, requests: threading.Lock) -> None:
        self._transport = transport
        self._heard = heard
        self._requests = requests
        self._stopped = threading.Event()
        for work in (self._ask, self._judge):
            threading.Thread(target=work, name="palier-pulse", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _ask(self) -> None:
        while self._transport.is_active() and not self._stopped.wait(KEEP_ALIVE):
            # One at a time with other global requests: Paramiko keeps a single place for the answer.
            with self._requests, contextlib.suppress(*LOST):
                self._transport.global_request("keepalive@openssh.com", wait=True)

    def _judge(self) -> None:
        quiet, before, heard = 0.0, time.monotonic(), self._heard.at
        while self._transport.is_active() and not self._stopped.wait(0.5):
            now = time.monotonic()
            # A laptop that slept, or a stopped process, must not count its own absence as the host's silence.
            quiet = 0.0 if self._heard.at != heard else quiet + min(now - before, 1.0)
            before, heard = now, self._heard.at
            if quiet > SILENCE:
                with contextlib.suppress(*LOST):
                    self._transport.close()


def dial(name: str, address: Address) -> socket.socket:
    """A TCP connection that notices a dead peer. :raises HostUnreachable: with a sentence for each way to fail."""
    try:
        dialled = socket.create_connection((address.host, address.port), timeout=CONNECT_TIMEOUT)
    except socket.gaierror as problem:
        why, step = (
            f"The name {address.host} cannot be resolved: {problem.strerror}.",
            "Check the host's name in the inventory.",
        )
    except ConnectionRefusedError:
        why = f"Port {address.port} refuses connections: no SSH server listens there, or a firewall stands before it."
        step = f"Try: ssh -v -p {address.port} {address.user}@{address.host}"
    except TimeoutError:
        why, step = (
            f"It did not answer within {CONNECT_TIMEOUT:g} s.",
            "Check that it is up and that this network may reach it.",
        )
    except OSError as problem:
        why, step = f"{problem.strerror or problem}.", "Check that it is up and that this network may reach it."
    else:
        return _attentive(dialled)
    raise HostUnreachable(f"{name} ({address}) cannot be reached.", why=why, next_step=step)


def _attentive(dialled: socket.socket) -> socket.socket:
    dialled.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wanted = {"TCP_KEEPIDLE": 2, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": UNACKNOWLEDGED}
    for option, value in wanted.items():
        if hasattr(socket, option):
            dialled.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return dialled
