"""Carries bytes between a local port and something that only a host can reach, one thread for each direction."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from pipeline.errors import PalierError

LOOPBACK = "127.0.0.1"
CHUNK = 65536


class Stream(Protocol):
    """What a socket and an SSH channel have in common."""

    def recv(self, nbytes: int, /) -> bytes: ...

    def sendall(self, s: bytes, /) -> object: ...

    def shutdown(self, how: int, /) -> object: ...

    def close(self) -> object: ...


class Relay:
    """Every stream that is carried, so that all can be ended together."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._closed = False

    def carry(self, near: Stream, open_far: Callable[[], Stream]) -> None:
        """Join ``near`` to what ``open_far`` opens, in threads of their own; if that fails, ``near`` is closed."""
        self._start(self._carry, near, open_far)

    def close(self) -> None:
        """End everything that is carried and wait for its threads."""
        with self._lock:
            self._closed = True
            streams, threads = list(self._streams), list(self._threads)
        for stream in streams:
            end(stream)
        for thread in threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="palier-relay", daemon=True)
        with self._lock:
            self._threads = {known for known in self._threads if known.is_alive()} | {thread}
            thread.start()

    def _carry(self, near: Stream, open_far: Callable[[], Stream]) -> None:
        if not self._keep(near):
            return
        try:
            far = open_far()
        except (OSError, PalierError):
            self._drop(near)
            return
        if self._keep(far):
            back = threading.Thread(target=pump, args=(far, near), name="palier-relay", daemon=True)
            back.start()
            pump(near, far)
            back.join()
            self._drop(far)
        self._drop(near)

    def _keep(self, stream: Stream) -> bool:
        with self._lock:
            if not self._closed:
                self._streams.add(stream)
                return True
        end(stream)
        return False

    def _drop(self, stream: Stream) -> None:
        with self._lock:
            self._streams.discard(stream)
        end(stream)


def pump(source: Stream, sink: Stream) -> None:
    """Copy until ``source`` ends, then tell ``sink`` that no more will come; a broken side ends both directions."""
    try:
        while data := source.recv(CHUNK):
            sink.sendall(data)
    except (OSError, EOFError):
        end(source)
        end(sink)
        return
    with suppress(OSError, EOFError):
        sink.shutdown(socket.SHUT_WR)


def end(stream: Stream) -> None:
    """Close a stream, also under a thread that reads from it: ``close()`` alone would leave that one waiting."""
    with suppress(OSError, EOFError):
        stream.shutdown(socket.SHUT_RDWR)
    with suppress(OSError, EOFError):
        stream.close()


@contextmanager
def serve(open_far: Callable[[], Stream], port: int = 0) -> Iterator[tuple[str, int]]:
    """A loopback port (0: any free one) of this machine, each connection to which is joined to a new ``open_far()``."""
    relay = Relay()
    with socket.create_server((LOOPBACK, port)) as server:
        accepting = threading.Thread(target=_accept, args=(server, relay, open_far), name="palier-accept", daemon=True)
        accepting.start()
        try:
            yield LOOPBACK, int(server.getsockname()[1])
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            relay.close()


def _accept(server: socket.socket, relay: Relay, open_far: Callable[[], Stream]) -> None:
    while True:
        try:
            near, _ = server.accept()
        except OSError:
            return
        relay.carry(near, open_far)
