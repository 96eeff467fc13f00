"""``palier doctor`` on the demo world: what holds is OK, and what is spoiled is told by name with its mend."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.config.loader import load_inventory
from pipeline.demo.apache import Apache, VirtualHost
from pipeline.demo.world import World
from pipeline.errors import Refused
from pipeline.flows import doctor
from pipeline.steps.ground import Check
from pipeline.steps.site import opened

Spoil = Callable[[dict[str, Any], World], None]


def examined(world: World, folder: Path, spoil: Spoil = lambda _data, _world: None) -> Mapping[str, Check]:
    data = YAML(typ="safe").load(world.inventory.read_text("utf-8"))
    spoil(data, world)
    path = folder / "spoiled.yml"
    with path.open("w", encoding="utf-8") as out:
        YAML(typ="safe").dump(data, out)
    with opened(load_inventory(path), folder / ".palier") as shop:
        return {check.name: check for check in doctor.examine(shop)}


def test_a_shop_that_is_as_it_should_be(pristine_world: World, tmp_path: Path) -> None:
    checks = examined(pristine_world, tmp_path)
    assert [check for check in checks.values() if check.state == "FAILED"] == []
    doctor.require(list(checks.values()))
    wanted = {
        *("production: .htaccess", "production: PHP", "production: clock", "production: scheduled jobs"),
        *("staging: address of its own", "staging: folder of its own", "staging: database of its own"),
        *("staging: mail port", "way back: guard"),
    }
    assert wanted <= checks.keys()


def _production_database(data: dict[str, Any], world: World) -> None:
    site = world.production
    password = {"file": str(site.password_file)}
    data["staging"]["database"] |= {"name": site.schema, "user": site.schema, "password": password}


def _inside_production(data: dict[str, Any], world: World) -> None:
    """On another SSH server of the same machine: the file alone cannot tell."""
    inside = world.production.root / "staging"
    inside.mkdir()
    data["staging"]["root"] = str(inside)


def _other_words(data: dict[str, Any], _world: World) -> None:
    data["production"]["url"] = data["production"]["url"].replace("127.0.0.1", "localhost")
    data["staging"]["url"] = data["production"]["url"].replace("localhost", "www.localhost")


def _no_php(data: dict[str, Any], _world: World) -> None:
    data["production"]["php"] = "/usr/bin/php5"


@pytest.mark.parametrize(
    ("spoil", "name", "detail"),
    [
        (_production_database, "staging: database of its own", "is the schema that customers buy from"),
        (_inside_production, "staging: folder of its own", "a clone would write over production"),
        (_other_words, "staging: address of its own", "is production's in other words"),
        (_no_php, "production: PHP", "/usr/bin/php5 does not run there"),
    ],
)
def test_what_is_wrong_is_told_by_name(
    pristine_world: World, tmp_path: Path, spoil: Spoil, name: str, detail: str
) -> None:
    found = examined(pristine_world, tmp_path, spoil)
    assert found[name].state == "FAILED"
    assert detail in found[name].detail
    assert found[name].mend
    with pytest.raises(Refused, match="checks failed"):
        doctor.require(list(found.values()))


def test_a_taken_mail_port_is_told_with_a_free_one(pristine_world: World, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", pristine_world.mail_port))
        taken.listen()
        found = examined(pristine_world, tmp_path)["staging: mail port"]
    assert found.state == "FAILED"
    assert found.mend.startswith("Say staging.mail_port: ")


class Deaf(Apache):
    """An Apache that reads no ``.htaccess``, as many are set up."""

    def _settings(self, sites: Sequence[VirtualHost], built_in: str) -> str:
        return super()._settings(sites, built_in).replace("AllowOverride All", "AllowOverride None")


def test_a_web_server_that_does_not_follow_the_rules_is_told(pristine_world: World, tmp_path: Path) -> None:
    world = pristine_world
    rules = world.production.root / ".htaccess"
    rules.write_text("RewriteEngine On\nRewriteRule ^wp-json/ index.php [L]\n")
    assert examined(world, tmp_path)["production: .htaccess"].state == "OK"
    world.apache.stop()
    deaf = Deaf(world.apache.folder)
    deaf.start(world._virtual_hosts(), marked=world.folder)
    try:
        found = examined(world, tmp_path)["production: .htaccess"]
    finally:
        deaf.stop()
        world.apache.start(world._virtual_hosts(), marked=world.folder)
    assert found.state == "FAILED"
    assert "the maintenance page would not close the shop" in found.detail
