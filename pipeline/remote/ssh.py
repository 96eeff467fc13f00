"""A host over SSH: Fabric's connection, wrapped once, with known hosts enforced and silence noticed."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import fabric
import paramiko

from pipeline.errors import ConfigError, PalierError
from pipeline.remote import host_keys, transfer, trees
from pipeline.remote.command import Command, command, script
from pipeline.remote.exchange import Exchange
from pipeline.remote.host import HostUnreachable, Result
from pipeline.remote.local import DEFAULT_TIMEOUT, failed, unknown_outcome
from pipeline.remote.relay import LOOPBACK, Relay, Stream, serve
from pipeline.remote.ssh_program import Login
from pipeline.remote.transport import AUTHENTICATION_TIMEOUT, CONNECT_TIMEOUT, LOST, Heard, Pulse, Transport, dial

# Without a handler of ours, Paramiko's tracebacks reach the terminal through logging's last resort.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

KILL_PATIENCE = 5.0
"""Seconds that stopping a command that ran out of time may take."""

_KILL = """
read -r stat < "/proc/$1/stat"
set -- ${stat##*) }
kill -TERM "-$3"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "-$3" 2>/dev/null || exit 0; sleep 0.1; done
kill -KILL "-$3"
"""


class SshHost:
    """One machine over SSH. Several threads may use it at once: each command has a channel of its own.

    Nothing is reconnected silently: after a loss every call says so until :meth:`reconnect` is called.
    """

    def __init__(self, login: Login, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.name = login.name
        self.login = login
        self.timeout = timeout
        self._connection: Any = None
        self._transport: Transport | None = None
        self._pulse: Pulse | None = None
        self._gateway: SshHost | None = None
        self._home: str | None = None
        self._requests = threading.Lock()
        self._listening: dict[int, tuple[Relay, int]] = {}

    def __repr__(self) -> str:
        return f"SshHost({self.name!r}, {self.login.address})"

    # -- the connection

    def open(self) -> None:
        """Connect and log in; nothing to do when connected.

        :raises HostKeyRefused: if the host's key, or its jump host's, is unknown or has changed.
        :raises HostUnreachable: if it does not answer, or refuses the login.
        """
        if self._transport is not None and self._transport.is_active():
            return
        self.close()
        identity = self.login.identity
        if identity is not None and not identity.is_file():
            raise ConfigError(f"The private key of {self.name} is not there: {identity}")
        heard = Heard(self._dial())
        try:
            self._transport = self._log_in(heard)
        except BaseException:
            with suppress(OSError):
                heard.close()
            self.close()
            raise
        self._pulse = Pulse(self._transport, heard, self._requests)

    def reconnect(self) -> None:
        """Connect anew, whatever became of the connection before. Raises what :meth:`open` raises."""
        self.close()
        self.open()

    def close(self) -> None:
        if self._pulse is not None:
            self._pulse.stop()
        if self._connection is not None:
            # Not through Fabric: it leaves the socket open where the transport has already died.
            with suppress(*LOST):
                self._connection.client.close()
        if self._gateway is not None:
            self._gateway.close()
        self._pulse = self._connection = self._transport = self._gateway = None

    def _dial(self) -> Any:
        address, jump = self.login.address, self.login.jump
        if jump is None:
            return dial(self.name, address)
        login = Login(f"the jump host of {self.name}", jump, self.login.known_hosts, self.login.identity)
        self._gateway = SshHost(login)
        self._gateway.open()
        return self._gateway.open_address(address.host, address.port)

    def _log_in(self, heard: Heard) -> Transport:
        login = self.login
        mine = login.identity is None
        self._connection = fabric.Connection(
            login.address.host,
            user=login.address.user,
            port=login.address.port,
            # Neither ssh_config nor ~/.fabric.yml: a gateway named there would be reached without our policy.
            config=fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig()),
            gateway=False,
            forward_agent=False,
            connect_timeout=CONNECT_TIMEOUT,
            connect_kwargs={
                "sock": heard,
                "transport_factory": Transport,
                "key_filename": None if login.identity is None else str(login.identity),
                "look_for_keys": mine,
                "allow_agent": mine,
                "banner_timeout": CONNECT_TIMEOUT,
                "auth_timeout": AUTHENTICATION_TIMEOUT,
                "channel_timeout": CONNECT_TIMEOUT,
            },
        )
        client: paramiko.SSHClient = self._connection.client
        host_keys.trust(client, login)
        try:
            self._connection.open()
        except paramiko.BadHostKeyException as error:
            raise host_keys.changed(login, error) from None
        except paramiko.AuthenticationException as error:
            raise self._not_let_in(error) from None
        except LOST as error:
            if "No authentication methods" in str(error) or "private key file" in str(error):
                raise self._not_let_in(error) from None
            raise self._no_answer(error) from None
        found = self._connection.transport
        assert isinstance(found, Transport)  # noqa: S101  # by transport_factory
        return found

    def _not_let_in(self, error: BaseException) -> HostUnreachable:
        identity = self.login.identity
        what = f"The login to {self.name} ({self.login.address}) failed."
        if isinstance(error, paramiko.PasswordRequiredException):
            why, step = (
                f"The private key {identity or 'in ~/.ssh'} is locked by a passphrase.",
                ("Add it to ssh-agent and leave identity out of the inventory, or use a key without a passphrase."),
            )
        elif "private key file" in str(error):
            why = f"{identity or 'A file in ~/.ssh'} cannot be read as a private key."
            step = "Name the private key, not its .pub half, as identity in the inventory."
        elif identity is None:
            why = "None of the keys of the agent and of ~/.ssh was accepted."
            step = "Name the right private key as identity in the inventory."
        else:
            why = f"The key {identity} was not accepted for the user {self.login.address.user}."
            step = "Add its public half to that user's ~/.ssh/authorized_keys on the host."
        return HostUnreachable(what, why=why, next_step=step)

    def _no_answer(self, error: BaseException) -> HostUnreachable:
        return HostUnreachable(
            f"{self.name} ({self.login.address}) does not answer as an SSH server should.",
            why=f"{str(error).rstrip('.') or 'The connection was closed'}.",
            next_step=f"Try: ssh -v -p {self.login.address.port} {self.login.address.user}@{self.login.address.host}",
        )

    def _active(self) -> Transport:
        if self._transport is None or not self._transport.is_active():
            raise HostUnreachable(
                f"The connection to {self.name} ({self.login.address}) is lost.",
                why="This was not tried on it." if self._transport else "It was closed, or never opened.",
                next_step="Check that it is up and that this network may reach it.",
            )
        return self._transport

    # -- commands

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        return self.stream(command, check=check, timeout=timeout)

    def stream(
        self,
        command: Command,
        *,
        source: BinaryIO | None = None,
        sink: BinaryIO | None = None,
        check: bool = True,
        timeout: float | None = None,
    ) -> Result:
        """Like :meth:`run`, with standard input read from ``source`` and output written to ``sink`` as it comes."""
        text, given = command.wire(), command.input() if source is None else source
        limit = self.timeout if timeout is None else timeout
        began = time.monotonic()
        channel = self._session()
        exchange = Exchange(channel, given, sink)
        try:
            self._perform(exchange, command, text, limit)
        finally:
            channel.close()
        result = Result(
            exchange.status, exchange.out, exchange.err.decode("utf-8", "replace"), time.monotonic() - began
        )
        if check and not result.ok:
            raise failed(self.name, command, result)
        return result

    def _perform(self, exchange: Exchange, command: Command, text: bytes, limit: float) -> None:
        try:
            exchange.start(text)
            ended = exchange.wait(limit)
        except LOST:
            raise unknown_outcome(self.name, command, "The connection was lost when it was to be started.") from None
        except BaseException:
            self._kill(exchange)  # Ctrl-C: what was interrupted must not run on beside its own undo
            raise
        if not ended or exchange.problem is not None:
            self._kill(exchange)
        if exchange.problem is not None:
            raise unknown_outcome(self.name, command, f"Its output could not be stored: {exchange.problem}.")
        if not ended:
            raise unknown_outcome(self.name, command, f"It did not end within {limit:g} s and was stopped.")
        if exchange.status < 0:
            raise unknown_outcome(self.name, command, "The connection was lost while it ran.")

    def _session(self) -> paramiko.Channel:
        transport = self._active()
        try:
            return transport.open_session(timeout=CONNECT_TIMEOUT)
        except LOST as error:
            raise HostUnreachable(
                f"{self.name} ({self.login.address}) did not open another session; nothing was run.",
                why=f"{str(error).rstrip('.') or 'The connection was lost'}.",
            ) from None

    def _kill(self, exchange: Exchange) -> None:
        """Stop a command's process group over a second channel, as well as that can be done."""
        process = exchange.process_within(KILL_PATIENCE)
        if process is None:
            return
        with suppress(PalierError, *LOST):
            second = Exchange(self._session(), None, None)
            second.start(script(_KILL, process).wire())
            second.wait(KILL_PATIENCE)

    # -- files

    def read(self, path: str) -> bytes:
        return self._readable(path, self.run(command("cat", "--", self.expand(path)), check=False)).raw

    def _readable(self, path: str, result: Result) -> Result:
        if not result.ok:
            said = result.stderr.strip().rpartition(": ")[2]
            raise PalierError(f"On {self.name}, {path} cannot be read.", why=f"{said}." if said else "")
        return result

    def write(self, path: str, content: str | bytes, *, mode: int = 0o600) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        result = self.run(replace(trees.receive(self.expand(path), mode, len(data)), stdin=data), check=False)
        if not result.ok:
            said = result.stderr.strip().splitlines()
            raise PalierError(f"On {self.name}, {path} cannot be written.", why=f"{said[-1]}." if said else "")

    def exists(self, path: str) -> bool:
        return self.run(command("test", "-e", self.expand(path)), check=False).ok

    def upload(self, source: Path, path: str) -> None:
        transfer.upload(self, source, self.expand(path))

    def download(self, path: str, target: Path) -> None:
        transfer.download(self, self.expand(path), target)

    def has_program(self, name: str) -> bool:
        return self.run(script('command -v -- "$1" >/dev/null', name), check=False).ok

    def expand(self, path: str) -> str:
        if path != "~" and not path.startswith("~/"):
            return path
        if self._home is None:
            self._home = self.run(script('printf %s "$HOME"')).raw.decode("utf-8", "surrogateescape").rstrip("/")
        return self._home + path[1:]

    # -- ports

    def open_address(self, address: str, port: int) -> paramiko.Channel:
        """A channel to ``address:port`` as the host sees it. :raises HostUnreachable: if it does not get there."""
        transport = self._active()
        try:
            return transport.open_channel("direct-tcpip", (address, port), (LOOPBACK, 0), timeout=CONNECT_TIMEOUT)
        except LOST as error:
            raise HostUnreachable(f"From {self.name}, {address}:{port} cannot be reached.", why=f"{error}.") from None

    @contextmanager
    def forward(self, address: str, port: int) -> Iterator[tuple[str, int]]:
        with serve(lambda: self.open_address(address, port)) as local:
            yield local

    @contextmanager
    def forward_socket(self, path: str) -> Iterator[tuple[str, int]]:
        whole = self.expand(path)

        def open_far() -> Stream:
            try:
                return self._active().open_unix_socket(whole)
            except LOST as error:
                raise HostUnreachable(
                    f"On {self.name}, the socket {path} cannot be reached.", why=f"{error}."
                ) from None

        with serve(open_far) as local:
            yield local

    @contextmanager
    def listen(self, port: int, local_port: int) -> Iterator[int]:
        transport = self._active()
        relay = Relay()
        try:
            with self._requests:
                served = transport.request_port_forward(LOOPBACK, port, self._incoming)
        except LOST as error:
            raise HostUnreachable(f"{self.name} did not let its port {port} be listened on.", why=f"{error}.") from None
        self._listening[served] = (relay, local_port)
        try:
            yield served
        finally:
            del self._listening[served]
            with suppress(*LOST), self._requests:
                transport.cancel_port_forward(LOOPBACK, served)
            relay.close()

    def _incoming(self, channel: paramiko.Channel, _origin: object, served: tuple[str, int]) -> None:
        """Called in the transport's own thread: it must not wait."""
        relay, local_port = self._listening.get(served[1], (None, 0))
        if relay is None:
            channel.close()
            return
        relay.carry(channel, lambda: socket.create_connection((LOOPBACK, local_port)))
