"""The whole job on a real PrestaShop: cloned, updated module by module, approved, promoted, bought from, rolled back.

Wants release trees, which this project does not carry, as folders with their ``vendor``: ``PRESTASHOP`` (whose modules
production runs) and ``PRESTASHOP_NEW`` (the core, and the modules that are offered). ``PRESTASHOP_MODULES`` limits the
job to some modules, separated by spaces: all fifty take an hour.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from pipeline.config.loader import load_inventory, load_playbook
from pipeline.demo.prober import Prober
from pipeline.events import silent
from pipeline.evidence.smoke import ShopDatabase, SmokeSettings
from pipeline.evidence.smoke import run as smoke
from pipeline.evidence.verdicts import Verdict
from pipeline.flows import approve, clone, promote, rollback, update
from pipeline.remote.command import Secret
from pipeline.steps.site import Shop, opened
from tests.real.prestashop import PrestaShopWorld, seed_canaries, tree_of, write_playbook

WHO = "rig@maison-palier.example"
SUITES = ("home", "search", "checkout", "contact")
UNKNOWABLE = ("search filters (the page has none)",)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.browser,
    pytest.mark.world,
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(tree_of("PRESTASHOP") is None, reason="no release tree: set PRESTASHOP to one"),
]
T = TypeVar("T")
needs_newer = pytest.mark.skipif(
    tree_of("PRESTASHOP_NEW") is None, reason="no newer release tree: set PRESTASHOP_NEW to one"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrestaShopWorld]:
    tree = tree_of("PRESTASHOP")
    assert tree is not None, "the module is skipped without one"
    built = PrestaShopWorld(tmp_path_factory.mktemp("prestashop"), tree_of("PRESTASHOP_NEW") or tree, tree)
    try:
        built.start()
        built.remember()
        yield built
    finally:
        built.destroy()


@contextmanager
def shop_of(world: PrestaShopWorld) -> Iterator[Shop]:
    with opened(load_inventory(world.inventory), world.folder / ".palier") as shop:
        yield shop


def rows(world: PrestaShopWorld, schema: str, sql: str) -> list[list[str]]:
    return [line.split("\t") for line in world.mariadb.admin(f"USE `{schema}`; {sql}").splitlines()]


def journeys(world: PrestaShopWorld, folder: Path, suites: tuple[str, ...] = SUITES) -> dict[str, float]:
    """Really buy on production's site; seconds by suite. Everything behind the screen was looked at."""
    site = world.production
    database = ShopDatabase("127.0.0.1", world.mariadb.port, site.schema, Secret(site.password), site.schema, "ps_")
    settings = SmokeSettings(
        site.url, "staging", pages="prestashop", search_term="mug", maildir=world.mail.maildir, database=database
    )
    result = smoke(settings, suites, folder, budget=600)
    assert result.verdict in {Verdict.PASSED, Verdict.DOUBTFUL}, result.sentences
    assert all(what.endswith(UNKNOWABLE) for what in result.not_checked), result.not_checked
    return {suite.suite: suite.seconds for suite in result.suites}


def test_the_journeys_buy_and_everything_behind_the_screen_agrees(world: PrestaShopWorld, tmp_path: Path) -> None:
    _tell(journeys=journeys(world, tmp_path / "run"))


def test_a_clone_holds_nobodys_data_no_key_and_no_address_of_production(world: PrestaShopWorld) -> None:
    world.reset()
    canaries = seed_canaries(world, 1000)
    key = "INSERT INTO ps_webservice_account (`key`, description, active) VALUES ('A1', 'erp', 1)"
    rows(world, world.production.schema, key)
    with shop_of(world) as shop:
        clone.run(shop, by=WHO, emit=silent)
    dump = world.folder / "staging.sql"
    world.mariadb.dump(world.staging.schema, dump)
    text = dump.read_text("utf-8")
    assert [word for word in canaries if word in text] == []
    assert world.production.url not in text
    assert "Mug The best is yet to come" in text, "the catalogue is copied"
    kept = rows(world, world.staging.schema, "SELECT value FROM ps_configuration WHERE name = 'PALIER_TEST_SERIALISED'")
    assert kept == [[f'a:1:{{s:3:"url";s:{len(world.staging.url) + 9}:"{world.staging.url}/bild.jpg";}}']]
    assert rows(world, world.staging.schema, "SELECT COUNT(*) FROM ps_webservice_account") == [["0"]]
    assert not list((world.staging.root / "upload").glob("customers-*")), "what customers sent stays on production"


@needs_newer
def test_the_updates_are_tried_kept_promoted_and_rolled_back_while_a_customer_buys(
    world: PrestaShopWorld, tmp_path: Path
) -> None:
    world.reset()
    write_playbook(world, os.environ.get("PRESTASHOP_MODULES", "").split())
    before = versions(world)
    picture = world.production.root / "modules" / "ps_imageslider" / "images" / "the-merchants-own.jpg"
    picture.write_bytes(b"a picture that no package has")
    with shop_of(world) as shop:
        tried = update.run(shop, load_playbook(world.playbook), by=WHO, emit=silent)
        _tell(
            modules={each.candidate.module: [round(each.seconds, 1), each.reason] for each in tried.tried},
            footprints={each.candidate.module: str(each.measured.footprint) for each in tried.kept},
        )
        assert tried.kept
        approve.sign(shop, approve.pending(shop, tried.run), world.approver_key)
        prober = Prober(f"{world.production.url}/", marker="js-product-miniature")
        with prober:
            promoted, promoting = _timed(lambda: promote.run(shop, tried.run, by=WHO, emit=silent))
            wanted = {each.candidate.module: each.candidate.target.version for each in tried.kept}
            assert {name: version for name, version in versions(world).items() if name in wanted} == wanted
            assert picture.exists(), "what the merchant put into a module's folder survives the update"
            journeys(world, tmp_path / "after", ("checkout",))
            bought = rows(world, world.production.schema, "SELECT MAX(id_order), COUNT(*) FROM ps_orders")
            _, rolling = _timed(lambda: rollback.run(shop, promoted.run, by=WHO, emit=silent))
    assert versions(world) == before
    assert picture.exists()
    assert rows(world, world.production.schema, "SELECT MAX(id_order), COUNT(*) FROM ps_orders") == bought
    journeys(world, tmp_path / "back")
    _tell(
        promotion=promoting[1] - promoting[0],
        rollback=rolling[1] - rolling[0],
        downtime_promotion=prober.downtime(between=promoting),
        downtime_rollback=prober.downtime(between=rolling),
    )


def versions(world: PrestaShopWorld) -> dict[str, str]:
    """The recorded version of every installed module."""
    found = rows(world, world.production.schema, "SELECT name, version FROM ps_module ORDER BY name")
    return {row[0]: row[1] for row in found}


def _timed(job: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    began = time.time()
    return job(), (began, time.time())


def _tell(**figures: object) -> None:
    """Figures for docs/verified-prestashop.md, one line of JSON a test in build/."""
    place = Path("build") / "prestashop.jsonl"
    place.parent.mkdir(exist_ok=True)
    with place.open("a", encoding="utf-8") as out:
        out.write(json.dumps(figures) + "\n")
