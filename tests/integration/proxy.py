"""A network that misbehaves on request: a TCP proxy that stalls, cuts, delays, or writes one byte at a time."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"


class Proxy:
    """Listens on a free loopback port and leads to ``target`` there.

    :param cut_after: bytes from the client after which every connection is reset; ``None``: never.
    :param delay: seconds that each piece is held back.
    :param trickle: write one byte at a time.
    """

    def __init__(self, target: int, *, cut_after: int | None = None, delay: float = 0, trickle: bool = False) -> None:
        self.target = target
        self.cut_after = cut_after
        self.delay = delay
        self.trickle = trickle
        self._flowing = threading.Event()
        self._flowing.set()
        self._ended = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server((LOOPBACK, 0))

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def stall(self) -> None:
        """From now on nothing passes, while every connection stays open: a host that has fallen silent."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Reset every connection."""
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection((LOOPBACK, self.target), timeout=5)
            except OSError:
                return
            far.settimeout(None)
            self._sockets += [near, far]
            self._start(self._pump, near, far, True)
            self._start(self._pump, far, near, False)

    def _pump(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                time.sleep(self.delay)
                self._flowing.wait()
                if self._ended.is_set():
                    return
                passed += len(data)
                if from_client and self.cut_after is not None and passed > self.cut_after:
                    self.cut()
                    return
                for piece in [data[n : n + 1] for n in range(len(data))] if self.trickle else [data]:
                    sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
