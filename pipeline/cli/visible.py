"""Output that only Palier can colour: control characters in what a shop or a package wrote are shown, not obeyed.

A module's name, a page's title or an error of PHP's may hold escape sequences that clear a terminal, set its title or
write a command into it, and marks that turn the order of letters round. Everything goes through here once, on its way
out, whoever prints it.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO

_OWN = r"\r\x1b\[K|\x1b\[(?:0|1|2|31|32|33)m"
"""What Palier itself sends: the beginning of a line that is drawn anew; bold, dim, red, green, yellow, and their end.

None of them can hide or change what is printed elsewhere.
"""
_HIDDEN = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, delete, C1
    r"\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # turns round, splits or hides
    r"\ud800-\udfff]"  # half a character: no terminal could show it
)
_TOLD = re.compile(rf"({_OWN})|\r\n|{_HIDDEN}")


def visible(text: str) -> str:
    r"""``text`` with what a terminal would obey as ``\u001b``: in JSON, that is the same string still."""
    return _TOLD.sub(lambda found: found[1] or ("\n" if found[0] == "\r\n" else f"\\u{ord(found[0]):04x}"), text)


class _Visible(io.TextIOWrapper):
    def write(self, text: str, /) -> int:
        super().write(visible(text))
        return len(text)


def _over(stream: TextIO) -> _Visible | None:
    """A stream over the same buffer; ``None`` where there is none, as where text alone is collected."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    stream.flush()
    return _Visible(stream.buffer, stream.encoding, stream.errors, line_buffering=True, write_through=True)


@contextmanager
def visible_output() -> Iterator[None]:
    """Standard output and standard error go through :func:`visible` until the block ends."""
    with ExitStack() as stack:
        for name in ("stdout", "stderr"):
            before: TextIO = getattr(sys, name)
            stream = _over(before)
            if stream is not None:
                setattr(sys, name, stream)
                stack.callback(_back, name, before, stream)
        yield


def _back(name: str, before: TextIO, stream: _Visible) -> None:
    setattr(sys, name, before)
    with suppress(OSError, ValueError):  # nobody reads any more, or it was closed
        stream.detach()
