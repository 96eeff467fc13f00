"""What keeps a critical section safe from whoever drives it: the guard on the host, and the fence around its commands.

The guard is a detached process on the host that takes everything back when the heartbeat stops. It cannot know whether
the driver is dead or only slow, so the driver may wake up later; the fence is why it then does nothing any more: a
supervised command first writes itself down in ``running`` and then looks for ``halted``, while ``rollback.sh`` first
writes ``halted`` and then ends what ``running`` names. Whatever the order, one of the two sees the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from pipeline import undo
from pipeline.errors import PalierError, Refused
from pipeline.record import TAKEN_OVER, Record, taken_over
from pipeline.remote.command import Command, command, script
from pipeline.remote.host import Host, OutcomeUnknown, Result
from pipeline.remote.local import failed

MISSING = 94
"""What :data:`_START` answers without the right ``rollback.sh``."""

_START = """
umask 077
cd "$1"
if [ -e halted ] || [ -e undoing ]; then exit 97; fi
set -- "$1" "$2" "$3" $(sha256sum rollback.sh 2>/dev/null)
[ "${4-}" = "$3" ] || exit 94
rm -f guard.pid guard.done
cat > guard.sh
printf start > heartbeat
detached=; if command -v setsid >/dev/null; then detached=setsid; fi
$detached sh guard.sh "$2" < /dev/null >> guard.log 2>&1 &
tries=0
while [ ! -s guard.pid ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 93
    sleep 0.1 2>/dev/null || sleep 1
done
"""

_STOP = """
cd "$1"; mode=$2
: > guard.done
{ read -r stat < guard.pid; } 2>/dev/null || exit 0
pid=${stat%% *}
set -- ${stat##*) }
born=${20}
woken=
here() {
    { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || return 1
    set -- ${stat##*) }
    [ "$1" != Z ] && [ "${20}" = "$born" ]
}
tries=0
while here; do
    if [ "$mode" = untouched ] && [ -e halted ]; then exit 97; fi
    [ -n "$woken" ] || { kill -TERM "$pid" 2>/dev/null; woken=yes; }
    if [ "$tries" -ge 100 ]; then kill -KILL "$pid"; sleep 1; break; fi
    tries=$((tries + 1))
    sleep 0.1 2>/dev/null || sleep 1
done
if [ "$mode" = untouched ] && [ -e halted ]; then exit 97; fi
"""

_BEAT = 'cd "$1"; if [ -e halted ]; then exit 97; fi; printf %s "$2" > heartbeat'

# What is written down is the leader of the process group: hosts give every command a session of its own.
_FENCE = """
if { read -r line < "$1/running"; } 2>/dev/null && [ -e "/proc/${line%% *}" ]; then
    echo "palier: an earlier command of this run is still at work" >&2; exit 98
fi
folder=$1 inner=$2 users=$3
read -r stat < /proc/$$/stat
set -- ${stat##*) }
read -r stat < "/proc/$3/stat"
read -r boot < /proc/sys/kernel/random/boot_id
printf '%s\n%s\n%s\n' "$stat" "$boot" "$users" > "$folder/running" || exit 1
if [ -e "$folder/halted" ] || [ -e "$folder/undoing" ]; then
    rm -f "$folder/running"
    echo "palier: taken over" >&2; exit 97
fi
bash -o pipefail -c "$inner"
status=$?
rm -f "$folder/running"
exit "$status"
"""

_WRITE = """
cat > "$1.palier-partial"
chmod "$2" "$1.palier-partial"
sync -d "$1.palier-partial" 2>/dev/null || sync
mv -f "$1.palier-partial" "$1"
"""


@cache
def guard_script() -> str:
    """``guard.sh``: watches the heartbeat, and runs ``rollback.sh`` when it stops."""
    return Path(__file__).with_name("guard.sh").read_text(encoding="utf-8")


class Guard:
    """The guard of one run, and the heartbeat that keeps it quiet for as long as the driver is well.

    :param seconds: how long the heartbeat may be missing.
    """

    def __init__(self, record: Record, seconds: int) -> None:
        self.seconds = seconds
        self._record = record
        self._until = 0.0
        self._asked = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the guard, and the heartbeat once the guard has answered.

        :raises Refused: if the way back is not in place, or the guard does not answer.
        :raises TakenOver: if somebody is undoing the run already.
        """
        self._asked = True  # before it is: an answer that got lost must not leave a guard behind
        words = (self._record.folder, self.seconds, undo.digest(undo.rollback_script()))
        result = self._record.host.run(script(_START, *words).fed(guard_script()), check=False, timeout=30)
        if result.status == TAKEN_OVER:
            raise taken_over()
        if result.status == MISSING:
            raise Refused(
                "The critical section was not begun: the way back is not in place.",
                why=f"{self._record.path(undo.SCRIPT)} is missing or was changed.",
            )
        if not result.ok:
            raise Refused(
                "The critical section was not begun: the guard on the host does not answer.",
                why=result.stderr.strip() or f"See {self._record.path('guard.log')}.",
            )
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.allow(self.seconds)
        self._thread.start()

    @property
    def started(self) -> bool:
        return self._thread is not None

    def allow(self, seconds: float) -> None:
        """Let the heart beat for another ``seconds``: what is done now is not to take longer."""
        self._until = time.monotonic() + seconds

    def hush(self) -> None:
        """End the heartbeat, not the guard."""
        self._ended.set()

    def stop(self) -> None:
        """End the guard after the last critical step, and return when it is gone.

        :raises TakenOver: if it has begun to undo the run meanwhile, or somebody else has.
        """
        self._end("untouched")

    def dismiss(self) -> None:
        """End the guard after an undo, whoever did it; the heart stops first."""
        self.hush()
        self._end("undone")

    def _end(self, mode: str) -> None:
        if not self._asked:
            return
        self.allow(self.seconds)
        wanted = script(_STOP, self._record.folder, mode)
        result = self._record.insist(wanted, timeout=60, reach=self.seconds / 2)
        if result.status == TAKEN_OVER:
            raise taken_over()
        self.hush()
        if self._thread is not None:
            self._thread.join(timeout=self.seconds)
        if not result.ok:
            raise PalierError("The guard on the host could not be ended.", why=result.stderr.strip())

    def _beat(self) -> None:
        count = 0
        while not self._ended.wait(self.seconds / 4):
            if time.monotonic() > self._until:
                continue
            count += 1
            # A beat that does not arrive is the guard's business; the step at work will notice the loss by itself.
            with suppress(PalierError):
                beat = script(_BEAT, self._record.folder, count)
                if self._record.host.run(beat, check=False, timeout=self.seconds).status == TAKEN_OVER:
                    return


class Supervised:
    """A host whose commands refuse to start once the run is being undone, and are ended by the undo if at work.

    Only what goes through :meth:`run` and :meth:`write` is fenced: critical steps change production by nothing else.
    """

    def __init__(self, host: Host, run_folder: str) -> None:
        self.name = host.name
        self._host = host
        self._folder = run_folder
        self._one = threading.Lock()

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        """As :meth:`Host.run`, fenced. :raises TakenOver: if the run is being undone; the command was not started."""
        with self._one, _said_as(self.name, command):
            result = self._host.run(self._fenced(command), check=False, timeout=timeout)
        if result.status == TAKEN_OVER and "palier: taken over" in result.stderr:
            raise taken_over()
        if check and not result.ok:
            raise failed(self.name, command, result)
        return result

    def _fenced(self, inner: Command) -> Command:
        users = " ".join(sorted(_users(inner)))
        words = ("sh", "-c", _FENCE, "palier", self._folder, inner.shell(), users)
        return Command(words, stdin=inner.first().stdin)

    def write(self, path: str, content: str | bytes, *, mode: int = 0o600) -> None:
        writing = script(_WRITE, self.expand(path), f"{mode:o}")
        self.run(replace(writing, stdin=content))

    def upload(self, source: Path, path: str) -> None:
        """Not fenced but for its beginning: upload beside, and switch by a command."""
        self.run(command("true"))
        self._host.upload(source, path)

    def read(self, path: str) -> bytes:
        return self._host.read(path)

    def exists(self, path: str) -> bool:
        return self._host.exists(path)

    def download(self, path: str, target: Path) -> None:
        self._host.download(path, target)

    def forward(self, address: str, port: int) -> AbstractContextManager[tuple[str, int]]:
        return self._host.forward(address, port)

    def forward_socket(self, path: str) -> AbstractContextManager[tuple[str, int]]:
        return self._host.forward_socket(path)

    def listen(self, port: int, local_port: int) -> AbstractContextManager[int]:
        return self._host.listen(port, local_port)

    def expand(self, path: str) -> str:
        return self._host.expand(path)

    def close(self) -> None:
        self._host.close()


def _users(wanted: Command) -> set[str]:
    others = _users(wanted.piped) if wanted.piped is not None else set()
    return others | ({wanted.user} if wanted.user is not None else set())


@contextmanager
def _said_as(host: str, wanted: Command) -> Iterator[None]:
    """Errors name the command that was wanted, and not the fence around it."""
    try:
        yield
    except OutcomeUnknown as problem:
        problem.what = f"On {host}, it is not known whether this took effect: {wanted}"
        raise
