"""A little production of files, steps that change it, and hosts that fail as told: for the engine's tests.

Run as a program it drives the engine, so that it can be killed:

    python -m tests.engine_world FOLDER HEARTBEAT HOW WHERE

HOW is ``before`` or ``after`` (dies by SIGKILL before or after the command number WHERE), ``within`` (dies while the
command of step WHERE is at work), ``stop`` (stops itself before that step, and may be continued) or ``hang``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.engine import Act, Step, on, run
from pipeline.errors import PalierError
from pipeline.events import Event
from pipeline.guard import Supervised
from pipeline.record import Record
from pipeline.remote.command import Command, script
from pipeline.remote.host import Host, HostUnreachable, Result
from pipeline.remote.local import LocalHost

KINDS = ("look", "prepare", "write", "swap", "append")
USUAL = ("look", "prepare", "write", "swap", "append", "look", "write")


def production(folder: Path) -> Path:
    """A shop: a maintenance page that may exist, files, a folder of code, a log of orders."""
    shop = folder / "shop"
    (shop / "code").mkdir(parents=True)
    (shop / "code" / "version").write_text("1")
    (shop / "orders").write_text("order 1\n")
    for number in range(1, 30):
        (shop / f"setting-{number}").write_text("old")
    return shop


def state(shop: Path) -> dict[str, str]:
    """Everything that customers could see."""
    return {str(file.relative_to(shop)): file.read_text() for file in sorted(shop.rglob("*")) if file.is_file()}


def steps(record: Record, shop: Path, kinds: tuple[str, ...] = USUAL) -> list[Step]:
    """Steps of these kinds between "close" and "open"; "prepare" is done before the critical section."""
    fenced = Supervised(record.host, record.folder)
    early = [_step(number, kind, record.host, shop) for number, kind in enumerate(kinds, start=1) if kind == "prepare"]
    late = [_step(number, kind, fenced, shop) for number, kind in enumerate(kinds, start=10) if kind != "prepare"]
    page = f"'{shop}/closed'"
    close = Step("Close the shop", on(fenced, script('echo 503 > "$1"', str(shop / "closed"))), "web1", f"rm -f {page}")
    open_ = Step("Open the shop", on(fenced, script('rm -f "$1"', str(shop / "closed"))), "web1", f"echo 503 > {page}")
    return early + [replace(step, critical=True) for step in (close, *late, open_)]


def _step(number: int, kind: str, host: Host, shop: Path) -> Step:
    name = f"{kind.capitalize()} {number}"
    if kind == "look":
        return Step(name, on(host, script('test -d "$1"', str(shop))))
    if kind == "prepare":
        path = shop / f"prepared-{number}"
        acts = on(host, script('mkdir "$1"; echo a > "$1/a"; echo b > "$1/b"', str(path)))
        return Step(name, acts, undo=f"rm -rf '{path}'")
    if kind == "write":
        path = shop / f"setting-{number}"
        acts = on(
            host,
            script('cp "$1" "$1.new"; mv "$1" "$1.old"', str(path)),
            script('mv "$1.new" "$1"; echo new > "$1"', str(path)),
        )
        return Step(
            name, acts, undo=f"if [ -e '{path}.old' ]; then mv -f '{path}.old' '{path}'; fi\nrm -f '{path}.new'"
        )
    if kind == "swap":
        code, old = shop / "code", shop / f"code.{number}.old"
        acts = on(
            host, script('mv "$1" "$2"', str(code), str(old)), script('mkdir "$1"; echo 2 > "$1/version"', str(code))
        )
        return Step(name, acts, undo=f"if [ -e '{old}' ]; then rm -rf '{code}'; mv '{old}' '{code}'; fi")
    path = shop / "orders"
    acts = on(host, script('echo "half $2" >> "$1"; sleep 0.02; echo "line $2" >> "$1"', str(path), number))
    keep = f"grep -v -x -e 'half {number}' -e 'line {number}' '{path}' > '{path}.tmp' || test $? = 1"
    return Step(name, acts, undo=f"{keep}\nmv -f '{path}.tmp' '{path}'")


@dataclass
class Fault:
    """What happens at the command with this number, before it is run or after; then the host may stay away."""

    number: int
    when: str
    error: BaseException | None = None
    away: int = 0
    """How many calls find the host unreachable afterwards, unless it is called anew."""


@dataclass
class FaultyHost(LocalHost):
    """This machine, whose commands of the main thread are counted and fail as told."""

    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    away: int = 0
    reconnected: int = 0

    def __post_init__(self) -> None:
        super().__init__("production")

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        if threading.current_thread() is not threading.main_thread():
            return super().run(command, check=check, timeout=timeout)
        if self.away:
            self.away -= 1
            raise HostUnreachable("The host does not answer.")
        self.count += 1
        number = self.count
        self._fail(number, "before")
        result = super().run(command, check=check, timeout=timeout)
        self._fail(number, "after")
        return result

    def _fail(self, number: int, when: str) -> None:
        for fault in self.faults:
            if (fault.number, fault.when) == (number, when):
                self.away = fault.away
                if fault.error is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                    time.sleep(10)
                else:
                    raise fault.error

    def reconnect(self) -> None:
        self.reconnected += 1
        if self.away < 100:
            self.away = 0


def drive(
    folder: Path,
    kinds: tuple[str, ...] = USUAL,
    *,
    faults: list[Fault] | None = None,
    heartbeat: int = 5,
    change: Callable[[list[Step]], list[Step]] = list,
) -> tuple[BaseException | None, list[Event], Record, FaultyHost]:
    """Run the engine over the shop in ``folder``; commands are counted from 1 once the record is there."""
    host = FaultyHost()
    record = Record.create(host, str(folder / "record"), "promote", "brasserie", "ines@laptop")
    host.count, host.faults = 0, faults or []
    events: list[Event] = []
    try:
        run(change(steps(record, folder / "shop", kinds)), record, events.append, heartbeat=heartbeat)
    except BaseException as error:  # noqa: BLE001  # tests look at whatever comes out
        return error, events, record, host
    return None, events, record, host


def _main(folder: Path, heartbeat: int, how: str, where: int) -> int:
    host = FaultyHost()
    record = Record.create(host, str(folder / "record"), "promote", "brasserie", "ines@laptop")
    planned = steps(record, folder / "shop")
    host.count = 0
    if how in {"before", "after"}:
        host.faults = [Fault(where, how)]
    else:
        planned = [_spoilt(step, how, record, folder) if step.name.endswith(f" {where}") else step for step in planned]
    try:
        run(planned, record, lambda _: None, heartbeat=heartbeat)
    except PalierError as error:
        sys.stdout.write(f"{error}\n")
        return int(error.exit_code)
    return 0


def _spoilt(step: Step, how: str, record: Record, folder: Path) -> Step:
    if how != "within":
        return replace(step, acts=(Act("halt", lambda: _halt(how), budget=1), *step.acts))
    text = 'echo half > "$1/half"; kill -KILL "$2"; sleep 0.5; echo late > "$1/half"'
    acts = on(Supervised(record.host, record.folder), script(text, str(folder / "shop"), os.getpid()))
    return replace(step, acts=acts, undo=f"rm -f '{folder}/shop/half'\n{step.undo}")


def _halt(how: str) -> None:
    if how == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        time.sleep(8)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
