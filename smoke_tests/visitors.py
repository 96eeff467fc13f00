"""The addresses and passwords of test visitors: made here, and recognised here by whoever removes what they left."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

_ADDRESS = re.compile(r"[^@\s%\\'\"]+@[^@\s%\\'\"]+\.[^@\s%\\'\".]+")

PASSWORD = re.compile(r"Pa1-[A-Za-z0-9_-]{16}")
"""The passwords that test visitors choose, by their look: none stays in any evidence."""


def new_password() -> str:
    """A password that shops accept and :data:`PASSWORD` recognises."""
    return f"Pa1-{secrets.token_urlsafe(12)}"


@dataclass(frozen=True)
class VisitorAddresses:
    """Addresses made of one: ``palier-test@example.com`` gives ``palier-test+1a2b3c4d-1@example.com``.

    The mark of a run is eight random hexadecimal digits, so no person's own tagged address is taken for a test's.
    """

    base: str

    def __post_init__(self) -> None:
        """:raises ValueError: if ``base`` is no address that others could be told from."""
        if not _ADDRESS.fullmatch(self.base):
            message = f"{self.base!r} is no e-mail address that test visitors could be recognised by"
            raise ValueError(message)

    def of_one_run(self) -> Iterator[str]:
        """Addresses that nobody has used before."""
        local, _, domain = self.base.rpartition("@")
        run = secrets.token_hex(4)
        return (f"{local}+{run}-{number}@{domain}" for number in range(1, 1_000_000))

    def fits(self, address: str) -> bool:
        """Whether ``address`` was made here."""
        local, _, domain = self.base.rpartition("@")
        return (
            re.fullmatch(rf"{re.escape(local)}\+[0-9a-f]{{8}}-[1-9]\d{{0,5}}@{re.escape(domain)}", address) is not None
        )

    @property
    def like(self) -> str:
        """What SQL's LIKE narrows the search by; :meth:`fits` decides. A ``_`` only widens it."""
        local, _, domain = self.base.rpartition("@")
        return f"{local}+%-%@{domain}"
