"""The engine over a real SSH connection: what it costs, and what happens when the connection is lost for good."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.inventory import HostSpec
from pipeline.demo.sshd import Sshd
from pipeline.engine import Act, Step, run
from pipeline.errors import Hold, RolledBack
from pipeline.events import silent
from pipeline.record import Record
from pipeline.remote.connect import connect
from pipeline.remote.host import Host
from tests.engine_world import production, state
from tests.engine_world import steps as planned
from tests.integration.proxy import LOOPBACK, Proxy

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server whose shell is told that it is a nested one: it then skips a slow ~/.bashrc."""
    server = Sshd(tmp_path_factory.mktemp("sshd"), "production")
    server.start(environment={"SHLVL": "3"})
    yield server
    server.stop()


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[Proxy]:
    with Proxy(sshd.port) as proxy:
        yield proxy


@pytest.fixture
def host(sshd: Sshd, proxy: Proxy, scratch: Path) -> Iterator[Host]:
    known = scratch / "known_hosts"
    known.write_text(sshd.known_hosts.read_text().replace(f":{sshd.port} ", f":{proxy.port} "))
    address = f"{sshd.user}@{LOOPBACK}:{proxy.port}"
    spec = HostSpec.model_validate({"ssh": address, "identity": sshd.identity, "known_hosts": known})
    host = connect(spec, "production")
    yield host
    host.close()


def new(host: Host, folder: Path) -> Record:
    return Record.create(host, str(folder / "record"), "promote", "brasserie", "ines@laptop")


def before_swap(steps: list[Step], act: Act) -> list[Step]:
    return [replace(step, acts=(act, *step.acts)) if step.name == "Swap 13" else step for step in steps]


def gone(record: Record) -> bool:
    number = Path(record.path("guard.pid")).read_text().split()[0]
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for_the_guard(record: Record) -> None:
    deadline = time.monotonic() + 30
    while not (Path(record.path("rolled-back")).exists() and gone(record)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_over_ssh_ends_well_and_is_undone_by_hand(host: Host, scratch: Path) -> None:
    shop = production(scratch)
    before = state(shop)
    record = new(host, scratch)
    run(planned(record, shop), record, silent, heartbeat=5)
    assert (shop / "code" / "version").read_text() == "2\n"
    assert gone(record)
    assert [summary.outcome for summary in Record.list(host, str(scratch / "record"))] == ["done"]
    subprocess.run(["sh", record.path("rollback.sh")], check=True, capture_output=True)
    assert state(shop) == before


def test_a_connection_cut_once_is_made_anew_for_the_undo(host: Host, proxy: Proxy, scratch: Path) -> None:
    shop = production(scratch)
    before = state(shop)
    record = new(host, scratch)
    with pytest.raises(RolledBack):
        run(before_swap(planned(record, shop), Act("cut", proxy.cut)), record, silent, heartbeat=20)
    assert state(shop) == before
    assert gone(record)


@pytest.mark.parametrize("moment", ["between", "within"])
@pytest.mark.slow
def test_a_network_that_falls_silent_leaves_the_shop_to_its_guard(
    host: Host, proxy: Proxy, scratch: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.record.Record.insist.__kwdefaults__", {"timeout": None, "reach": 1.0})
    shop = production(scratch)
    before = state(shop)
    record = new(host, scratch)
    act = Act("silence", proxy.stall)
    if moment == "within":
        act = Act("silence soon", lambda: threading.Timer(0.01, proxy.stall).start())
    with pytest.raises(Hold) as caught:
        run(before_swap(planned(record, shop), act), record, silent, heartbeat=4)
    assert "The guard on the host puts it back" in str(caught.value)
    wait_for_the_guard(record)
    assert state(shop) == before
