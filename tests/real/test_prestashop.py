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

from pipeline.code.tree import local
from pipeline.config.loader import load_inventory, load_playbook
from pipeline.demo.prober import Prober
from pipeline.demo.world import Site
from pipeline.events import silent
from pipeline.evidence.smoke import ShopDatabase, SmokeSettings
from pipeline.evidence.smoke import run as smoke
from pipeline.evidence.verdicts import Verdict
from pipeline.flows import approve, clone, drill, promote, rollback, update
from pipeline.remote.command import Secret
from pipeline.steps.site import Shop, opened
from tests.real.leaking import require_refused
from tests.real.presta_books import require_every_order, rows, stocks
from tests.real.presta_broken import add_to_playbook, faults
from tests.real.presta_buyer import PrestaShopBuyer
from tests.real.presta_canaries import seed_canaries
from tests.real.prestashop import PrestaShopWorld, tree_of, write_playbook

WHO = "rig@maison-palier.example"
SUITES = ("home", "search", "checkout", "contact")
GENERATED = ("config.xml", "config_*.xml")
PATIENCE = 300
"""Seconds that customers may take for a few orders, on a machine with much else to do."""
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


def test_a_clone_whose_mail_would_get_out_is_refused(world: PrestaShopWorld) -> None:
    require_refused(world, lambda: shop_of(world), WHO)


@pytest.fixture(scope="module")
def tried(world: PrestaShopWorld) -> update.Outcome:
    """The chosen modules and two broken packages, tried one at a time on a fresh clone; then approved."""
    world.reset()
    broken = faults(world.core)
    chosen = os.environ.get("PRESTASHOP_MODULES", "").split()
    write_playbook(world, chosen, suites=("search", "checkout"), without=[fault.module for fault in broken])
    add_to_playbook(world, broken, after=1)
    with shop_of(world) as shop:
        outcome = update.run(shop, load_playbook(world.playbook), by=WHO, emit=silent)
        approve.sign(shop, approve.pending(shop, outcome.run), world.approver_key)
    _tell(
        modules={each.candidate.module: [round(each.seconds, 1), each.reason] for each in outcome.tried},
        footprints={each.candidate.module: str(each.measured.footprint) for each in outcome.kept},
    )
    return outcome


@needs_newer
def test_the_releases_modules_are_kept_and_the_broken_ones_set_aside_with_evidence(
    world: PrestaShopWorld, tried: update.Outcome
) -> None:
    broken = faults(world.core)
    wanted = {fault.module: fault for fault in broken}
    aside = {each.candidate.module: each for each in tried.aside}
    assert aside.keys() == wanted.keys(), {name: each.reason for name, each in aside.items()}
    for name, each in aside.items():
        assert wanted[name].shown_by in each.reason
    assert tried.final is not None
    assert {suite.suite for suite in tried.final.suites} == set(SUITES), (
        "at the end all are run, not only the daily ones"
    )
    evidence = tried.report.parent / f"{broken[0].module}-{broken[0].version}"
    assert list(evidence.rglob("*.png")), "what the customer would have seen is kept"
    assert broken[0].module in tried.report.read_text("utf-8")


@needs_newer
def test_nothing_of_what_was_set_aside_is_left_on_staging(world: PrestaShopWorld, tried: update.Outcome) -> None:
    staged, broken = world.staging, faults(world.core)
    names = "', '".join(fault.module for fault in broken)
    state = f"SELECT name, version, active FROM ps_module WHERE name IN ('{names}') ORDER BY name"
    assert rows(world, staged.schema, state) == rows(world, world.production.schema, state)
    left = "SELECT COUNT(*) FROM ps_configuration WHERE name = 'PALIER_RIG_LEFT_BEHIND'"
    assert rows(world, staged.schema, left) == [["0"]]
    assert rows(world, staged.schema, "SHOW TABLES LIKE 'ps_rig_left_behind%'") == []
    assert not (staged.root / "override" / "classes" / "RigLeftBehind.php").exists()
    for fault in broken:
        here, there = (local(site.root / "modules" / fault.module, GENERATED) for site in (staged, world.production))
        assert here == there
    kept = {each.candidate.module: each.candidate.target.version for each in tried.kept}
    assert {name: version for name, version in versions(world, staged).items() if name in kept} == kept


@needs_newer
def test_a_drill_on_staging_takes_everything_back_exactly(world: PrestaShopWorld, tried: update.Outcome) -> None:
    with shop_of(world) as shop:
        outcome = drill.run(shop, tried.run, orders=20, by=WHO, emit=silent)
    _tell(drill=outcome.as_json())
    outcome.require()


@needs_newer
def test_the_release_is_promoted_and_rolled_back_while_customers_buy_and_the_merchant_works(
    world: PrestaShopWorld, tried: update.Outcome, tmp_path: Path
) -> None:
    site, before, stock = world.production, versions(world), stocks(world)
    pictures = site.root / "modules" / "ps_imageslider" / "images"
    (pictures / "since-the-clone.jpg").write_bytes(b"a picture that no package has")
    prober = Prober(f"{site.url}/", marker="js-product-miniature", timeout=20)
    with shop_of(world) as shop, prober, PrestaShopBuyer(site.url, pace=0.5, timeout=90) as buyer:
        assert buyer.wait_for(2, PATIENCE), buyer.errors
        stale = warm_and_marked(world)
        promoted, promoting = _timed(lambda: promote.run(shop, tried.run, by=WHO, emit=silent))
        assert not stale.exists(), "what was compiled from the old code is gone"
        wanted = {each.candidate.module: each.candidate.target.version for each in tried.kept}
        assert {name: version for name, version in versions(world).items() if name in wanted} == wanted
        assert (pictures / "since-the-clone.jpg").exists()
        (pictures / "since-the-promotion.jpg").write_bytes(b"another")
        assert buyer.wait_for(len(buyer.confirmed) + 2, PATIENCE), buyer.errors
        stale = warm_and_marked(world)
        _, rolling = _timed(lambda: rollback.run(shop, promoted.run, by=WHO, emit=silent))
        assert not stale.exists(), "what was compiled from the new code is gone"
        assert buyer.wait_for(len(buyer.confirmed) + 2, PATIENCE), buyer.errors
    assert versions(world) == before
    assert {"since-the-clone.jpg", "since-the-promotion.jpg"} <= {path.name for path in pictures.iterdir()}
    require_every_order(world, buyer, stock)
    journeys(world, tmp_path / "back")
    _tell(
        promotion=promoting[1] - promoting[0],
        rollback=rolling[1] - rolling[0],
        downtime_promotion=prober.downtime(between=promoting),
        downtime_rollback=prober.downtime(between=rolling),
        orders=len(buyer.confirmed),
        unclear=len(buyer.unknown),
    )


def warm_and_marked(world: PrestaShopWorld) -> Path:
    """A file among what the shop has compiled: there as long as that cache is."""
    cache = world.production.root / "var" / "cache" / "prod"
    assert any(cache.rglob("*.php")), "customers have just used the shop"
    (cache / "compiled-before").touch()
    return cache / "compiled-before"


def versions(world: PrestaShopWorld, site: Site | None = None) -> dict[str, str]:
    """The recorded version of every installed module that is on; of production, unless another site is named."""
    sql = "SELECT name, version FROM ps_module WHERE active = 1 ORDER BY name"
    return {row[0]: row[1] for row in rows(world, (site or world.production).schema, sql)}


def _timed(job: Callable[[], T]) -> tuple[T, tuple[float, float]]:
    began = time.time()
    return job(), (began, time.time())


def _tell(**figures: object) -> None:
    """Figures for docs/verified-prestashop.md, one line of JSON a test in build/."""
    place = Path("build") / "prestashop.jsonl"
    place.parent.mkdir(exist_ok=True)
    with place.open("a", encoding="utf-8") as out:
        out.write(json.dumps(figures) + "\n")
