"""A private server for the bench, set up like a shop's own: a buffer pool of 768 MB, a log that holds minutes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.database.connection import Credentials, Database
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

POOL = 768 * 1024 * 1024
LOG = 512 * 1024 * 1024
PASSWORD = "bench"


@contextmanager
def serving(folder: Path) -> Iterator[MariaDB]:
    """A server whose every file is in ``folder``; stopped and removed at the end."""
    server = MariaDB(folder / "mariadb")
    try:
        server.start()
        server.admin(
            f"SET GLOBAL innodb_buffer_pool_size={POOL}; SET GLOBAL innodb_log_file_size={LOG};"
            "SET GLOBAL local_infile=1; SET GLOBAL max_allowed_packet=67108864"
        )
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def schema(server: MariaDB, folder: Path, name: str) -> Database:
    """A schema with an account of its own that may do everything in it and nothing outside."""
    server.create(name, name, PASSWORD)
    database = Database(
        LocalHost(), Credentials(name, name, Secret(PASSWORD), port=server.port), str(folder / f"{name}.cnf")
    )
    database.place_client_file()
    return database


def drop(server: MariaDB, *names: str) -> None:
    for name in names:
        server.admin(f"DROP DATABASE IF EXISTS `{name}`")
