"""Running ``rollback.sh``, whoever wants it: the engine after a failure, or ``palier rollback`` on another day."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from pipeline import undo
from pipeline.errors import Inconclusive, PalierError
from pipeline.events import Emit, Note, StepUndone
from pipeline.lock import me
from pipeline.record import Record
from pipeline.remote.command import Command, script
from pipeline.remote.host import Result

PATIENCE = 1800.0
"""Seconds for which somebody else's undo is waited for, and that one's own may take."""

_RUN = """
status=0
PALIER_BY=$2 sh "$1/rollback.sh" $3 || status=$?
[ "$status" -ne 0 ] || { printf 'rolled-back: '; cat "$1/rolled-back" 2>/dev/null || echo; }
exit "$status"
"""

_REMAINING = """
cd "$1"
for fragment in undo.d/[0-9][0-9]-*.sh; do
    name=${fragment#undo.d/}; name=${name%.sh}
    if [ -f "$fragment" ] && [ ! -e "undone/$name" ]; then echo "$name"; fi
done
"""


@dataclass(frozen=True)
class Undone:
    """What came of it.

    ``remaining`` are the fragments not taken back, newest first; ``failed`` the one that stopped it ("": none did);
    ``by`` who took the run back; ``said`` everything that the script said, for people.
    """

    ok: bool
    failed: str
    remaining: tuple[str, ...]
    by: str
    said: str


def roll_back(
    record: Record, emit: Emit, *, stay_closed: bool = False, titles: Mapping[int, str] | None = None
) -> Undone:
    """Take the run back, or wait for whoever is at it, and tell each step that was taken back.

    :param stay_closed: leave the maintenance page on; a second call without it opens the shop.
    :param titles: the steps' names by number; ``None``: the names of the fragments.
    :raises HostUnreachable, OutcomeUnknown: if the host does not answer within :data:`pipeline.record.REACH` seconds.
    :raises Inconclusive: if somebody else has been undoing the run for longer than :data:`PATIENCE`.
    """
    words = (record.folder, f"palier ({me()})", "--stay-closed" if stay_closed else "")
    result = _patient(record, script(_RUN, *words), emit)
    lines = _folded(record) or undo.parse(result.stdout)
    for line in lines:
        if line.what == "ok":
            emit(StepUndone((titles or {}).get(line.number, line.fragment), line.seconds))
    ok = result.status == undo.DONE
    remaining = (
        ()
        if ok and not stay_closed
        else tuple(reversed(record.insist(script(_REMAINING, record.folder)).stdout.split()))
    )
    failed = next((line.fragment for line in reversed(lines) if line.what == "failed"), "") if not ok else ""
    by = result.stdout.rpartition("rolled-back: ")[2].partition(" by ")[2].strip() if ok else ""
    return Undone(ok, failed, remaining, by, result.stdout + result.stderr)


def _folded(record: Record) -> tuple[undo.UndoLine, ...]:
    # The journal is evidence; a damaged or unreachable one does not undo the undo.
    with suppress(PalierError):
        return record.fold()
    return ()


def _patient(record: Record, wanted: Command, emit: Emit) -> Result:
    deadline = time.monotonic() + PATIENCE
    told = False
    while True:
        result = record.insist(wanted, timeout=PATIENCE)
        if result.status != undo.BUSY:
            return result
        if not told:
            emit(Note("Somebody else is taking this run back already; waiting for them.", "warning"))
            told = True
        if time.monotonic() > deadline:
            raise Inconclusive(
                "Somebody else has been taking this run back for a long time.", why=result.stdout.strip()
            )
        time.sleep(1)


@contextmanager
def interrupts_remembered() -> Iterator[threading.Event]:
    """Ctrl-C, SIGTERM and a closed terminal are only remembered inside: half a rollback is no state for a shop."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def remember(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
