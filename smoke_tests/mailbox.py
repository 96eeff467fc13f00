"""The mail that the shop sent, as the mail trap keeps it: a Maildir."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

SECONDS = 10.0
PAUSE = 0.1


def text_of(message: EmailMessage) -> str:
    """Every text part of a message, decoded."""
    parts = (part for part in message.walk() if part.get_content_maintype() == "text")
    return "\n".join(str(part.get_content()) for part in parts)


class Mailbox:
    """A Maildir that is only read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, EmailMessage] = {}

    def messages(self) -> Iterator[EmailMessage]:
        """Everything that has arrived so far."""
        for name in ("new", "cur"):
            for path in sorted((self._folder / name).glob("*")):
                key = path.name.partition(":")[0]
                if key not in self._read:
                    self._read[key] = message_from_bytes(path.read_bytes(), policy=policy.default)
                yield self._read[key]

    def find(self, *, to: str | None = None, holding: str) -> tuple[EmailMessage, ...]:
        """Messages to an address (any, if none is given) with a text in their subject or body."""

        def fits(message: EmailMessage) -> bool:
            addressed = to is None or to.lower() in str(message["To"]).lower()
            return addressed and (holding in str(message["Subject"]) or holding in text_of(message))

        return tuple(message for message in self.messages() if fits(message))

    def wait_for(self, *, to: str | None = None, holding: str, seconds: float = SECONDS) -> tuple[EmailMessage, ...]:
        """Like :meth:`find`, looking again until something fits or ``seconds`` have passed."""
        deadline = time.monotonic() + seconds
        while not (found := self.find(to=to, holding=holding)) and time.monotonic() < deadline:
            time.sleep(PAUSE)
        return found
