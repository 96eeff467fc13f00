"""A host over SSH, on a real server, also over a network that misbehaves."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.inventory import HostSpec
from pipeline.demo.sshd import Sshd
from pipeline.errors import ConfigError, ExitCode, PalierError
from pipeline.remote import transfer, trees
from pipeline.remote.command import Command, Secret, command, script
from pipeline.remote.connect import connect, copy_tree, same_machine
from pipeline.remote.host import CommandFailed, HostKeyRefused, HostUnreachable, OutcomeUnknown
from pipeline.remote.local import LocalHost
from pipeline.remote.ssh import SshHost
from pipeline.remote.streams import relay
from tests.integration.proxy import LOOPBACK, Proxy

pytestmark = pytest.mark.integration

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


def spec_of(sshd: Sshd, **changes: object) -> HostSpec:
    fields = {"ssh": sshd.address, "identity": sshd.identity, "known_hosts": sshd.known_hosts}
    return HostSpec.model_validate(fields | changes)


def open_host(sshd: Sshd, **changes: object) -> SshHost:
    host = connect(spec_of(sshd, **changes), "production")
    assert isinstance(host, SshHost)
    return host


@contextlib.contextmanager
def through(proxy: Proxy, sshd: Sshd, folder: Path) -> Iterator[SshHost]:
    """A host reached through a proxy, whose port has the server's key."""
    known = folder / "known_hosts_proxy"
    known.write_text(sshd.known_hosts.read_text().replace(f":{sshd.port} ", f":{proxy.port} "))
    host = open_host(sshd, ssh=f"{sshd.user}@{LOOPBACK}:{proxy.port}", known_hosts=known)
    yield host
    host.close()


@pytest.fixture(scope="module")
def host(sshd: Sshd) -> Iterator[SshHost]:
    host = open_host(sshd)
    yield host
    host.close()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server all of whose files have a space, an accent and a percent sign in their path."""
    server = Sshd(tmp_path_factory.mktemp("sshd") / "à part 100%h", "odd")
    server.start()
    yield server
    server.stop()


def runs(pid: str) -> bool:
    """Whether a process is there and not only a zombie."""
    try:
        return Path(f"/proc/{pid.strip()}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(fact: Callable[[], object], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(fact())


# -- commands


@settings(max_examples=10, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=30))
def test_arbitrary_words_arrive_on_the_host_as_they_are(host: SshHost, words: list[str]) -> None:
    said = host.run(command("printf", r"%s\0", *words)).raw
    assert said == b"".join(word.encode() + b"\0" for word in words)


def test_status_output_and_errors_are_told_apart(host: SshHost) -> None:
    result = host.run(script("echo out; echo err >&2; exit 3"), check=False)
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")
    with pytest.raises(CommandFailed, match=r"On production, a command failed with status 3: (?s:.*)err"):
        host.run(script("echo err >&2; exit 3"))


def test_a_pipeline_fails_when_any_part_of_it_fails(host: SshHost) -> None:
    assert host.run(command("false").pipe(command("cat")), check=False).status == 1


def test_death_by_a_signal_is_a_failure_not_an_unknown_outcome(host: SshHost) -> None:
    assert host.run(script("kill -KILL $$"), check=False).status == 128 + 9


def test_big_input_and_big_output_pass_at_the_same_time(host: SshHost) -> None:
    data = os.urandom(8_000_000)
    assert host.run(Command(("cat",), stdin=data)).raw == data


def test_a_program_may_end_without_reading_its_input(host: SshHost) -> None:
    assert host.run(Command(("true",), stdin=b"x" * 5_000_000)).ok


def test_programs_that_leave_their_input_unread_do_not_cost_the_connection(sshd: Sshd) -> None:
    """Paramiko alone loses the connection within a few hundred of these (see docs/platform-notes.md)."""
    host = open_host(sshd)
    failures: list[PalierError] = []

    def many() -> None:
        try:
            for _ in range(150):
                host.run(script("exit 0").fed("x" * 200_000))
        except PalierError as problem:
            failures.append(problem)

    threads = [threading.Thread(target=many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    host.close()
    assert failures == []


def test_several_threads_run_commands_over_one_connection(host: SshHost) -> None:
    beats: list[float] = []

    def beat() -> None:
        for _ in range(5):
            host.run(command("true"))
            beats.append(time.monotonic())

    heart = threading.Thread(target=beat)
    heart.start()
    began = time.monotonic()
    said = host.run(script("sleep 3; echo done")).stdout
    heart.join(20)
    assert said == "done\n"
    assert [moment for moment in beats if moment < began + 3]
    assert len(beats) == 5


def test_a_command_out_of_time_is_killed_with_its_children(host: SshHost, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with pytest.raises(OutcomeUnknown, match="3 s and was stopped") as caught:
        host.run(script('sleep 600 & echo $! > "$1"; wait', str(mark)), timeout=3)
    assert eventually(lambda: not runs(mark.read_text()))
    assert caught.value.exit_code is ExitCode.INCONCLUSIVE
    assert str(caught.value).startswith("Whether production was changed is not known.")
    assert host.run(command("true")).ok


def test_an_interrupted_command_does_not_run_on(host: SshHost, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    timer = threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        host.run(script('echo $$ > "$1"; exec sleep 600', str(mark)))
    timer.join()
    assert eventually(lambda: not runs(mark.read_text()))


def test_a_secret_shows_in_no_process_and_no_message(host: SshHost) -> None:
    value = f"hunter-{os.urandom(8).hex()}"
    fed = script("cat >/dev/null; sleep 4").fed("password=", Secret(value))
    running = threading.Thread(target=host.run, args=(fed,))
    running.start()
    time.sleep(3)
    seen = b""
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                seen += (process / name).read_bytes()
    running.join()
    assert b"sleep\x004" in seen
    assert value.encode() not in seen
    with pytest.raises(CommandFailed) as caught:
        host.run(script("cat >&2; exit 1").fed(Secret(value)))
    assert value not in str(caught.value) + repr(caught.value) + repr(caught.value.result) + str(fed) + repr(fed)


# -- who is at the other end


def test_an_unknown_key_is_refused_and_the_command_shown_makes_it_known(sshd: Sshd, scratch: Path) -> None:
    known = scratch / "known hosts"
    print_ = subprocess.run(
        ["ssh-keygen", "-lf", sshd.folder / "host_ed25519.pub"], check=True, capture_output=True, text=True
    )
    fingerprint = print_.stdout.split()[1]
    with pytest.raises(HostKeyRefused) as caught:
        open_host(sshd, known_hosts=known)
    assert str(caught.value).startswith("Production was not changed.")
    assert fingerprint in caught.value.what
    subprocess.run(caught.value.next_step.splitlines()[1], shell=True, check=True, stderr=subprocess.DEVNULL)  # noqa: S602
    open_host(sshd, known_hosts=known).close()


def test_a_changed_key_is_refused_with_both_fingerprints(sshd: Sshd, odd: Sshd, scratch: Path) -> None:
    known = scratch / "known_hosts"
    known.write_text(odd.known_hosts.read_text().replace(f":{odd.port} ", f":{sshd.port} "))
    with pytest.raises(HostKeyRefused, match="has changed") as caught:
        open_host(sshd, known_hosts=known)
    said = str(caught.value)
    assert said.count("SHA256:") == 2
    assert "ssh-keygen -R" in said
    subprocess.run(caught.value.next_step.splitlines()[1], shell=True, check=True, capture_output=True)  # noqa: S602
    open_host(sshd, known_hosts=known).close()


def test_a_jump_hosts_key_is_checked_like_any_other(sshd: Sshd, odd: Sshd, scratch: Path) -> None:
    known = scratch / "known_hosts"
    known.write_text(sshd.known_hosts.read_text())
    with pytest.raises(HostKeyRefused, match="the jump host of production"):
        open_host(sshd, known_hosts=known, jump=odd.address)
    known.write_text(odd.known_hosts.read_text())
    (odd.folder / "authorized_keys").write_bytes(
        odd.identity.with_suffix(".pub").read_bytes() + sshd.identity.with_suffix(".pub").read_bytes()
    )
    with pytest.raises(HostKeyRefused, match=r"production \(") as caught:
        open_host(sshd, known_hosts=known, jump=odd.address)
    assert f"ssh -p {odd.port}" in caught.value.next_step
    known.write_text(odd.known_hosts.read_text() + sshd.known_hosts.read_text())
    jumped = open_host(sshd, known_hosts=known, jump=odd.address)
    assert jumped.run(command("echo", "through")).stdout == "through\n"
    (scratch / "source").mkdir()
    (scratch / "source" / "file").write_text("x")
    remote = transfer.remote(str(scratch / "target"))
    assert transfer.by_rsync(jumped, f"{scratch}/source/", f"{remote}/") == trees.Copied(1, 1)
    assert (scratch / "target" / "file").read_text() == "x"
    jumped.close()


def test_a_key_that_is_not_accepted_is_told_with_what_to_do(sshd: Sshd, odd: Sshd) -> None:
    with pytest.raises(HostUnreachable, match=r"login to production .* failed") as caught:
        open_host(sshd, identity=odd.identity)
    assert "authorized_keys" in caught.value.next_step
    with pytest.raises(HostUnreachable, match=r"login to production .* failed"):
        open_host(sshd, ssh=f"nobody@{LOOPBACK}:{sshd.port}")


def test_a_key_with_a_passphrase_or_that_is_no_key_is_told(sshd: Sshd, scratch: Path) -> None:
    locked = scratch / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret words", "-f", locked], check=True)
    with pytest.raises(HostUnreachable, match="locked by a passphrase"):
        open_host(sshd, identity=locked)
    (scratch / "text").write_text("no key")
    with pytest.raises(HostUnreachable, match="text cannot be read as a private key"):
        open_host(sshd, identity=scratch / "text")
    with pytest.raises(ConfigError, match="is not there"):
        open_host(sshd, identity=scratch / "missing")


def test_a_host_that_cannot_be_reached_is_told(sshd: Sshd) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(HostUnreachable, match=f"Port {free} refuses connections"):
        open_host(sshd, ssh=f"me@{LOOPBACK}:{free}")
    with pytest.raises(HostUnreachable, match="cannot be resolved"):
        open_host(sshd, ssh="me@no-such-host.invalid")


def test_a_server_that_never_greets_or_speaks_otherwise_is_told_in_time(
    sshd: Sshd, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with (
        socket.create_server((LOOPBACK, 0)) as server,
        pytest.raises(HostUnreachable, match="does not answer as an SSH server should"),
    ):
        open_host(sshd, ssh=f"me@{LOOPBACK}:{server.getsockname()[1]}")
    assert time.monotonic() - began < 15
    assert capfd.readouterr().err == ""


# -- a network that fails


def test_a_slow_network_only_takes_longer(sshd: Sshd, tmp_path: Path) -> None:
    with Proxy(sshd.port, delay=0.02, trickle=True) as proxy, through(proxy, sshd, tmp_path) as host:
        assert host.run(command("cat").fed("x" * 5000)).stdout == "x" * 5000


@pytest.mark.slow
@pytest.mark.parametrize("jump", [False, True], ids=["direct", "behind a jump host"])
def test_a_host_that_falls_silent_is_noticed(sshd: Sshd, tmp_path: Path, jump: bool) -> None:
    with Proxy(sshd.port) as proxy, contextlib.ExitStack() as stack:
        if jump:
            known = tmp_path / "known_hosts"
            line = sshd.known_hosts.read_text()
            known.write_text(line + line.replace(f":{sshd.port} ", f":{proxy.port} "))
            address = f"{sshd.user}@{LOOPBACK}:{proxy.port}"
            host = open_host(sshd, ssh=address, known_hosts=known, jump=sshd.address)
            stack.callback(host.close)
        else:
            host = stack.enter_context(through(proxy, sshd, tmp_path))
        threading.Timer(0.5, proxy.stall).start()
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="lost while it ran"):
            host.run(command("sleep", 60))
        assert time.monotonic() - began < 15
        with pytest.raises(HostUnreachable, match="is lost"):
            host.run(command("true"))
        proxy.resume()
        host.reconnect()
        assert host.run(command("echo", "back")).stdout == "back\n"


@pytest.mark.slow
def test_a_long_silence_of_the_command_is_not_one_of_the_host(host: SshHost) -> None:
    assert host.run(script("sleep 12; echo done")).stdout == "done\n"


def test_a_cut_connection_leaves_the_outcome_unknown(sshd: Sshd, tmp_path: Path) -> None:
    with Proxy(sshd.port) as proxy, through(proxy, sshd, tmp_path) as host:
        threading.Timer(0.7, proxy.cut).start()
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            host.run(command("sleep", 60))
        assert time.monotonic() - began < 3


def test_a_write_that_is_cut_off_leaves_the_old_file(sshd: Sshd, tmp_path: Path) -> None:
    target = tmp_path / "there" / "file"
    target.parent.mkdir()
    target.write_text("old")
    with Proxy(sshd.port) as proxy, through(proxy, sshd, tmp_path) as host:
        proxy.cut_after = 200_000
        with pytest.raises(OutcomeUnknown):
            host.write(str(target), b"x" * 20_000_000)
    assert eventually(lambda: [file.name for file in target.parent.iterdir()] == ["file"])
    assert target.read_text() == "old"


# -- files


@settings(max_examples=6, deadline=None)
@given(st.binary(max_size=100_000), st.sampled_from([0o600, 0o644, 0o400]))
def test_what_is_written_is_read_back(
    host: SshHost, tmp_path_factory: pytest.TempPathFactory, content: bytes, mode: int
) -> None:
    folder = tmp_path_factory.mktemp("write")
    path = folder / "un fichier à part"
    host.write(str(path), content, mode=mode)
    assert host.read(str(path)) == content
    assert path.stat().st_mode & 0o777 == mode
    assert list(folder.iterdir()) == [path]


def test_files_that_cannot_be_read_or_written_are_told(host: SshHost, scratch: Path) -> None:
    with pytest.raises(PalierError, match=r"missing cannot be read.\nNo such file or directory."):
        host.read(str(scratch / "missing"))
    with pytest.raises(PalierError, match="cannot be written"):
        host.write(str(scratch / "no" / "file"), "x")
    assert host.exists(str(scratch))
    assert not host.exists(str(scratch / "missing"))


def test_the_home_folder_is_the_connected_users(host: SshHost) -> None:
    assert host.expand("~/a") == f"{Path.home()}/a"
    assert host.expand("/a/~/b") == "/a/~/b"


def make_tree(top: Path) -> Path:
    (top / "a b" / "vide").mkdir(parents=True)
    (top / "a b" / "é'\"$x\n").write_bytes(os.urandom(300_000))
    (top / "run").write_text("#!/bin/sh\n")
    (top / "run").chmod(0o750)
    (top / "link").symlink_to("a b")
    return top


def same_tree(one: Path, other: Path) -> bool:
    return subprocess.run(["diff", "-r", "--no-dereference", one, other], check=False).returncode == 0


@pytest.mark.parametrize("with_rsync", [True, False], ids=["rsync", "tar"])
def test_trees_and_files_go_both_ways(
    odd: Sshd, scratch: Path, with_rsync: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = open_host(odd)
    if not with_rsync:
        programs = scratch / "bin"
        programs.mkdir()
        (programs / "tar").symlink_to("/bin/tar")
        monkeypatch.setenv("PATH", str(programs))
    source = make_tree(scratch / "source")
    host.upload(source, str(scratch / "new" / "there"))
    host.download(str(scratch / "new" / "there"), scratch / "back")
    host.upload(source / "run", str(scratch / "new" / "file"))
    host.download(str(scratch / "new" / "file"), scratch / "file back")
    host.close()
    monkeypatch.undo()
    assert same_tree(source, scratch / "new" / "there")
    assert same_tree(source, scratch / "back")
    assert (scratch / "file back").read_text() == "#!/bin/sh\n"
    assert (scratch / "file back").stat().st_mode & 0o777 == 0o750


def test_what_is_not_there_is_neither_uploaded_nor_downloaded(host: SshHost, scratch: Path) -> None:
    with pytest.raises(PalierError, match="cannot be copied to production"):
        host.upload(scratch / "none", str(scratch / "x"))
    with pytest.raises(PalierError, match="cannot be read"):
        host.download(str(scratch / "none"), scratch / "x")
    assert not (scratch / "x").exists()


def test_two_servers_of_one_machine_copy_without_the_network(host: SshHost, odd: Sshd, scratch: Path) -> None:
    other = open_host(odd)
    assert same_machine(host, other)
    assert same_machine(host, LocalHost())
    source = make_tree(scratch / "source")
    (scratch / "copy").mkdir()
    (scratch / "copy" / "surplus").write_text("x")
    copied = copy_tree(host, str(source), other, str(scratch / "copy"), exclude=("/run",), delete=True)
    assert copied == trees.Copied(files=1, bytes=300_000 + len("a b"))
    assert sorted(path.name for path in (scratch / "copy").iterdir()) == ["a b", "link"]
    other.close()


def test_a_stream_between_two_hosts_keeps_its_bytes_and_tells_who_failed(
    host: SshHost, odd: Sshd, scratch: Path
) -> None:
    other = open_host(odd)
    target = scratch / "stream"
    relay(host, command("head", "-c", 20_000_000, "/dev/zero"), other, command("tee", str(target)), timeout=60)
    assert target.stat().st_size == 20_000_000
    with pytest.raises(CommandFailed, match="status 4"):
        relay(host, script("echo x; exit 4"), other, command("cat"), timeout=60)
    with pytest.raises(CommandFailed, match="status 5"):
        relay(host, command("yes"), other, script("exit 5"), timeout=60)
    other.close()


# -- ports


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a TCP server that sends everything back."""
    with socket.create_server((LOOPBACK, 0)) as server:
        yield from serving(server, int(server.getsockname()[1]))


@pytest.fixture
def echo_socket(tmp_path: Path) -> Iterator[str]:
    """The path of a Unix socket that sends everything back."""
    path = str(tmp_path / "echo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        for _ in serving(server, 0):
            yield path


def serving(server: socket.socket, port: int) -> Iterator[int]:
    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield port
    server.shutdown(socket.SHUT_RDWR)


def echoed(address: tuple[str, int], data: bytes) -> bytes:
    """What comes back for ``data``."""
    found = b""
    with socket.create_connection(address, timeout=10) as client:

        def send() -> None:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while piece := client.recv(65536):
            found += piece
        sender.join()
    return found


def refused(address: tuple[str, int]) -> bool:
    """Whether a connection is closed as soon as it is made."""
    with socket.create_connection(address, timeout=10) as client:
        try:
            return client.recv(1) == b""
        except ConnectionResetError:
            return True


def test_a_port_of_the_host_is_reached_by_several_at_once(host: SshHost, echo: int) -> None:
    data = os.urandom(500_000)
    with host.forward(LOOPBACK, echo) as address:
        results: list[bytes] = []
        clients = [threading.Thread(target=lambda: results.append(echoed(address, data))) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(30)
        assert results == [data] * 4
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address, timeout=2)


def test_a_port_that_nobody_listens_on_closes_the_connection(host: SshHost) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        free = server.getsockname()[1]
    with host.forward(LOOPBACK, free) as address:
        assert refused(address)
    assert host.run(command("true")).ok


def test_a_unix_socket_of_the_host_is_reached(host: SshHost, echo_socket: str) -> None:
    data = os.urandom(200_000)
    with host.forward_socket(echo_socket) as address:
        assert echoed(address, data) == data
        assert echoed(address, b"again") == b"again"
    with host.forward_socket(echo_socket + "-none") as address:
        assert refused(address)
    assert host.run(command("true")).ok


def test_ports_of_the_host_lead_here(host: SshHost, echo: int) -> None:
    with host.listen(0, echo) as first, host.listen(0, echo) as second:
        assert first != second
        assert echoed((LOOPBACK, first), b"hello") == b"hello"
        assert echoed((LOOPBACK, second), b"there") == b"there"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((LOOPBACK, first), timeout=2)


def test_a_port_that_the_host_cannot_listen_on_is_told(host: SshHost, echo: int) -> None:
    with pytest.raises(HostUnreachable, match=f"did not let its port {echo}"), host.listen(echo, 1):
        pass


def test_closing_ends_forwards_and_threads(sshd: Sshd, echo: int) -> None:
    host = open_host(sshd)
    before = threading.active_count()
    with host.forward(LOOPBACK, echo) as address, socket.create_connection(address, timeout=5) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        host.close()
        assert client.recv(1) == b""
    assert eventually(lambda: threading.active_count() <= before)
    with pytest.raises(HostUnreachable, match="closed"):
        host.run(command("true"))


def test_settings_of_other_programs_are_not_followed(
    sshd: Sshd, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch / ".ssh").mkdir()
    (scratch / ".ssh" / "config").write_text("Host *\n  ProxyJump nowhere.invalid\n  User nobody\n  ForwardAgent yes\n")
    (scratch / ".fabric.yml").write_text("gateway: me@nowhere.invalid\nconnect_kwargs: {password: x}\nuser: nobody\n")
    monkeypatch.setenv("HOME", str(scratch))
    monkeypatch.setenv("INVOKE_GATEWAY", "me@nowhere.invalid")
    host = open_host(sshd)
    assert host.run(script('echo "$USER ${SSH_AUTH_SOCK-none}"')).stdout == f"{sshd.user} none\n"
    (scratch / "source").mkdir()
    remote = transfer.remote(str(scratch / "target"))
    assert transfer.by_rsync(host, f"{scratch}/source/", f"{remote}/") == trees.Copied(0, 0)
    host.close()
