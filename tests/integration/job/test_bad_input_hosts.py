"""Wrong names and files, hosts and databases that do not answer: a sentence, an exit code, production untouched."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.demo.sshd import make_key
from tests.integration.job.release_world import SHOP, SMALL, ReleaseWorld, killed_at_the_end
from tests.integration.proxy import Proxy

UNTOUCHED = "Production was not changed."


def test_an_unknown_shop_is_told_with_the_known_ones(approved: ReleaseWorld) -> None:
    answer = approved.palier("clone", "dmeo")
    assert answer.code == 2
    assert answer.at_once
    assert answer.verdict == UNTOUCHED
    assert 'There is no shop "dmeo"' in answer.err
    assert 'Did you mean "demo"?' in answer.err
    approved.require_untouched()


def test_every_mistake_of_an_inventory_is_told_with_its_line(approved: ReleaseWorld) -> None:
    approved.change_inventory("platform: wordpress", "platform: wordpres")
    approved.change_inventory("  mail_port:", "  mail_prot:")
    answer = approved.palier("update", SHOP, approved.playbook(SMALL))
    assert answer.code == 2
    assert answer.at_once
    for part in ("demo.yml:5:", "platform", "mail_prot"):
        assert part in answer.err
    approved.require_untouched()


def test_yaml_that_cannot_be_read_is_told_with_its_line(approved: ReleaseWorld) -> None:
    playbook = Path(approved.playbook("broken.yml"))
    playbook.write_text("shop: demo\nupdates:\n  - module: [shop-loyalty\n")
    answer = approved.palier("update", SHOP, str(playbook))
    assert answer.code == 2
    assert answer.at_once
    assert "broken.yml:" in answer.err
    approved.require_untouched()


@pytest.mark.parametrize("role", ["production", "staging"])
def test_an_unknown_host_key_is_refused_with_its_fingerprint(approved: ReleaseWorld, role: str) -> None:
    server = getattr(approved.world, role).sshd
    nobody = approved.temporary / "known_hosts"
    nobody.write_text("")
    approved.change_inventory(str(server.known_hosts), str(nobody))
    answer = approved.palier("clone", SHOP)
    assert answer.code == 1
    assert answer.at_once
    assert answer.verdict == UNTOUCHED
    assert f"The SSH key of {role}" in answer.err
    assert "is not known" in answer.err
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(server.folder / "host_ed25519.pub")], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert fingerprint in answer.err
    assert "ssh-keyscan" in answer.err
    assert nobody.read_text() == "", "it was not accepted silently"
    approved.require_untouched()


def test_a_changed_host_key_is_refused_with_both_fingerprints(approved: ReleaseWorld, tmp_path: Path) -> None:
    server = approved.world.production.sshd
    make_key(tmp_path / "another", "another")
    kind, key = (tmp_path / "another.pub").read_text().split()[:2]
    changed = approved.temporary / "known_hosts"
    changed.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    approved.change_inventory(str(server.known_hosts), str(changed))
    answer = approved.palier("promote", SHOP)
    assert answer.code == 1
    assert answer.at_once
    assert "has changed" in answer.err
    assert answer.err.count("SHA256:") >= 2
    assert "stands between it and you" in answer.err
    approved.require_untouched()


def test_a_refused_port_is_told_with_a_command_to_try(approved: ReleaseWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    approved.change_inventory(f"@127.0.0.1:{approved.world.staging.sshd.port}\n", f"@127.0.0.1:{free}\n")
    answer = approved.palier("clone", SHOP)
    assert answer.code == 1
    assert answer.at_once
    assert f"Port {free} refuses connections" in answer.err
    assert f"ssh -v -p {free}" in answer.err
    approved.require_untouched()


def write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def test_a_wrong_password_of_stagings_database_is_told_without_it(approved: ReleaseWorld) -> None:
    wrong = approved.temporary / "wrong"
    write_secret(wrong, "not-the-password-9431\n")
    approved.change_inventory(str(approved.world.staging.password_file), str(wrong))
    answer = approved.palier("clone", SHOP)
    assert answer.code == 1, answer.said
    assert answer.verdict == UNTOUCHED
    assert "not-the-password-9431" not in answer.said
    assert "shop_staging" in answer.err
    approved.require_untouched()


def test_a_wrong_password_of_productions_database_stops_a_promotion_at_once(approved: ReleaseWorld) -> None:
    world = approved.world
    wrong = approved.temporary / "wrong"
    write_secret(wrong, "not-the-password-9431\n")
    site = world.production
    account = f"name: {site.schema}, user: {site.schema}, password: {{file: {wrong}}}"
    block = f"  database: {{port: {world.mariadb.port}, {account}}}\n"
    approved.change_inventory("\nstaging:\n", f"{block}\nstaging:\n")
    answer = approved.palier("promote", SHOP)
    assert answer.code == 1, answer.said
    assert answer.verdict == UNTOUCHED
    assert "not-the-password-9431" not in answer.said
    assert "shop_production" in answer.err
    approved.require_untouched()
    assert not list((approved.world.record / "runs").glob("*-promote-*"))


def test_a_host_that_stops_answering_is_noticed(approved: ReleaseWorld) -> None:
    server, inventory = approved.world.staging.sshd, approved.world.inventory.read_text()
    with Proxy(server.port) as proxy:
        approved.change_inventory(f"@127.0.0.1:{server.port}\n", f"@127.0.0.1:{proxy.port}\n")
        known = approved.temporary / "known_hosts"
        known.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{proxy.port} "))
        approved.change_inventory(str(server.known_hosts), str(known))
        with killed_at_the_end(approved.start("clone", SHOP)) as running:
            running.wait_until("Read versions and sizes")
            proxy.stall()
            silent = time.monotonic()
            answer = running.answer(90)
    assert time.monotonic() - silent < 60
    approved.require_decent(answer)
    assert answer.code in (1, 9), answer.said
    assert answer.verdict == UNTOUCHED
    assert "staging" in answer.err
    approved.require_untouched()
    approved.world.inventory.write_text(inventory)
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out
