"""The proof of a snapshot: restored for once, into a scratch schema, and compared with what was dumped."""

from __future__ import annotations

from dataclasses import replace

from pipeline.database import schema, snapshot_state
from pipeline.database.connection import Database, QueryFailed
from pipeline.database.dump_content import ALL_TABLES, DECOMPRESS, differences
from pipeline.database.snapshot import TIMEOUT, Snapshot, broken, restore_command
from pipeline.database.sql import OWN, identifier
from pipeline.errors import Refused
from pipeline.remote.command import command, quoted
from pipeline.remote.host import CommandFailed

NO_DEFINER = ";/^\\/\\*!50/s/DEFINER=`[^`]*`@`[^`]*`//;/^CREATE DEFINER=/s/DEFINER=`[^`]*`@`[^`]*`//"
"""Only an administrator may make views and triggers in somebody else's name; a proof need not."""


PROOF = f"{OWN}proof_"
_MAY_NOT = {1044, 1045, 1227}


def prove(db: Database, snapshot: Snapshot) -> Snapshot:
    """Restore the snapshot once and compare: into a schema of its own if the account may make one, else beside.

    :param db: connected to the schema that was dumped; it is only added to, and what is added goes again.
    :raises SnapshotBroken: if what was restored is not what was dumped.
    """
    scratch = f"{db.name[:50]}_palier_proof"
    try:
        db.execute(f"CREATE DATABASE {identifier(scratch)}")
    except QueryFailed as refused:
        if refused.code not in _MAY_NOT:
            raise
        return restore_beside(db, snapshot)
    try:
        elsewhere = Database(db.host, replace(db.credentials, name=scratch), db.client_file)
        with elsewhere.connected() as empty:
            return restore_into(empty, snapshot)
    finally:
        db.execute(f"DROP DATABASE {identifier(scratch)}")


def restore_beside(db: Database, snapshot: Snapshot) -> Snapshot:
    """The proof for an account that has one schema only: every table as ``_palier_proof_N``, counted and dropped.

    Foreign keys and views are left out; that the dump has them is known from its text.
    """
    _drop_proofs(db)
    client = f"{db.program} --defaults-file={quoted(db.host.expand(db.client_file))} --default-character-set=utf8mb4"
    words = " ".join(quoted(word) for word in DECOMPRESS[snapshot.compression])
    text = (
        f"{words} -- {quoted(snapshot.path)} | LC_ALL=C awk -v prefix={quoted(PROOF)} {quoted(ALL_TABLES)}"
        f" | {client} {quoted(db.name)}"
    )
    try:
        db.host.run(command("bash", "-o", "pipefail", "-c", text), timeout=TIMEOUT)
        found = sorted(int(db.value(f"SELECT COUNT(*) FROM {identifier(name)}")) for name in _proofs(db))
    except CommandFailed as problem:
        raise broken(f"The snapshot {snapshot.path} could not be restored.", why=problem.why) from problem
    finally:
        _drop_proofs(db)
    if found != sorted(snapshot.rows.values()):
        raise broken(f"The snapshot {snapshot.path} does not restore the rows that were dumped.")
    proved = replace(snapshot, proved=True)
    db.host.write(proved.record, proved.json(), mode=0o600)
    return proved


def _proofs(db: Database) -> list[str]:
    sql = (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        f" AND TABLE_NAME REGEXP '^{PROOF}[0-9]+$'"
    )
    return [str(row[0]) for row in db.rows(sql)]


def _drop_proofs(db: Database) -> None:
    for name in _proofs(db):
        db.execute(f"DROP TABLE IF EXISTS {identifier(name)}")


def restore_into(scratch: Database, snapshot: Snapshot) -> Snapshot:
    """Prove a snapshot: restore it into an empty schema on the same host, compare all, and empty the schema again.

    :param scratch: connected; another schema than the one that was dumped.
    :raises Refused: if the schema is not empty. :raises SnapshotBroken: if the restored tables differ.
    :returns: the snapshot, with ``proved`` set, as it is now recorded.
    """
    if scratch.name == snapshot.database or schema.table_names(scratch, views=True):
        raise Refused(f"The schema {scratch.name} is not an empty one: nothing was restored into it.")
    elsewhere = replace(snapshot, database=scratch.name)
    client_file = scratch.host.expand(scratch.client_file)
    text = restore_command(elsewhere, client_file, program=scratch.program, edit=NO_DEFINER)
    try:
        scratch.host.run(command("bash", "-o", "pipefail", "-c", text), timeout=TIMEOUT)
        state = snapshot_state.read(scratch)
        wrong = differences(snapshot.signatures, state.signatures) + [
            f"{name}: {state.rows.get(name)} rows instead of {count}"
            for name, count in snapshot.rows.items()
            if state.rows.get(name) != count
        ]
    except CommandFailed as problem:
        what = f"The snapshot {snapshot.path} could not be restored into {scratch.name}."
        raise broken(what, why=problem.why) from problem
    finally:
        _empty(scratch)
    if wrong:
        raise broken(f"The snapshot {snapshot.path} does not restore what was dumped: {', '.join(wrong)}.")
    proved = replace(snapshot, proved=True)
    scratch.host.write(proved.record, proved.json(), mode=0o600)
    return proved


def _empty(scratch: Database) -> None:
    scratch.execute("SET SESSION foreign_key_checks=0")
    found = scratch.rows("SELECT TABLE_NAME,TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()")
    for name, kind in found:
        scratch.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} IF EXISTS {identifier(name)}")
