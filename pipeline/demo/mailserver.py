"""The customers' mail server of the demo world: it takes every message and keeps it in a Maildir.

Production's mail is delivered to it, and so is staging's unless Palier makes staging harmless: a message to a customer
found here after a test on staging is a leak.
"""

from __future__ import annotations

import email
import email.policy
import re
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pipeline
from pipeline.demo.ports import LOOPBACK, answers, free_port, require_free
from pipeline.demo.process import Daemon

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 8 * 1024 * 1024
"""Bytes that one message may have."""


class MailServer:
    """One SMTP server; its every file is in ``folder``. Its port is chosen once and kept there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._daemon = Daemon(self.folder, "mailserver")

    @property
    def port(self) -> int:
        """The loopback port; chosen at the first call."""
        kept = self.folder / "port"
        if not kept.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            kept.write_text(f"{free_port()}\n")
        return int(kept.read_text())

    @property
    def maildir(self) -> Path:
        return self.folder / "Maildir"

    @property
    def pid(self) -> int | None:
        return self._daemon.pid

    def start(self, *, marked: Path | None = None) -> None:
        """Start it; nothing to do when it runs. :raises ServiceFailed: with the end of its log."""
        if self.pid is not None and answers(self.port):
            return
        require_free(self.port, "the customers' mail server")
        for part in ("tmp", "new", "cur"):
            (self.maildir / part).mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "pipeline.demo.mailserver", str(self.port), str(self.maildir)]
        checkout = Path(pipeline.__file__).parents[1]
        self._daemon.start(words, lambda: answers(self.port), seconds=30, cwd=checkout, marked=marked)

    def stop(self) -> None:
        self._daemon.stop(seconds=5)

    def messages(self, recipient: str | None = None) -> list[EmailMessage]:
        """What has arrived, oldest first; ``recipient`` keeps those whose envelope named that address."""
        found = []
        for path in sorted((self.maildir / "new").iterdir()):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            named = str(message["X-Envelope-To"]).lower().split(", ")
            if recipient is None or recipient.lower() in named:
                found.append(message)
        return found

    def clear(self) -> None:
        """Forget every message."""
        for path in (self.maildir / "new").iterdir():
            path.unlink()


class Keeper:
    """Stores each message whole or not at all, its envelope in two headers before its own."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self._count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        self._count += 1
        name = f"{time.time_ns()}.{self._count:06d}.palier"
        recipients = ", ".join(_one_line(address) for address in envelope.rcpt_tos)
        head = f"X-Envelope-From: {_one_line(envelope.mail_from or '')}\r\nX-Envelope-To: {recipients}\r\n"
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        temporary = self._maildir / "tmp" / name
        temporary.write_bytes(head.encode() + content)
        temporary.rename(self._maildir / "new" / name)
        return "250 Kept"


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", text)


def serve(port: int, maildir: Path) -> None:
    """Serve until the process is ended."""
    import asyncio

    from aiosmtpd.smtp import SMTP

    async def forever() -> None:
        keeper = Keeper(maildir)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(
                keeper, hostname="customers.example", data_size_limit=LARGEST, enable_SMTPUTF8=True, loop=loop
            ),
            LOOPBACK,
            port,
        )
        async with server:
            await server.serve_forever()

    asyncio.run(forever())


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
