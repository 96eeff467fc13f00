"""The private servers of the demo and of the tests: they start, keep their address, and leave nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from pipeline.demo.mariadb import MariaDB
from pipeline.demo.ports import NoFreePort
from pipeline.demo.process import ServiceFailed
from pipeline.demo.sshd import Sshd

pytestmark = pytest.mark.integration


def login(server: Sshd, identity: Path | None = None) -> list[str]:
    """The words of a client that knows nothing of this machine's own settings and keys."""
    options = ["-o", f'UserKnownHostsFile="{server.known_hosts}"', "-o", "StrictHostKeyChecking=yes"]
    options += ["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-p", str(server.port)]
    return ["ssh", "-F", "none", "-i", str(identity or server.identity), *options, f"{server.user}@127.0.0.1"]


def ssh(server: Sshd, *words: str, identity: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*login(server, identity), *words], capture_output=True, text=True, timeout=30, check=False)


def test_a_login_by_key_runs_a_command_as_the_current_user(sshd: Sshd) -> None:
    result = ssh(sshd, "id", "-un")
    assert result.stdout.strip() == sshd.user, result.stderr


def test_another_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    result = ssh(sshd, "true", identity=tmp_path / "other")
    assert "Permission denied" in result.stderr


def test_what_detached_itself_over_ssh_carries_the_mark(sshd: Sshd) -> None:
    result = ssh(sshd, "echo", "$PALIER_DEMO")
    assert result.stdout.strip() == str(sshd.folder)


def test_a_restart_keeps_port_and_host_key_and_a_session_does_not_outlive_a_stop(scratch: Path) -> None:
    server = Sshd(scratch / "host", "staging")
    server.start()
    port, key = server.port, server.known_hosts.read_text()
    left = "sleep 300 & echo $!; wait"
    with subprocess.Popen(
        [*login(server), left],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as session:
        assert session.stdout is not None
        sleeper = int(session.stdout.readline())
        server.stop()
        session.wait(10)
    assert not _runs(sleeper)
    assert server.pid is None
    server.start()
    assert (server.port, server.known_hosts.read_text()) == (port, key)
    assert ssh(server, "echo", "back").stdout == "back\n"
    server.stop()


def test_a_kept_port_that_another_program_took_is_named(tmp_path: Path) -> None:
    server = Sshd(tmp_path, "staging")
    server.start()
    server.stop()
    with closing(socket.create_server(("127.0.0.1", server.port))), pytest.raises(NoFreePort, match=str(server.port)):
        server.start()


def test_an_account_reaches_its_own_schema_and_nothing_else(mariadb: MariaDB) -> None:
    mariadb.create("one_shop", "one", "p'w\\")
    mariadb.create("oneAshop", "two", "pw")
    connection = pymysql.connect(host="127.0.0.1", port=mariadb.port, user="one", password="p'w\\", database="one_shop")
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT)")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("CREATE DATABASE more")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("CREATE TABLE oneAshop.t (a INT)")


def test_an_account_with_all_schemas_may_create_databases(mariadb: MariaDB) -> None:
    mariadb.create("whole", "whole", "pw", all_schemas=True)
    with pymysql.connect(host="127.0.0.1", port=mariadb.port, user="whole", password="pw") as connection:
        connection.cursor().execute("CREATE DATABASE whole_more")
    assert "whole_more" in mariadb.admin("SHOW DATABASES").split()


def test_a_statement_that_the_server_refuses_raises_with_its_own_words(mariadb: MariaDB) -> None:
    with pytest.raises(ServiceFailed, match="syntax"):
        mariadb.admin("SELEC 1")


def test_data_outlives_a_restart_and_a_stop_leaves_no_process(scratch: Path) -> None:
    server = MariaDB(scratch / ("deep" * 30))  # too long for a socket path
    server.start()
    server.start()
    server.create("kept", "kept", "pw")
    pid, port, socket_folder = server.pid, server.port, server.socket.parent
    assert pid is not None
    server.stop()
    assert not _runs(pid)
    assert not socket_folder.exists()
    server.start()
    assert server.port == port
    assert "kept" in server.admin("SHOW DATABASES").split()
    server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = MariaDB(tmp_path)
    server.start()
    server.stop()
    settings = tmp_path / "my.cnf"
    settings.write_text(settings.read_text() + "no_such_setting=1\n")
    with pytest.raises(ServiceFailed, match="no_such_setting"):
        server.start()
    assert server.pid is None


def _runs(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.1)
    return True
