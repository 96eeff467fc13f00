"""``palier modules`` and ``palier plan`` on the demo world: from advisories and zips to a playbook that holds."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.advisories.versions import compare
from pipeline.code.packages import verify
from pipeline.code.store import INSTALLED, Store
from pipeline.config.inventory import Inventory
from pipeline.config.loader import load_inventory, load_playbook
from pipeline.demo.world import World
from pipeline.errors import Refused
from pipeline.events import silent
from pipeline.flows import modules, plan
from pipeline.steps.site import opened_site

ADVISORIES = """
packages: [../packages]
advisories:
  - {kind: team, at: own.yml}
"""
OWN = """\
advisories:
  - id: MP-SEC-2026-04
    module: shop-contact
    affected: "< 2.3.1"
    title: A sender can add mail headers
  - id: MP-SEC-2026-05
    module: shop-stats
    affected: "<= 1.3.9 (see the ticket)"
    title: Reports show more than they should
"""


def described(world: World) -> Inventory:
    path = world.folder / "inventories" / "planned.yml"
    path.write_text(world.inventory.read_text("utf-8") + ADVISORIES, "utf-8")
    (path.parent / "own.yml").write_text(OWN, "utf-8")
    return load_inventory(path)


def test_from_a_shop_to_a_playbook(pristine_world: World, tmp_path: Path) -> None:
    inventory, home = described(pristine_world), tmp_path / ".palier"
    output = tmp_path / "playbooks" / "november.yml"
    with opened_site("production", inventory) as site:
        survey = modules.survey(site, inventory, home, silent)
        rows = {each.module: each for each in survey.rows}
        assert (rows["shop-loyalty"].version, rows["shop-loyalty"].recorded) == ("1.0.0", "1.0.0")
        assert [offer.version for offer in rows["shop-contact"].newer] == ["2.3.1"]
        assert rows["palier-shop"].newer == ()
        stated = plan.read_reasons(["shop-invoice=feature:due dates on invoices"])
        found = plan.decide(survey, stated, [], days=7)
        plan.write(found, site, inventory, home, output, again="palier plan demo", emit=silent)
    assert "cannot decide whether MP-SEC-2026-05 affects shop-stats 1.4.0" in survey.text()
    assert json.loads(json.dumps(survey.as_json()))[0]["module"] == "palier-shop"
    book = load_playbook(output)
    assert [(each.module, each.to, each.reason.kind) for each in book.updates] == [
        ("shop-contact", "2.3.1", "security"), ("shop-invoice", "3.2.0", "feature"),
    ]  # fmt: skip
    assert all(verify(each, output).pinned for each in book.updates)
    text = output.read_text("utf-8")
    assert "palier plan demo --include shop-loyalty" in text
    assert "“<= 1.3.9 (see" in text
    kept = {each.module: each.version for each in Store(home / "demo" / "packages").from_source(INSTALLED)}
    assert kept == {"shop-contact": "2.3.0", "shop-invoice": "3.1.0"}


def test_a_plan_without_updates_writes_nothing(pristine_world: World, tmp_path: Path) -> None:
    inventory = load_inventory(pristine_world.inventory)
    with opened_site("production", inventory) as site:
        survey = modules.survey(site, inventory, tmp_path, silent)
        found = plan.decide(survey, {}, [], days=7)
        with pytest.raises(Refused, match="No update"):
            plan.write(found, site, inventory, tmp_path, tmp_path / "p.yml", again="", emit=silent)
    assert not (tmp_path / "p.yml").exists()


@pytest.mark.skipif(shutil.which("php") is None, reason="needs PHP on the command line")
def test_versions_are_compared_as_php_does() -> None:
    words = ["0", "1", "2", "10", "01", "dev", "alpha", "a", "beta1", "RC", "rc2", "pl", "p1", "x", "1a"]
    pairs = [(f"1.{a}.{b}", f"1.{c}") for a in words for b in words[:6] for c in words]
    code = "while(($l=fgets(STDIN))!==false){[$a,$b]=explode(' ',trim($l));echo version_compare($a,$b),\"\\n\";}"
    lines = "".join(f"{a} {b}\n" for a, b in pairs)
    ended = subprocess.run(["php", "-n", "-r", code], input=lines, capture_output=True, text=True, check=True)
    assert [int(line) for line in ended.stdout.split()] == [compare(a, b) for a, b in pairs]
