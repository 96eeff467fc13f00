"""What the SSH transport lacks: noticing a host that has fallen silent, and reaching Unix sockets on it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
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


REKEYING = 30.0
"""Seconds that new keys may take; meanwhile nothing is sent."""

CLOSE = 97
IN_TURN = frozenset((94, 95, 96, CLOSE))
"""SSH's numbers for data, extended data, end of file and close (RFC 4254, section 9)."""

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
    _speaking = threading.local()

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
        channel: Channel | None = getattr(self._speaking, "channel", None)
        if channel is None or data.asbytes()[0] not in IN_TURN:
            super()._send_user_message(data)  # type: ignore[misc]
            return
        self.clear_to_send.wait(REKEYING)
        with channel.in_turn:
            if not channel.closed or data.asbytes()[0] == CLOSE:
                super()._send_user_message(data)  # type: ignore[misc]

    def open_channel(self, *args: Any, **named: Any) -> paramiko.Channel:
        """As Paramiko's, with the messages of the channel kept in order."""
        opened = super().open_channel(*args, **named)
        opened.__class__ = Channel
        return opened

    @contextlib.contextmanager
    def speaking_for(self, channel: Channel) -> Iterator[None]:
        """What this thread sends inside belongs to ``channel``."""
        before = getattr(self._speaking, "channel", None)
        self._speaking.channel = channel
        try:
            yield
        finally:
            self._speaking.channel = before


class Channel(paramiko.Channel):
    """A channel that says nothing more once it is closed.

    Paramiko makes a message under the channel's lock and sends it after letting go. If the host closes the channel in
    between, the message names a channel that is no more, and OpenSSH ends the whole connection for it.
    """

    @property
    def in_turn(self) -> contextlib.AbstractContextManager[Any]:
        """Held while one message of this channel is sent."""
        held: contextlib.AbstractContextManager[Any] = self.__dict__.setdefault("_in_turn", threading.RLock())
        return held

    def _send(self, data: bytes, message: paramiko.Message) -> int:
        with self._turns():
            return int(super()._send(data, message))  # type: ignore[misc]

    def shutdown(self, how: int) -> None:
        with self._turns():
            super().shutdown(how)

    def close(self) -> None:
        with self._turns():
            super().close()

    def closed_by_host(self, message: paramiko.Message) -> None:
        """What the transport's thread calls when the host closes the channel."""
        with self._turns():
            self._handle_close(message)  # type: ignore[attr-defined]

    def _turns(self) -> contextlib.AbstractContextManager[None]:
        transport = self.transport
        return transport.speaking_for(self) if isinstance(transport, Transport) else contextlib.nullcontext()


def _closed_by_host(channel: paramiko.Channel, message: paramiko.Message) -> None:
    if isinstance(channel, Channel):
        channel.closed_by_host(message)
    else:  # between its opening and its becoming ours: nobody has said anything on it yet
        channel._handle_close(message)  # type: ignore[attr-defined]


Transport._channel_handler_table = {  # type: ignore[attr-defined]
    **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
    CLOSE: _closed_by_host,
}


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
