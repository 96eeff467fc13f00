from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.database.connection import Credentials, Database, DatabaseUnavailable
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

NASTY = "p\"w\\d #' x"


def database(folder: Path, password: str = NASTY, socket: str | None = None) -> Database:
    credentials = Credentials("shop", "ann", Secret(password), port=1, socket=socket)
    return Database(LocalHost(), credentials, str(folder / "client.cnf"))


def test_the_client_file_quotes_what_option_files_would_misread(tmp_path: Path) -> None:
    assert r'password="p\"w\\d #' + "' x\"" in database(tmp_path).client_options().splitlines()


def test_the_client_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database(tmp_path).place_client_file()
    assert (tmp_path / "client.cnf").stat().st_mode & 0o777 == 0o600


def test_a_socket_takes_the_place_of_host_and_port(tmp_path: Path) -> None:
    options = database(tmp_path, socket="/run/my sql.sock").client_options()
    assert 'socket="/run/my sql.sock"' in options
    assert "port=" not in options


def test_the_client_command_names_file_and_schema_and_no_password(tmp_path: Path) -> None:
    words = database(tmp_path, "secret").client("-e", "SELECT 1").words
    assert words[0] == "mariadb"
    assert words[1] == f"--defaults-file={tmp_path}/client.cnf"  # the client wants it first
    assert words[-1] == "shop"
    assert not any("secret" in word for word in words)


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached") as refused, database(tmp_path).connected():
        pass
    assert 'p"w' not in str(refused.value)
