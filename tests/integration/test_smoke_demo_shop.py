"""The journeys against the real demo shop: WordPress, its database and its mail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.demo.world import World
from pipeline.evidence.smoke import ShopDatabase, SmokeSettings, run
from pipeline.evidence.verdicts import Verdict
from pipeline.remote.command import Secret

pytestmark = [pytest.mark.integration, pytest.mark.browser, pytest.mark.world]

ALL = ("home", "category", "search", "product", "checkout", "contact", "login")


@pytest.fixture
def settings(world: World) -> SmokeSettings:
    """Production of the demo world, on which nobody else buys here, told to be bought from."""
    site = world.production
    database = ShopDatabase("127.0.0.1", world.mariadb.port, site.schema, Secret(site.password), site.schema, "wp_")
    return SmokeSettings(site.url, "staging", search_term="bol", maildir=world.mail.maildir, database=database)


@pytest.fixture
def orders(world: World) -> Callable[[], int]:
    """How many orders there are."""
    site = world.production
    return lambda: int(world.mariadb.admin(f"SELECT COUNT(*) FROM `{site.schema}`.wp_shop_orders"))


def test_the_demo_shop_passes_and_one_order_is_stored(
    settings: SmokeSettings, orders: Callable[[], int], tmp_path: Path
) -> None:
    before = orders()
    result = run(settings, ALL, tmp_path / "run", budget=120)
    assert result.verdict is Verdict.PASSED, result.sentences
    assert result.not_checked == ()
    assert orders() == before + 1


def test_as_production_the_demo_shop_passes_and_no_order_is_stored(
    settings: SmokeSettings, orders: Callable[[], int], tmp_path: Path
) -> None:
    before = orders()
    gentle = SmokeSettings(settings.base_url, "production", search_term="bol", database=settings.database)
    result = run(gentle, ALL, tmp_path / "run", budget=120)
    assert result.passed, result.sentences
    assert orders() == before


def test_a_database_that_does_not_let_us_in_says_nothing_about_the_shop(
    settings: SmokeSettings, tmp_path: Path
) -> None:
    assert settings.database is not None
    wrong = ShopDatabase(**{**vars(settings.database), "password": Secret("no")})
    result = run(SmokeSettings(settings.base_url, "staging", database=wrong), ["checkout"], tmp_path / "run", budget=60)
    assert result.verdict is Verdict.INCONCLUSIVE
