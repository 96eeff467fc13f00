"""The lock of a shop: one run at a time, and everybody else is told who holds it, since when and why."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from pipeline.errors import Hold, Locked, PalierError, Refused
from pipeline.journal import now
from pipeline.remote.command import script
from pipeline.remote.host import Host

# mkdir decides who was first; the hard link decides again, because a folder without an owner may be left by a crash
# between the two, and then whoever links first has it. Neither can succeed for two.
_TAKE = """
umask 077
mkdir -p "$1"; cd "$1"
cat > "owner.$2"
won=
for try in 1 2 3; do
    mkdir lock 2>/dev/null || [ -d lock ]
    if why=$(ln "owner.$2" lock/owner.json 2>&1); then won=yes; break; fi
    if [ -s lock/owner.json ]; then break; fi
    sleep 1
done
rm -f "owner.$2"
[ -z "$won" ] || exit 0
cat lock/owner.json || { echo "$why" >&2; exit 1; }
exit 6
"""

_RELEASE = """
cd "$1" 2>/dev/null || exit 0
[ -d lock ] || exit 0
if [ -n "$2" ]; then grep -q -F "$2" lock/owner.json 2>/dev/null || exit 0; fi
rm -f lock/owner.json
rmdir lock
"""

_STATUS = 'if cat "$1/lock/owner.json" 2>/dev/null; then :; elif [ -d "$1/lock" ]; then echo "{}"; fi'


@dataclass(frozen=True)
class Owner:
    """Who holds a lock: ``who`` is user@machine, ``when`` in UTC, ``why`` the flow and its run."""

    who: str
    when: str
    why: str
    pid: int
    token: str

    def __str__(self) -> str:
        return f"{self.who} (process {self.pid}) since {self.when}: {self.why}"


NOBODY = Owner("unknown", "an unknown time", "its maker died before it said who it was", 0, "")


def me() -> str:
    """user@machine of this process."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@contextmanager
def acquire(host: Host, root: str, why: str, *, shop: str = "SHOP") -> Iterator[Owner]:
    """Hold the lock in the record ``root`` while the block runs; ``why`` is the flow and the run's id.

    It is kept when the block ends in :class:`Hold`: a person must look before anything else happens to the shop.

    :raises Locked: if somebody holds it; the text says who, since when, why, and how to get on.
    """
    root = host.expand(root)
    owner = Owner(me(), now(), why, os.getpid(), secrets.token_hex(8))
    try:
        _take(host, root, owner, shop)
        yield owner
    except Hold:
        raise
    except BaseException as cause:
        try:
            _release(host, root, owner.token)
        except PalierError as problem:
            cause.add_note(_left_behind(problem, shop))
        raise
    try:
        _release(host, root, owner.token)
    except PalierError as problem:
        raise PalierError(
            _left_behind(problem, shop), why=problem.why, production="The run is done; only its lock is left."
        ) from problem


def status(host: Host, root: str) -> Owner | None:
    """Who holds the lock; ``None``: nobody."""
    return _owner(host.run(script(_STATUS, host.expand(root))).stdout)


def release(host: Host, root: str, *, force: bool = False, shop: str = "SHOP") -> Owner | None:
    """Open a lock that was left behind, and say whose it was (``None``: there was none).

    :param force: also when it is somebody else's.
    :raises Refused: if it is somebody else's and ``force`` is not given.
    """
    root = host.expand(root)
    owner = status(host, root)
    if owner is None:
        return None
    if owner.token and owner.who != me() and not force:
        raise Refused(
            f"The lock is not yours: it is held by {owner}.",
            why="If that run is still at work, two runs would change the shop at the same time.",
            next_step=f"Ask them. If the run is surely over: palier lock release {shop} --force",
        )
    _release(host, root, owner.token)
    return owner


def _take(host: Host, root: str, owner: Owner, shop: str) -> None:
    result = host.run(script(_TAKE, root, owner.token).fed(json.dumps(asdict(owner))), check=False)
    if result.ok:
        return
    if result.status != 6:
        raise Refused(f"The lock in {root} cannot be made on {host.name}.", why=result.stderr.strip())
    raise Locked(
        f"The shop is locked by {_owner(result.stdout) or NOBODY}.",
        next_step=f"Look at it: palier lock status {shop}. If that run is surely over: palier lock release {shop}",
    )


def _release(host: Host, root: str, token: str) -> None:
    host.run(script(_RELEASE, root, token))


def _owner(text: str) -> Owner | None:
    if not text.strip():
        return None
    try:
        return Owner(**json.loads(text))
    except (ValueError, TypeError):
        return NOBODY


def _left_behind(problem: PalierError, shop: str) -> str:
    return f"The lock could not be released ({problem.what}). When the host answers again: palier lock release {shop}"
