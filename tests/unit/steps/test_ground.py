"""What a host tells about the ground under a shop, as checks: nothing is run but questions."""

from __future__ import annotations

import time

import pytest

from pipeline.config.inventory import Inventory
from pipeline.platforms import platform_of
from pipeline.platforms.recognition import Facts
from pipeline.remote.fake import FakeHost
from pipeline.steps import ground
from pipeline.steps.site import Site

PRESTASHOP = {"prestashop": ("1.7.8.11",), "php": ("php 8.2.1", "php7.4 7.4.33")}


def site(host: FakeHost, **keys: str) -> Site:
    place = {"url": "https://shop.example", "hosts": [{"ssh": "local"}], "root": "/var/www/shop", **keys}
    staging = {"url": "https://staging.example", "hosts": [{"ssh": "local"}], "root": "/var/www/staging"}
    inventory = Inventory.model_validate(
        {"shop": "shop", "platform": "prestashop", "production": place, "staging": staging}
    )
    platform = platform_of("prestashop", inventory.production)
    return Site("production", "shop", inventory.production, host, platform, "/record")


@pytest.mark.parametrize(
    ("program", "version", "web", "state", "mend"),
    [
        ("php7.4", "7.4.33", "7.4", "OK", ""),
        ("php", "8.2.1", "", "WARN", "Say production.php: php7.4"),
        ("php", "8.2.1", "7.4", "WARN", "Say production.php: php7.4"),
        ("php", "8.2.1", "8.1", "WARN", "Say production.php: the program of PHP 8.1"),
        ("php9", "", "", "FAILED", "Say production.php: php7.4"),
    ],
)
def test_php_against_the_web_server_and_what_is_stated(
    program: str, version: str, web: str, state: str, mend: str
) -> None:
    host = FakeHost()
    host.answer("PHP_VERSION", stdout=version, status=0 if version else 127)
    told = Facts(PRESTASHOP | ({"web_php": (web,)} if web else {}))
    found = ground.php_version(site(host, php=program), told)
    assert (found.state, found.mend) == (state, mend)


@pytest.mark.parametrize(("ahead", "state"), [(0, "OK"), (300, "WARN"), (-300, "WARN")])
def test_the_hosts_clock(ahead: int, state: str) -> None:
    host = FakeHost()
    host.answer("date", stdout=str(int(time.time()) + ahead))
    found = ground.clock(site(host))
    assert found.state == state
    assert ("ahead of" in found.detail) == (ahead > 0)
    assert ("behind" in found.detail) == (ahead < 0)


def test_jobs_past_the_page_are_told_and_their_tokens_are_not() -> None:
    host = FakeHost()
    by_hand = "*/5 * * * * php /var/www/shop/modules/feed/cron.php token=s3cret"
    by_address = "0 * * * * curl https://shop.example/modules/x/cron.php?token=s3cret"
    host.answer("crontab", stdout=f"{by_hand}\n{by_address}\n")
    found = ground.scheduled(site(host))
    assert found.state == "WARN"
    assert "1 run the shop's code past the maintenance page" in found.detail
    assert "/var/www/shop/modules/feed/cron.php" in found.detail
    assert "s3cret" not in found.detail


@pytest.mark.parametrize(("told", "detail"), [("", "none"), ("0 * * * * curl https://shop.example/c?token=x", "1 by")])
def test_jobs_that_the_page_holds_back_are_no_worry(told: str, detail: str) -> None:
    host = FakeHost()
    host.answer("crontab", stdout=told)
    found = ground.scheduled(site(host))
    assert (found.state, found.detail.startswith(detail)) == ("OK", True)
