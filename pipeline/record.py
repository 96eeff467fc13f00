"""The record of a run: its folder on the production host, outside the document root.

Whoever rolls back may sit at another machine, so everything that the way back needs is here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
import json
import posixpath
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Self

from pipeline import undo
from pipeline.errors import PalierError
from pipeline.journal import APPEND, Entry, Fact, Journal, JournalDamaged, now, verify
from pipeline.remote.command import Command, script
from pipeline.remote.host import Host, HostUnreachable, OutcomeUnknown, Result

TAKEN_OVER = 97
"""The exit status of a command that refused to start because somebody is undoing the run."""

REACH = 30.0
"""Seconds for which a host that does not answer is called again."""

_CREATE = """
umask 077
mkdir -p "$1/runs"
cd "$1/runs"; mkdir "$2"; cd "$2"; mkdir undo.d undone
cat > run.json
printf %s "$3" > journal.jsonl
sync -d run.json journal.jsonl 2>/dev/null || sync
"""

_PLACE = (
    """
umask 077
cd "$1"; size=$2; lines=$3
if [ -e halted ] || [ -e undoing ]; then exit 97; fi
if [ -n "$4" ]; then
    partial="undo.d/.$4.partial"
    cat > "$partial"
    set -- "$4" "$5" "$6" $(sha256sum "$partial")
    [ "$4" = "$2" ] || { echo "the fragment did not arrive whole" >&2; exit 95; }
    sh -n "$partial"
    if [ -n "$3" ]; then echo "$1" > closed-by; fi
    sync -d "$partial" 2>/dev/null || sync
    mv "$partial" "undo.d/$1.sh"
    sync undo.d 2>/dev/null || sync
fi
"""
    + APPEND
)

_LIST = """
cd "$1/runs" 2>/dev/null || exit 0
for run in *Z-*; do
    [ -f "$run/journal.jsonl" ] || continue
    about=$(cat "$run/run.json" 2>/dev/null | tr -d '\\n')
    size=$(wc -c < "$run/journal.jsonl"); size=$((size))
    state=-
    if [ -e "$run/superseded" ]; then state=superseded; fi
    if [ -e "$run/undoing" ]; then state=undoing; fi
    if [ -e "$run/rolled-back" ]; then state=rolled-back; fi
    printf '%s %s %s %s\\n' "$run" "$state" "$size" "$about"
    head -c "$size" "$run/journal.jsonl"
done
"""


class TakenOver(PalierError):
    """The guard or a person is undoing the run, so this process may do nothing more for it."""


def taken_over() -> TakenOver:
    return TakenOver("Somebody else is taking this run back: the guard on the host, or a person.")


@dataclass(frozen=True)
class RunSummary:
    """One run in a list; ``outcome`` is a few words, "unfinished" while it has none."""

    run: str
    flow: str
    shop: str
    by: str
    started: str
    outcome: str


@dataclass(frozen=True)
class About:
    """What ``run.json`` holds."""

    run: str
    flow: str
    shop: str
    by: str
    started: str


class Record:
    """The folder of one run on ``host``, at ``folder``."""

    def __init__(self, host: Host, folder: str, about: About) -> None:
        self.host = host
        self.folder = folder
        self.about = about
        self.journal = Journal(host, folder, about.run)
        self._last_number: int | None = None

    @property
    def run(self) -> str:
        """The run's id: it sorts by time and names the flow."""
        return self.about.run

    @classmethod
    def create(cls, host: Host, root: str, flow: str, shop: str, by: str) -> Self:
        """Begin the record of a new run below ``root``. :raises CommandFailed: if the folder cannot be made."""
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        about = About(f"{stamp}-{flow}-{secrets.token_hex(2)}", flow, shop, by, now())
        root = host.expand(root)
        record = cls(host, f"{root}/runs/{about.run}", about)
        record._last_number = 0
        first = record.journal.begin(flow=flow, shop=shop, by=by)
        host.run(script(_CREATE, root, about.run, first).fed(json.dumps(asdict(about)) + "\n"))
        return record

    @classmethod
    def open(cls, host: Host, root: str, run_id: str) -> Self:
        """The record of an earlier run. :raises PalierError: if there is none of that id, or it cannot be read."""
        folder = f"{host.expand(root)}/runs/{run_id}"
        if "/" in run_id or not host.exists(f"{folder}/run.json"):
            raise PalierError(
                f"There is no run {run_id} on {host.name}.",
                why=f"{folder} was not found.",
                next_step="List them: palier runs",
            )
        try:
            return cls(host, folder, About(**json.loads(host.read(f"{folder}/run.json"))))
        except (ValueError, TypeError) as problem:
            raise PalierError(f"{folder}/run.json is not the record of a run.", why=f"{problem}.") from None

    @staticmethod
    def list(host: Host, root: str) -> list[RunSummary]:
        """Every run below ``root``, oldest first, in one round trip. A damaged journal is said to be so, not raised."""
        raw = host.run(script(_LIST, host.expand(root))).raw
        summaries = []
        while raw:
            head, _, raw = raw.partition(b"\n")
            run, state, size, about = head.decode("utf-8", "replace").split(" ", 3)
            text, raw = raw[: int(size)].decode("ascii", "surrogateescape"), raw[int(size) :]
            summaries.append(_summary(run, about, _outcome(text, run, state)))
        return summaries

    def last_number(self) -> int:
        """The number of the last step that was begun; 0: none was."""
        if self._last_number is None:
            numbers = (entry.facts.get("number", 0) for entry in self.journal.entries() if entry.event == "begun")
            self._last_number = max((int(str(number)) for number in numbers), default=0)
        return self._last_number

    def place(self, number: int, slug: str, body: str, *, title: str = "", closes: bool = False, **facts: Fact) -> str:
        """Write the undo fragment of step ``number`` (none if ``body`` is empty) and journal that the step begins.

        One round trip. When it returns, both are on the host's disk and the fragment is whole and valid shell.

        :param closes: the step closes the shop: ``--stay-closed`` leaves its fragment out.
        :returns: the fragment's name, or "" without one.
        :raises TakenOver: if somebody is undoing the run; nothing was written.
        """
        text = undo.fragment(title or slug, body) if body.strip() else ""
        name = undo.fragment_name(number, slug) if text else ""
        self._last_number = max(number, self.last_number())
        self.journal.note("begun", step=title or slug, number=number, **facts)
        hashed, mark = (undo.digest(text), "closes" if closes else "") if text else ("", "")

        def write(size: int, lines: str) -> Result:
            words = (self.folder, size, lines, name, hashed, mark)
            return self.host.run(script(_PLACE, *words).fed(text), check=False)

        result = self.journal.commit(write)
        if result.status == TAKEN_OVER:
            raise taken_over()
        if not result.ok:
            raise PalierError(
                f"The way back of the step {title or slug!r} could not be written to {self.folder}.",
                why=result.stderr.strip(),
            )
        return name

    def arm(self) -> None:
        """Write ``rollback.sh``, so that the fragments can be run."""
        self.write(undo.SCRIPT, undo.rollback_script())

    def fold(self) -> tuple[undo.UndoLine, ...]:
        """Take what ``undo.log`` says since the last time over into the journal, and return it."""
        path = self.path(undo.LOG)
        if not self.host.exists(path):
            return ()
        folded = (entry for entry in self.journal.entries() if entry.event == "folded")
        known = max((int(str(entry.facts["upto"])) for entry in folded), default=0)
        log = self.host.read(path)
        lines = undo.parse(log[known:].decode("utf-8", "replace"))
        for line in lines:
            self.journal.note(f"undo {line.what}", fragment=line.fragment, seconds=line.seconds)
        if len(log) > known:
            self.journal.append("folded", upto=len(log))
        return lines

    def insist(self, wanted: Command, *, timeout: float | None = None, reach: float = REACH) -> Result:
        """Run what may safely be run twice, whatever its status; call the host anew if the connection is lost.

        :param reach: seconds for which that is tried.
        :raises HostUnreachable, OutcomeUnknown: if the host does not answer for so long.
        """
        deadline: float | None = None
        pause = 0.1
        while True:
            try:
                return self.host.run(wanted, check=False, timeout=timeout)
            except (HostUnreachable, OutcomeUnknown):
                deadline = deadline or time.monotonic() + reach
                if time.monotonic() > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
            reconnect: Callable[[], None] | None = getattr(self.host, "reconnect", None)
            if reconnect is not None:
                with suppress(PalierError):
                    reconnect()

    def end(self, outcome: str) -> None:
        """Journal how the run ended, in a few words."""
        self.journal.append("ended", outcome=outcome)

    def write(self, name: str, content: str | bytes) -> None:
        """Write the file ``name`` of the record, whole or not at all, for the owner's eyes only."""
        if "/" in name:
            self.host.run(script('umask 077; mkdir -p "$1"', posixpath.dirname(self.path(name))))
        self.host.write(self.path(name), content, mode=0o600)

    def read(self, name: str) -> bytes:
        """The file ``name`` of the record. :raises PalierError: if it cannot be read."""
        return self.host.read(self.path(name))

    def path(self, name: str) -> str:
        """Where the file ``name`` of the record is on the host."""
        return f"{self.folder}/{name}"


def _summary(run: str, about: str, outcome: str) -> RunSummary:
    try:
        return RunSummary(**json.loads(about), outcome=outcome)
    except (ValueError, TypeError):
        return RunSummary(run, "", "", "", "", "record damaged")


def _outcome(text: str, run: str, state: str) -> str:
    try:
        entries = verify(text, run)
    except JournalDamaged:
        return "journal damaged"
    told = {"rolled-back": "rolled back", "undoing": "being rolled back", "superseded": "superseded"}
    return told.get(state) or outcome(entries)


def outcome(entries: Sequence[Entry]) -> str:
    """How a run ended according to its journal; "unfinished" if it did not, or went on since."""
    last = next((entry for entry in reversed(entries) if entry.event in {"begun", "ended"}), None)
    return str(last.facts["outcome"]) if last is not None and last.event == "ended" else "unfinished"
