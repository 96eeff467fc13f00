"""This machine as a host."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import PalierError
from pipeline.remote.command import Secret, command, script
from pipeline.remote.host import CommandFailed, OutcomeUnknown
from pipeline.remote.local import LocalHost


@pytest.fixture
def host() -> LocalHost:
    return LocalHost("here")


def test_status_output_and_errors_are_told(host: LocalHost) -> None:
    result = host.run(script("echo out; echo err >&2; exit 3"), check=False)
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")


def test_a_failure_names_the_host_the_command_and_the_last_words(host: LocalHost) -> None:
    with pytest.raises(CommandFailed, match=r"On here, a command failed with status 2: (?s:.*)it broke"):
        host.run(script("echo it broke >&2; exit 2"))


def test_a_pipeline_fails_when_any_part_of_it_fails(host: LocalHost) -> None:
    assert host.run(command("false").pipe(command("cat")), check=False).status == 1


def test_death_by_a_signal_is_a_status_above_128(host: LocalHost) -> None:
    assert host.run(script("kill -KILL $$"), check=False).status == 128 + 9


def test_a_program_that_is_not_there_is_status_127(host: LocalHost) -> None:
    assert host.run(command("no-such-program-of-palier"), check=False).status == 127


def test_a_secret_that_a_program_echoes_is_masked_in_its_failure(host: LocalHost) -> None:
    for where in ("cat >&2", "cat"):
        with pytest.raises(CommandFailed) as caught:
            host.run(script(f"{where}; exit 1").fed(Secret("hunter2")))
        assert "hunter2" not in str(caught.value) + repr(caught.value.result)


def test_a_command_out_of_time_is_stopped_with_its_children_and_its_outcome_is_unknown(
    host: LocalHost, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    with pytest.raises(OutcomeUnknown, match=r"0\.5 s"):
        host.run(script('sleep 60 & echo $! > "$1"; wait', str(mark)), timeout=0.5)
    assert not _runs(mark.read_text().strip())


def test_big_input_and_output_do_not_block_each_other(host: LocalHost) -> None:
    data = os.urandom(3_000_000)
    assert host.run(command("cat").fed(data.decode("latin-1"))).raw.decode().encode("latin-1") == data


def test_commands_start_in_the_home_folder(host: LocalHost) -> None:
    assert Path(host.run(command("pwd", "-P")).stdout.strip()) == Path.home().resolve()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000), st.sampled_from([0o600, 0o644, 0o400, 0o755]))
def test_what_is_written_is_read_back(host: LocalHost, tmp_path: Path, content: bytes, mode: int) -> None:
    path = str(tmp_path / "un fichier à part")
    host.write(path, content, mode=mode)
    assert host.read(path) == content
    assert Path(path).stat().st_mode & 0o777 == mode
    assert [file.name for file in tmp_path.iterdir()] == ["un fichier à part"]


def test_a_write_that_fails_leaves_the_old_content_and_nothing_beside_it(host: LocalHost, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    (folder / "inside").mkdir(parents=True)
    with pytest.raises(PalierError, match="cannot be written"):
        host.write(str(folder), "x")
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]
    with pytest.raises(PalierError, match="No such file"):
        host.write(str(tmp_path / "no" / "file"), "x")


def test_a_file_that_is_not_there_cannot_be_read(host: LocalHost, tmp_path: Path) -> None:
    with pytest.raises(PalierError, match=r"On here, .*missing cannot be read"):
        host.read(str(tmp_path / "missing"))
    assert not host.exists(str(tmp_path / "missing"))


def test_trees_are_copied_with_links_and_modes(host: LocalHost, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "a b").mkdir(parents=True)
    (source / "a b" / "run").write_text("#!")
    (source / "a b" / "run").chmod(0o750)
    (source / "link").symlink_to("a b/run")
    host.upload(source, str(tmp_path / "new" / "target"))
    host.upload(source, str(tmp_path / "new" / "target"))
    host.download(str(tmp_path / "new" / "target"), tmp_path / "back")
    assert (tmp_path / "back" / "link").readlink() == Path("a b/run")
    assert (tmp_path / "back" / "a b" / "run").stat().st_mode & 0o777 == 0o750


def test_home_is_expanded_only_at_the_beginning(host: LocalHost) -> None:
    assert host.expand("~/a~/b") == f"{Path.home()}/a~/b"
    assert host.expand("/x/~/y") == "/x/~/y"


def test_a_unix_socket_is_reached_through_a_port(host: LocalHost, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        thread = threading.Thread(target=_echo_once, args=(server,))
        thread.start()
        with host.forward_socket(path) as address, socket.create_connection(address, timeout=5) as client:
            client.sendall(b"ping")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(10) == b"ping"
        thread.join(5)
    assert not thread.is_alive()


def test_another_port_of_this_machine_leads_to_the_local_one(host: LocalHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as spare:
        port, other = server.getsockname()[1], spare.getsockname()[1]
        spare.close()
        with host.listen(0, port) as same:
            assert same == port
        thread = threading.Thread(target=_echo_once, args=(server,))
        thread.start()
        with host.listen(other, port) as served, socket.create_connection(("127.0.0.1", served), timeout=5) as client:
            client.sendall(b"ping")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(10) == b"ping"
        thread.join(5)


def test_a_port_that_is_taken_is_told(host: LocalHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        with pytest.raises(PalierError, match=f"port {taken}"), host.listen(taken, 9):
            pass


def test_a_closed_relay_refuses_and_leaves_no_thread(host: LocalHost, tmp_path: Path) -> None:
    before = threading.active_count()
    with (
        host.forward_socket(str(tmp_path / "nothing")) as address,
        socket.create_connection(address, timeout=5) as client,
    ):
        assert client.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, timeout=1)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


def _runs(pid: str) -> bool:
    """Whether a process is there and not only a zombie that nobody has collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _echo_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)
