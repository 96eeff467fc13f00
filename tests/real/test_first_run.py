"""The first run of a team on a shop that the demo did not build: typed commands, and no file edited by hand.

Wants release trees as the other tests of this folder do: ``PRESTASHOP`` and ``PRESTASHOP_NEW``, ``WOOCOMMERCE`` and
``WOOCOMMERCE_NEW``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.demo import paperwork, wordpress
from pipeline.demo.buyer import Buyer
from tests.real import prestashop, woocommerce
from tests.real.first_run import FirstRun, Said
from tests.real.presta_books import orders_of
from tests.real.presta_buyer import PrestaShopBuyer
from tests.real.prestashop import PrestaShopWorld
from tests.real.woo_buyer import WooCommerceBuyer
from tests.real.woocommerce import Variant, WooCommerceWorld

PATIENCE = 300
"""Seconds that a customer may take for an order, on a machine with much else to do."""
WEAK, WANTED = "pagesnotfound", "ps_contactinfo"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.browser,
    pytest.mark.world,
    pytest.mark.slow,
    pytest.mark.timeout(3600),
]


@pytest.fixture
def presta(tmp_path: Path) -> Iterator[PrestaShopWorld]:
    core, modules = prestashop.tree_of("PRESTASHOP_NEW"), prestashop.tree_of("PRESTASHOP")
    assert core is not None, "the test is skipped without it"
    assert modules is not None, "the test is skipped without it"
    built = PrestaShopWorld(tmp_path / "world", core, modules)
    try:
        built.start()
        for package in built.packages.glob("*.zip"):
            package.unlink()
        for module in (WEAK, WANTED):
            paperwork.pack(core / "modules" / module, built.packages / f"{module}.zip")
        yield built
    finally:
        built.destroy()


@pytest.mark.skipif(
    prestashop.tree_of("PRESTASHOP") is None or prestashop.tree_of("PRESTASHOP_NEW") is None,
    reason="no release trees: set PRESTASHOP and PRESTASHOP_NEW",
)
def test_from_nothing_to_a_promotion_and_back_on_a_prestashop(presta: PrestaShopWorld) -> None:
    first = FirstRun(presta, "boutique", WEAK)
    said = first.init()
    assert open_questions(said) <= {"--set production.web_user=www-data"}
    checks = {each["name"]: each for each in first.palier("doctor", first.shop, "--json").json()}
    assert checks["production: platform"]["detail"].startswith("PrestaShop ")
    found = {each["module"]: each for each in first.palier("modules", first.shop, "--json").json()}
    assert [match["id"] for match in found[WEAK]["advisories"]] == ["TEAM-1"]
    assert found[WANTED]["newer"]["version"] == prestashop.declared_version(presta.core, WANTED)
    first.plan([WANTED])

    def bought(buyer: Buyer) -> set[str]:
        assert isinstance(buyer, PrestaShopBuyer)
        return {reference for reference, _ in orders_of(presta, buyer)}

    buyer = PrestaShopBuyer(presta.production.url, pace=0.5, timeout=90)
    up_and_back(first, buyer, {WEAK, WANTED}, bought)


@pytest.fixture
def woo(tmp_path: Path) -> Iterator[WooCommerceWorld]:
    tree, newer = woocommerce.tree_of("WOOCOMMERCE"), woocommerce.tree_of("WOOCOMMERCE_NEW")
    assert tree is not None, "the test is skipped without it"
    built = WooCommerceWorld(tmp_path / "world", tree, Variant("blocks", "hpos"), newer)
    try:
        built.start()
        yield built
    finally:
        built.destroy()


@pytest.mark.skipif(
    woocommerce.tree_of("WOOCOMMERCE") is None or woocommerce.tree_of("WOOCOMMERCE_NEW") is None,
    reason="no release trees: set WOOCOMMERCE and WOOCOMMERCE_NEW",
)
def test_from_nothing_to_a_promotion_and_back_on_a_woocommerce(woo: WooCommerceWorld) -> None:
    cli = ("--wp-cli", str(wordpress.WP_CLI))
    first = FirstRun(woo, "atelier", "some-other-plugin", cli)
    said = first.init()
    assert open_questions(said) <= {"--set production.web_user=www-data"}
    first.palier("doctor", first.shop)
    found = {each["module"]: each for each in first.palier("modules", first.shop, "--json").json()}
    assert found["woocommerce"]["newer"] is not None
    first.plan(["woocommerce"])

    def bought(_buyer: Buyer) -> set[str]:
        return set(woo.mariadb.admin(f"SELECT id FROM `{woo.production.schema}`.wp_wc_orders").split())

    up_and_back(first, WooCommerceBuyer(woo.production.url, pace=0.5, timeout=90), {"woocommerce"}, bought)


def open_questions(said: Said) -> set[str]:
    """The answers that are still wanted. Which user PHP runs as, a host without sudo need not say."""
    return {line.strip() for line in said.out.splitlines() if line.strip().startswith("--set ")}


def up_and_back(first: FirstRun, buyer: Buyer, modules: set[str], bought: Callable[[Buyer], set[str]]) -> None:
    """Update, approve and promote; somebody buys; roll back: the order is there, and the versions are the old ones."""
    before = versions(first, modules)
    run = first.update()
    first.palier("approve", run, "--key", str(first.world.approver_key), "--yes")
    first.palier("promote", first.shop, run)
    after = versions(first, modules)
    assert all(after[module] != before[module] for module in modules), after
    with buyer:
        assert buyer.wait_for(1, PATIENCE), buyer.errors
    first.palier("rollback", first.shop)
    assert versions(first, modules) == before
    assert {each.reference for each in buyer.confirmed} <= bought(buyer)
    _tell(first)


def versions(first: FirstRun, modules: set[str]) -> dict[str, str]:
    found = first.palier("modules", first.shop, "--json").json()
    return {each["module"]: each["version"] for each in found if each["module"] in modules}


def _tell(first: FirstRun) -> None:
    """Seconds of each command, one line of JSON a shop in build/."""
    place = Path("build") / "first-run.jsonl"
    place.parent.mkdir(exist_ok=True)
    with place.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"shop": first.shop, "seconds": first.seconds}) + "\n")
