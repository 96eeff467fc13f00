"""Files from the web: https only, all the way, bounded in size and time, whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx

from pipeline.errors import PalierError
from pipeline.remote.command import Secret

TIMEOUT = 30.0
"""Seconds of silence after which a server counts as gone."""

REDIRECTS = 5
_CHUNK = 1 << 16


class DownloadFailed(PalierError):
    """Something could not be fetched, or not safely; nothing of it was kept."""


@dataclass(frozen=True)
class Fetched:
    """What a server said about what it sent. ``modified`` is its Last-Modified header, as it stands."""

    address: str
    size: int
    modified: str = ""


@dataclass(frozen=True)
class Web:
    """The way to the web. ``client`` makes the client that everything goes through; tests give one of their own."""

    client: Callable[[], httpx.Client] = field(default=lambda: httpx.Client(timeout=TIMEOUT, follow_redirects=False))

    def text(self, address: str, *, most: int, headers: Mapping[str, str | Secret] | None = None) -> str:
        """The content of ``address`` as UTF-8 text. Raises what :meth:`fetch` raises."""
        held = io.BytesIO()
        try:
            with self.client() as client:
                _followed(client, address, held, most, headers or {})
        except httpx.HTTPError as error:
            raise DownloadFailed(f"{shown(address)} cannot be fetched.", why=f"{_why(error)}.") from None
        return held.getvalue().decode("utf-8", "replace")

    def fetch(
        self, address: str, target: Path, *, most: int, headers: Mapping[str, str | Secret] | None = None
    ) -> Fetched:
        """Fetch ``address`` into the file ``target``, which is replaced when all of it is there.

        Headers go to the server that was named and to no other that it points to.

        :param most: bytes; one more and nothing is kept.
        :raises DownloadFailed: if it is not https, leads to what is not, is too large, or cannot be had.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
        try:
            with self.client() as client, partial.open("wb") as file:
                fetched = _followed(client, address, file, most, headers or {})
            partial.replace(target)
            return fetched
        except httpx.HTTPError as error:
            raise DownloadFailed(f"{shown(address)} cannot be fetched.", why=f"{_why(error)}.") from None
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()


def shown(address: str) -> str:
    """An address without what may be a secret in it: the query, and a name and password before the host."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return "The address"
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))


def _followed(
    client: httpx.Client, address: str, file: IO[bytes], most: int, headers: Mapping[str, str | Secret]
) -> Fetched:
    sent = {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
    origin = ""
    for _ in range(REDIRECTS + 1):
        url = _https(address)
        origin = origin or url.netloc.decode()
        mine = sent if url.netloc.decode() == origin else {}
        with client.stream("GET", url, headers={"User-Agent": "palier", **mine}) as answer:
            if answer.has_redirect_location:
                address = str(url.join(answer.headers["location"]))
                continue
            if answer.status_code != 200:
                raise DownloadFailed(f"{shown(address)} answered {answer.status_code}.", why=_meaning(answer))
            return Fetched(address, _save(answer, file, most, address), answer.headers.get("last-modified", ""))
    raise DownloadFailed(f"{shown(address)} was reached after {REDIRECTS} redirects and points on.")


def _https(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise DownloadFailed("An address is not one that can be fetched.", why=ascii(address)[:120]) from None
    if url.scheme != "https" or not url.host:
        raise DownloadFailed(
            f"{shown(address)} is not fetched: it is not https.",
            why="Whoever stands between could put other code in its place.",
        )
    return url


def _save(answer: httpx.Response, file: IO[bytes], most: int, address: str) -> int:
    size = 0
    for chunk in answer.iter_bytes(_CHUNK):
        size += len(chunk)
        if size > most:
            raise DownloadFailed(f"{shown(address)} is larger than the {most >> 20} MB that are accepted.")
        file.write(chunk)
    return size


def _meaning(answer: httpx.Response) -> str:
    if answer.status_code in (401, 403):
        return "It wants a key, or another one, or refuses more requests for now."
    return "There is no such thing there." if answer.status_code in (404, 410) else ""


def _why(error: httpx.HTTPError) -> str:
    return str(error).rstrip(".") or type(error).__name__
