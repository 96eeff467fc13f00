"""The proof of a snapshot: restored for once, into a scratch schema, and compared with what was dumped."""

from __future__ import annotations

from dataclasses import replace

from pipeline.database import schema
from pipeline.database.connection import Database
from pipeline.database.dump_content import differences
from pipeline.database.snapshot import TIMEOUT, Snapshot, broken, read_state, restore_command
from pipeline.database.sql import identifier
from pipeline.errors import Refused
from pipeline.remote.command import command
from pipeline.remote.host import CommandFailed

NO_DEFINER = ";/^\\/\\*!50/s/DEFINER=`[^`]*`@`[^`]*`//;/^CREATE DEFINER=/s/DEFINER=`[^`]*`@`[^`]*`//"
"""Only an administrator may make views and triggers in somebody else's name; a proof need not."""


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
        state = read_state(scratch)
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
