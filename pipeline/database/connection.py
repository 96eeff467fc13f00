"""One schema of one database server, reached through a host.

Palier's own questions go through PyMySQL over the host's forwarded port or socket; scripts and bulk data go through the
server's client program on the host. Values that Python cannot hold exactly (zero dates, floats, times) stay text.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pymysql
from pymysql.constants import FIELD_TYPE, SERVER_STATUS
from pymysql.converters import encoders
from pymysql.cursors import Cursor

from pipeline.errors import PalierError
from pipeline.remote.command import Command, Secret, command
from pipeline.remote.host import Host, Result

CONNECT_SECONDS = 10
ANSWER_SECONDS = 3600
LOCK_SECONDS = 3
"""No statement waits longer than this for a lock, so none makes the shop queue behind it for longer."""
LOCK_PATIENCE = 30
"""Seconds for which a statement that met a lock is tried again; between two tries whoever queues behind it may pass."""
PAUSE_SECONDS = 0.5

SESSION = (
    (
        f"SET SESSION lock_wait_timeout={LOCK_SECONDS}, innodb_lock_wait_timeout={LOCK_SECONDS},"
        " sql_mode='NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00', wait_timeout=28800"
    ),
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "/*!80000 SET SESSION information_schema_stats_expiry=0 */",
)
"""What every session of Palier begins with. UTC, because at a change of the clocks two instants share one local time.
MySQL 8 would show counters a day old without the last line; MariaDB skips it."""
_WHOLE_NUMBERS = (
    FIELD_TYPE.TINY,
    FIELD_TYPE.SHORT,
    FIELD_TYPE.INT24,
    FIELD_TYPE.LONG,
    FIELD_TYPE.LONGLONG,
    FIELD_TYPE.YEAR,
)
_ACCESS_DENIED = {1044, 1045, 1698, 1873}
_NO_SUCH_DATABASE = 1049
_LOCK_TIMEOUT, _DEADLOCK = 1205, 1213
_LOCK_ERRORS = {_LOCK_TIMEOUT, _DEADLOCK}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b"})


@dataclass(frozen=True)
class Credentials:
    """Who may use which schema, and where its server is, *as the shop's host sees it*."""

    name: str
    user: str
    password: Secret
    host: str = "127.0.0.1"
    port: int = 3306
    socket: str | None = None
    """Path of the server's Unix socket on the host; it wins over ``host`` and ``port``."""


class DatabaseUnavailable(PalierError):
    """The server did not answer, or refused the login or the schema; nothing was asked of it."""


class QueryFailed(PalierError):
    """The server refused a statement; ``code`` is its error number."""

    def __init__(self, name: str, code: int, message: str) -> None:
        self.code = code
        super().__init__(
            f"The database {name} refused a statement: {message} (error {code}).",
            why="Another session holds a lock on what the statement needs." if self.locked else "",
            next_step="See who it is (SHOW FULL PROCESSLIST), and start again when they are done."
            if self.locked
            else "",
            production="",
        )

    @property
    def locked(self) -> bool:
        """Whether somebody else's lock was in the way: worth another try."""
        return self.code in _LOCK_ERRORS


class Database:
    """One schema of one server, reached through a host.

    The value itself only knows the way; :meth:`connected` yields one that can be asked. ``program`` is the client
    program on the host: ``mariadb``, or ``mysql`` where the caller finds only that.
    """

    def __init__(self, host: Host, credentials: Credentials, client_file: str) -> None:
        self.host = host
        self.credentials = credentials
        self.client_file = client_file
        self.name = credentials.name
        self.program = "mariadb"
        self._connection: pymysql.Connection[Cursor] | None = None

    @contextmanager
    def connected(self) -> Iterator[Database]:
        """A :class:`Database` with a connection of its own, closed at the end; several may be open at once.

        :raises DatabaseUnavailable: if the server cannot be reached or refuses the login.
        """
        where = self.credentials
        way = self.host.forward_socket(where.socket) if where.socket else self.host.forward(where.host, where.port)
        with way as (address, port):
            asked = Database(self.host, where, self.client_file)
            asked.program = self.program
            asked._connection = self._open(address, port)
            try:
                yield asked
            finally:
                asked._connection.close()
                asked._connection = None

    def _open(self, address: str, port: int) -> pymysql.Connection[Cursor]:
        where = self.credentials
        try:
            connection = pymysql.connect(
                host=address,
                port=port,
                user=where.user,
                password=where.password.reveal().encode(),  # PyMySQL alone would send text as latin1
                database=where.name,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=ANSWER_SECONDS,
                write_timeout=ANSWER_SECONDS,
                conv=_conversions(),
            )
            with connection.cursor() as cursor:
                for statement in SESSION:
                    cursor.execute(statement)
        except (pymysql.MySQLError, OSError) as error:
            raise self._unavailable(error) from error
        return connection

    def _unavailable(self, error: Exception) -> DatabaseUnavailable:
        where, code = self.credentials, _code(error)
        if code in _ACCESS_DENIED:
            return DatabaseUnavailable(
                f"The database server refused the user {where.user} for the schema {where.name} on {self.host.name}.",
                why="The password is wrong, or this account may not use this schema from this host.",
                next_step="Correct the database credentials in the inventory or in the shop's own configuration.",
            )
        if code == _NO_SUCH_DATABASE:
            return DatabaseUnavailable(
                f"There is no database schema {where.name} on {self.host.name}.",
                next_step="Correct the database name in the inventory.",
            )
        at = where.socket or f"{where.host}:{where.port}"
        return DatabaseUnavailable(
            f"The database server at {at}, as {self.host.name} sees it, cannot be reached.",
            why=_message(error),
            next_step="Check that it runs, and that the host and port (or socket) in the inventory are right.",
        )

    def rows(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of the answer. Whole numbers are ``int``, bytes of binary columns ``bytes``, all else text.

        ``%`` in ``sql`` is a placeholder only if ``args`` is not empty.
        """
        with self._cursor() as cursor:
            self._run(cursor, sql, args)
            return cast("list[tuple[Any, ...]]", list(cursor.fetchall()))

    def value(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """The first column of the first row; ``None`` if there is no row."""
        found = self.rows(sql, args)
        return found[0][0] if found else None

    def execute(self, sql: str, args: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows it touched."""
        with self._cursor() as cursor:
            return self._run(cursor, sql, args)

    def _cursor(self) -> Cursor:
        if self._connection is None:
            raise RuntimeError("this Database is not connected: use `with database.connected() as db`")
        return self._connection.cursor()

    def _run(self, cursor: Cursor, sql: str, args: Sequence[Any]) -> int:
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            began = time.monotonic()
            try:
                return int(cursor.execute(sql, tuple(args) or None))
            except pymysql.MySQLError as error:
                refused = QueryFailed(self.name, _code(error), _message(error))
                if not self._worth_another_try(refused, began, deadline):
                    raise refused from error
            time.sleep(PAUSE_SECONDS)

    def _worth_another_try(self, refused: QueryFailed, began: float, deadline: float) -> bool:
        """Not inside a transaction, of which the server may have taken back more than this statement.

        A statement that was refused without waiting has a caller who wants it so.
        """
        inside = cast("Any", self._connection).server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS
        waited = refused.code == _DEADLOCK or time.monotonic() - began > LOCK_SECONDS / 2
        return refused.locked and waited and not inside and time.monotonic() < deadline

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is executed inside, all of it or nothing. DDL inside would commit by itself."""
        self.execute("START TRANSACTION")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    def place_client_file(self) -> None:
        """Write ``client_file`` (mode 0600) on the host, so that the client program needs no password from anybody."""
        self.host.write(self.host.expand(self.client_file), self.client_options(), mode=0o600)

    def client_options(self) -> str:
        """The text of ``client_file``; it holds the password."""
        where = self.credentials
        options = {"user": where.user, "password": where.password.reveal()}
        if where.socket:
            options |= {"socket": where.socket, "protocol": "socket"}
        else:
            options |= {"host": where.host, "port": str(where.port), "protocol": "tcp"}
        lines = [f"{key}={_option(value)}" for key, value in options.items()]
        return "\n".join(["[client]", *lines, ""])

    def client(self, *words: str) -> Command:
        """The server's client program on the host, speaking to this schema, with ``words`` as further options."""
        defaults = f"--defaults-file={self.host.expand(self.client_file)}"
        return command(self.program, defaults, "--default-character-set=utf8mb4", *words, self.name)

    def run_sql(self, text: str, *, check: bool = True) -> Result:
        """Run a script through the client program's standard input; it stops at the first error."""
        return self.host.run(self.client("--batch", "--skip-column-names").fed(text), check=check)


def _conversions() -> dict[Any, Any]:
    return {**encoders, **dict.fromkeys(_WHOLE_NUMBERS, int)}


def _option(value: str) -> str:
    """A value as option files want it: in double quotes, so that ``#``, spaces and quotes inside survive."""
    return f'"{value.translate(_ESCAPES)}"'


def _code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _message(error: BaseException) -> str:
    return str(error.args[-1] if error.args else error)
