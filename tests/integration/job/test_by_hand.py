"""The way back without Palier: ``sh rollback.sh``, typed over plain SSH by somebody who has nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.demo.show import customers
from tests.integration.job.release_world import SHOP, ReleaseWorld, wait_for
from tests.integration.job.sales import Sales, require_each_order_once

TOOLS = """
    sh cat sed grep head tail tr wc cut sort awk cp mv rm ln ls mkdir rmdir chmod chown touch test printf echo date
    id uname dirname basename readlink sleep kill setsid sync stat cmp find env expr true false tee mktemp od
    sha256sum mariadb mysql
"""
"""All that a person on the host has: no Python, no PHP, no Palier, no network program."""


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH that holds a shell's tools and the database's client, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS.split():
        found = shutil.which(name)
        if found is not None:
            (folder / name).symlink_to(found)
    return str(folder)


@pytest.fixture
def promoted(approved: ReleaseWorld) -> ReleaseWorld:
    """A shop on its new version, open to customers."""
    answer = approved.palier("promote", SHOP)
    assert answer.code == 0, answer.said
    assert approved.versions()["shop-loyalty"] == "1.1.0"
    return approved


def by_hand(approved: ReleaseWorld, text: str) -> subprocess.CompletedProcess[str]:
    server = approved.world.production.sshd
    words = ["ssh", "-F", "none", "-i", str(server.identity), "-o", f'UserKnownHostsFile="{server.known_hosts}"']
    words += ["-o", "BatchMode=yes", "-p", str(server.port), f"{server.user}@127.0.0.1", text]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


def test_the_shop_comes_back_with_every_order_since(promoted: ReleaseWorld, bare: str) -> None:
    before = Sales.read(promoted)
    script = promoted.last("promote") / "rollback.sh"
    assert by_hand(promoted, f"PATH={bare}; command -v python3 php perl curl palier").returncode != 0

    with customers(promoted.world) as (buyer, _):
        assert buyer.wait_for(6, 180), buyer.errors[-3:]
        listed = by_hand(promoted, f"PATH={bare} sh {script} --list")
        done = by_hand(promoted, f"PATH={bare} sh {script}")
        assert done.returncode == 0, done.stdout + done.stderr
        sold = len(buyer.confirmed)
        assert buyer.wait_for(sold + 3, 180), buyer.errors[-3:]

    assert listed.returncode == 0, listed.stderr
    assert "switch-code [to do]" in listed.stdout
    assert "open-the-shop [to do]" in listed.stdout
    promoted.require_open()
    assert promoted.look().files == promoted.state.files
    assert promoted.versions()["shop-loyalty"] == "1.0.0"
    assert not promoted.sql("SHOW COLUMNS FROM wp_shop_orders LIKE 'loyalty_points'")
    assert not promoted.sql("SHOW TABLES LIKE 'wp\\_shop\\_loyalty'")
    require_each_order_once(promoted, buyer)
    now = Sales.read(promoted)
    assert now.orders >= before.orders + len(buyer.confirmed)
    original = {key: name for key, name in now.names.items() if before.names[key] != name}
    assert original, "the migration had rewritten names, and they are back"
    for key, was in before.stock.items():
        assert now.stock[key] == was - (now.sold.get(key, 0) - before.sold.get(key, 0)), f"product {key}"


def test_typed_twice_it_says_that_it_is_done(promoted: ReleaseWorld, bare: str) -> None:
    script = promoted.last("promote") / "rollback.sh"
    first = by_hand(promoted, f"PATH={bare} sh {script}")
    assert first.returncode == 0, first.stdout + first.stderr
    again = by_hand(promoted, f"PATH={bare} sh {script}")
    assert again.returncode == 0
    assert "already been taken back" in again.stdout
    listed = by_hand(promoted, f"PATH={bare} sh {script} --list")
    assert "to do" not in listed.stdout

    refused = promoted.palier("rollback", SHOP)
    assert refused.code == 5, refused.said
    assert refused.at_once
    assert "rolled back" in promoted.palier("runs", SHOP).out
    assert promoted.palier("promote", SHOP).code == 0, "the release may be promoted again"


def test_typed_from_anywhere_with_a_closed_terminal_it_goes_on_to_its_end(promoted: ReleaseWorld, bare: str) -> None:
    """The terminal is closed as soon as the undo has begun: the undo does not mind."""
    folder = promoted.last("promote")
    text = f"cd /; PATH={bare} sh {folder}/rollback.sh"
    server = promoted.world.production.sshd
    words = ["ssh", "-F", "none", "-tt", "-i", str(server.identity), "-o", f'UserKnownHostsFile="{server.known_hosts}"']
    words += ["-p", str(server.port), f"{server.user}@127.0.0.1", text]
    typed = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((folder / "halted").exists, 30, "the beginning of the undo")
    finally:
        typed.kill()
        typed.communicate(timeout=10)
    wait_for((folder / "rolled-back").exists, 30, "the end of the undo")
    promoted.require_open()
    assert promoted.look().files == promoted.state.files


def test_palier_takes_a_promotion_back_while_staging_is_away(promoted: ReleaseWorld) -> None:
    """Production's way back depends on no other host."""
    promoted.world.staging.sshd.stop()
    status = promoted.palier("status", SHOP)
    assert status.code == 0, status.said
    assert "staging:  not answering" in status.out
    assert promoted.palier("runs", SHOP).code == 0
    answer = promoted.palier("rollback", SHOP)
    assert answer.code == 0, answer.said
    promoted.require_open()
    assert promoted.look().files == promoted.state.files
    refused = promoted.palier("promote", SHOP)
    assert refused.code == 1
    assert refused.at_once
    assert "staging" in refused.err
