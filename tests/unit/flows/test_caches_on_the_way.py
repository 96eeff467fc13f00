"""A shop that compiles its modules' code into a cache: each way in and out of an update empties it at the right moment.

PrestaShop's compiled container names the services of every module. Over other code it kills product pages and search
while the home page answers 200.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.approvals.manifest import Manifest
from pipeline.code.tree import Tree
from pipeline.config.inventory import Approvals, Inventory
from pipeline.config.playbook import Playbook
from pipeline.engine import Step
from pipeline.events import silent
from pipeline.flows import drill, promote
from pipeline.platforms import platform_of
from pipeline.record import About, Record
from pipeline.remote.command import Secret
from pipeline.remote.fake import FakeHost
from pipeline.steps.drill import rehearsal
from pipeline.steps.modules import Target
from pipeline.steps.release import Release
from pipeline.steps.site import Role, Shop, Site

EMPTY = "0" * 64
EMPTIES = "Empty the shop's caches"
TARGETS = (Target("productcomments", "7.0.0", Path("productcomments"), Tree({})),)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A PrestaShop on two hosts in memory, which say yes to whatever they are asked."""
    monkeypatch.setenv("NOBODY_ASKS", "database-password")
    account = {"name": "shop", "user": "shop", "password": {"env": "NOBODY_ASKS"}}
    places = {
        role: {
            "url": f"https://{role}.example",
            "hosts": [{"ssh": "deploy@web"}],
            "root": f"/var/www/{role}",
            "database": account | {"name": role},
        }
        for role in ("production", "staging")
    }
    inventory = Inventory.model_validate({"shop": "papeterie", "platform": "prestashop", **places})

    def site(role: Role) -> Site:
        environment = getattr(inventory, role)
        host = FakeHost(role, strict=False)
        host.answer("stat -L -c", stdout="same\n")
        return Site(role, "papeterie", environment, host, platform_of("prestashop", environment), f"/home/x/{role}")

    return Shop(inventory, tmp_path, site("production"), site("staging"))


def release(shop: Shop) -> Release:
    about = About("20261121T190102Z-update-abcd", "update", "papeterie", "ines@laptop", "")
    record = Record(shop.production.host, f"{shop.production.record}/runs/{about.run}", about)
    manifest = Manifest(
        shop="papeterie", run="r", created="2026-11-21T19:00:00Z", production="https://production.example",
        base="0" * 40, head="1" * 40, base_tree=EMPTY, playbook=EMPTY, modules=(),
        ran_by="ines@laptop", approvals=Approvals(),
        footprint={"added": [], "removed": [], "altered": [], "rewritten": ["ps_module"], "views": []}, evidence={},
    )  # fmt: skip
    update = {
        "module": "productcomments",
        "to": "7.0.0",
        "package": "a.zip",
        "reason": {"kind": "feature", "text": "wanted"},
    }
    playbook = Playbook.model_validate({"shop": "papeterie", "updates": [update]})
    return Release(record, b"", manifest, playbook, Tree({}), ())


def promotion(shop: Shop) -> tuple[Step, ...]:
    found = release(shop)
    return promote.steps(promote.Promotion(shop, found, found.record, TARGETS, Secret("")), None, silent)


def rehearsed(shop: Shop) -> tuple[Step, ...]:
    found = release(shop)
    return drill.steps(rehearsal(shop), found, found.record, TARGETS, Secret(""))


@pytest.fixture(params=[promotion, rehearsed], ids=["promote", "drill"])
def steps(request: pytest.FixtureRequest, shop: Shop) -> tuple[Step, ...]:
    flow: tuple[Step, ...] = request.param(shop)
    return flow


def test_on_the_way_back_the_caches_are_emptied_after_the_old_code_is_there(steps: tuple[Step, ...]) -> None:
    names = [step.name for step in steps]
    assert names.index("Put up the maintenance page") < names.index(EMPTIES) < names.index("Switch code"), (
        "fragments run newest first: the code goes back, then the cache is emptied, then the page comes down"
    )
    assert "var/cache" in steps[names.index(EMPTIES)].fragment()


def test_on_the_way_in_the_caches_are_emptied_before_the_upgrade_and_after_it(steps: tuple[Step, ...]) -> None:
    (says,) = [act.says for step in steps if step.name == "Run the platform's upgrade" for act in step.acts]
    first, upgrade, last = says.index("var/cache"), says.index("php"), says.rindex("var/cache")
    assert first < upgrade < last


def test_php_forgets_the_old_code_before_anybody_looks_at_the_migrated_data(steps: tuple[Step, ...]) -> None:
    """The upgrade runs in processes of its own; the first request after it is the one that clears OPcache."""
    names = [step.name for step in steps]
    assert names[names.index("Run the platform's upgrade") + 1] == "Clear PHP's caches"


def test_a_cache_that_cannot_be_emptied_fails_the_way_back(tmp_path: Path) -> None:
    """Compiled from the newer code it would kill product pages of the older one, on a shop said to be put back."""
    for name in ("dev", "prod"):
        (tmp_path / "var" / "cache" / name).mkdir(parents=True)
    stub = tmp_path / "bin" / "mv"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\ncase $1 in */dev/) exit 1 ;; esac\nexec /bin/mv "$@"\n')
    stub.chmod(0o755)
    place = {"url": "https://shop.example", "hosts": [{"ssh": "local"}], "root": str(tmp_path)}
    inventory = Inventory.model_validate({"shop": "s", "platform": "prestashop", "production": place, "staging": place})
    text = platform_of("prestashop", inventory.production).forget_fragment()
    environment = {**os.environ, "PATH": f"{stub.parent}:{os.environ['PATH']}"}
    assert subprocess.run(["sh", "-euc", text], env=environment, capture_output=True, check=False).returncode
    assert subprocess.run(["sh", "-euc", text], capture_output=True, check=False).returncode == 0
    assert not list((tmp_path / "var").glob("*/*"))
