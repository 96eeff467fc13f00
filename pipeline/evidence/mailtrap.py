"""The mail trap: staging's mails end here, in a folder, and go nowhere else."""

from __future__ import annotations

import asyncio
import mailbox
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self, cast

from pipeline.errors import PalierError

LARGEST = 20 * 1024 * 1024
"""Bytes of the largest message that is taken."""
POLL = 0.05


@dataclass(frozen=True)
class Mail:
    """One mail that was trapped. ``recipients`` are those of the envelope: whom it would really have reached."""

    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """Every text part, decoded."""
        parts = (part for part in self.message.walk() if part.get_content_maintype() == "text")
        return "\n".join(str(part.get_content()) for part in parts)


class _Handler:
    """Stores what arrives; an answer of 250 is given only once the mail is on disk."""

    def __init__(self, folder: mailbox.Maildir) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        recipients = ", ".join(envelope.rcpt_tos).encode("utf-8", "surrogateescape")
        self._folder.add(b"X-Palier-Recipients: " + recipients + b"\r\n" + envelope.content)
        return "250 Kept by the mail trap"


class MailTrap:
    """An SMTP server on this machine's loopback that keeps every mail in a Maildir and passes none on.

    It listens from ``with`` to the end of the block, in a thread of its own.

    :param folder: the Maildir; made if it is not there. It outlives the trap, as evidence.
    :param port: 0: any free one; ``trap.port`` says which.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self._maildir = mailbox.Maildir(folder, create=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail trap", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        """:raises PalierError: if the port is taken."""
        try:
            self._server = self._loop.run_until_complete(
                self._loop.create_server(self._connection, "127.0.0.1", self.port)
            )
        except OSError as error:
            self._loop.close()
            raise PalierError(
                f"The mail trap cannot listen on port {self.port} of this machine.", why=f"{error.strerror}."
            ) from error
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread.start()
        return self

    def _connection(self) -> asyncio.Protocol:
        from aiosmtpd.smtp import SMTP

        handler = _Handler(self._maildir)
        smtp = SMTP(handler, hostname="palier", data_size_limit=LARGEST, enable_SMTPUTF8=True, loop=self._loop)
        return cast("asyncio.Protocol", smtp)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        """Stop listening and end the conversations that are still open."""
        if self._server is not None:
            self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def messages(self) -> Iterator[Mail]:
        """Everything that has arrived, oldest first."""
        paths = [path for name in ("new", "cur") for path in (self.folder / name).glob("*")]
        for path in sorted(paths, key=lambda one: (one.stat().st_mtime_ns, one.name)):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            recipients = str(message["X-Palier-Recipients"] or "").split(", ")
            yield Mail(tuple(one for one in recipients if one), message)

    def find(self, *, to: str | None = None, subject_contains: str = "") -> tuple[Mail, ...]:
        """Mails that would have reached an address (any, if none is given) with a text in their subject."""
        return tuple(
            mail
            for mail in self.messages()
            if (to is None or to.lower() in map(str.lower, mail.recipients)) and subject_contains in mail.subject
        )

    def wait_for(self, *, to: str | None = None, subject_contains: str = "", seconds: float = 10.0) -> tuple[Mail, ...]:
        """Like :meth:`find`, looking again until something fits or ``seconds`` have passed."""
        deadline = time.monotonic() + seconds
        while not (found := self.find(to=to, subject_contains=subject_contains)) and time.monotonic() < deadline:
            time.sleep(POLL)
        return found
