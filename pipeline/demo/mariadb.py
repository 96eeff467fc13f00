"""A private MariaDB on this machine: the current user's, on loopback and a socket, in one folder."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from pipeline.demo.ports import LOOPBACK, free_port, require_free
from pipeline.demo.process import Daemon, ServiceFailed, program, tail

PACKAGE = "mariadb-server"
SOCKET_LIMIT = 100
"""The kernel refuses socket paths of more than 107 bytes; MariaDB cuts them silently a little earlier."""

SETTINGS = """\
# Written by Palier's demo. No other configuration of this machine is read.
[mariadbd]
datadir="{data}"
socket="{socket}"
port={port}
bind-address={loopback}
pid-file="{folder}/mariadbd.pidfile"
log-error="{folder}/mariadbd.err"
tmpdir="{folder}/tmp"
skip-name-resolve
character-set-server=utf8mb4
max_connections=80
# Small and quick to start; a crash of the machine may lose the last second, which a demo can bear.
innodb_buffer_pool_size=192M
innodb_log_file_size=64M
innodb_flush_log_at_trx_commit=2
innodb_doublewrite=0
performance_schema=off
skip-log-bin
{user}
"""


class MariaDB:
    """One server whose every file is in ``folder``. Its port is chosen once and kept there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._daemon = Daemon(self.folder, "mariadb")
        self._settings = self.folder / "my.cnf"

    @property
    def port(self) -> int:
        """The loopback port. :raises ServiceFailed: if the server was never started."""
        found = (
            re.search(r"^port=(\d+)$", self._settings.read_text(), re.MULTILINE) if self._settings.exists() else None
        )
        if found is None:
            raise ServiceFailed("The database server has no port yet.", next_step="Call start() first.")
        return int(found[1])

    @property
    def socket(self) -> Path:
        """The Unix socket: in ``folder``, or in a short temporary folder where that path would be too long."""
        usual = self.folder / "mariadb.sock"
        if len(os.fsencode(usual)) <= SOCKET_LIMIT:
            return usual
        short = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"palier-{short}" / "mariadb.sock"

    @property
    def pid(self) -> int | None:
        return self._daemon.pid

    def start(self, *, marked: Path | None = None) -> None:
        """Make the data folder if there is none and start the server; nothing to do when it runs.

        :raises ServiceFailed: with the end of the server's log.
        """
        if self.pid is not None and self._answers():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.socket.parent.mkdir(mode=0o700, exist_ok=True)
        if self._settings.exists():
            require_free(self.port, "the database server")
        else:
            self._write_settings(free_port())
        if not (self.folder / "data" / "mysql").is_dir():
            self._install()
        server = program("mariadbd", PACKAGE)
        error_log = self.folder / "mariadbd.err"
        self._daemon.start(
            [server, f"--defaults-file={self._settings}"], self._answers, seconds=60, marked=marked, logs=[error_log]
        )

    def stop(self) -> None:
        """Shut the server down and wait for its end."""
        self._daemon.stop(seconds=30)
        if self.socket.parent != self.folder:
            shutil.rmtree(self.socket.parent, ignore_errors=True)

    def create(self, schema: str, user: str, password: str, *, all_schemas: bool = False) -> None:
        """Make a schema and an account that may do everything in it and nothing outside, as on shared hosting.

        :param all_schemas: give the account every right on every schema instead, CREATE DATABASE among them.
        """
        scope = "*" if all_schemas else _name(schema).replace("_", "\\_")  # in a grant, _ stands for any character
        self.admin(
            f"CREATE DATABASE IF NOT EXISTS {_name(schema)} CHARACTER SET utf8mb4;"
            f"CREATE USER IF NOT EXISTS {_text(user)}@'%' IDENTIFIED BY {_text(password)};"
            f"GRANT ALL PRIVILEGES ON {scope}.* TO {_text(user)}@'%';"
        )

    def admin(self, sql: str) -> str:
        """Run statements as the server's administrator; answers with tab-separated rows, without headings.

        :raises ServiceFailed: with the server's own error.
        """
        result = self._client(sql)
        if result.returncode:
            raise ServiceFailed("The database server refused a statement.", why=result.stderr.strip())
        return result.stdout

    def dump(self, schema: str, target: Path) -> None:
        """Write a schema's tables as SQL, as they are at one moment. :raises ServiceFailed: with the server's error."""
        words = [program("mariadb-dump", "mariadb-client"), "--no-defaults", f"--socket={self.socket}"]
        words += [
            f"--user={getpass.getuser()}",
            "--single-transaction",
            "--hex-blob",
            "--default-character-set=utf8mb4",
        ]
        with target.open("wb") as out:
            result = subprocess.run([*words, schema], stdout=out, stderr=subprocess.PIPE, timeout=600, check=False)
        if result.returncode:
            said = result.stderr.decode("utf-8", "replace").strip()
            raise ServiceFailed(f"The schema {schema} could not be dumped.", why=said)

    def _client(self, sql: str) -> subprocess.CompletedProcess[str]:
        words = [
            program("mariadb", "mariadb-client"),
            "--no-defaults",
            "--default-character-set=utf8mb4",
            f"--socket={self.socket}",
            f"--user={getpass.getuser()}",
            "--batch",
            "--skip-column-names",
        ]
        return subprocess.run(words, input=sql, capture_output=True, text=True, timeout=300, check=False)

    def _answers(self) -> bool:
        return self.socket.exists() and self._client("SELECT 1").returncode == 0

    def _write_settings(self, port: int) -> None:
        text = SETTINGS.format(
            data=self.folder / "data",
            socket=self.socket,
            port=port,
            loopback=LOOPBACK,
            folder=self.folder,
            # mariadbd refuses to run as root unless told so.
            user="user=root" if os.geteuid() == 0 else "",
        )
        self._settings.write_text(text)

    def _install(self) -> None:
        """System tables; the administrator is whoever runs this, known by the socket, without any password."""
        log = self.folder / "install.log"
        with tempfile.TemporaryDirectory(prefix="palier-") as short:
            # mariadb-install-db is a shell script that does not quote paths: lead it to ours by one without spaces.
            link = Path(short) / "folder"
            link.symlink_to(self.folder)
            words = [
                program("mariadb-install-db", PACKAGE),
                "--no-defaults",
                f"--datadir={link / 'data'}",
                f"--tmpdir={link / 'tmp'}",
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={getpass.getuser()}",
                "--skip-test-db",
                "--innodb-log-file-size=64M",
                *(["--user=root"] if os.geteuid() == 0 else []),
            ]
            with log.open("wb") as out:
                status = subprocess.run(words, stdout=out, stderr=out, timeout=120, check=False).returncode
        if status or not (self.folder / "data" / "mysql").is_dir():
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            raise ServiceFailed("The database server's system tables could not be made.", why=tail(log))


def _name(schema: str) -> str:
    return "`" + schema.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
