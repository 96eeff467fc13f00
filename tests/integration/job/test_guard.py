"""Whatever becomes of what drives a promotion, production ends open on the old version, and no order is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from pipeline.demo.paperwork import MODULES
from pipeline.demo.show import customers
from tests.integration.job.release_world import (
    HEARTBEAT,
    SHOP,
    Answer,
    ReleaseWorld,
    Running,
    killed_at_the_end,
    wait_for,
)
from tests.integration.job.sales import Sales, require_each_order_once
from tests.integration.proxy import Proxy

WITHIN = HEARTBEAT + 15
"""Seconds: the heartbeat, the undo itself, and what a busy machine takes longer."""
PUT_BACK = "Production was changed and has been put back"
CLOSED = "Put up the maintenance page"
MOMENTS = {
    "page up": (CLOSED, 0.0),
    "before the code is switched": ("Write the way back of the data", 0.0),
    "in the migration": ("Switch code", 0.5),
    "in the smoke tests": ("Verify the footprint", 1.0),
}
"""Where a promotion is struck: so many seconds after a step is done."""


def is_open(approved: ReleaseWorld) -> bool:
    try:
        answer = httpx.get(f"{approved.world.production.url}/", timeout=5)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and "product-card" in answer.text


@pytest.fixture
def struck(approved: ReleaseWorld) -> Iterator[Running]:
    """A promotion at work."""
    with killed_at_the_end(approved.start("promote", SHOP)) as running:
        yield running


def reach(running: Running, moment: str) -> None:
    step, later = MOMENTS[moment]
    running.wait_until(step)
    time.sleep(later)
    assert running.process.poll() is None


def require_back(approved: ReleaseWorld, before: Sales) -> None:
    """The old code to the byte, the old schema, the old rows but for what customers bought since."""
    now = approved.look()
    assert now.files == approved.state.files
    traded = {"wp_shop_products", "wp_shop_customers", "wp_shop_orders", "wp_shop_order_lines"}
    traded |= {"wp_shop_carts", "wp_shop_cart_lines", "wp_options"}
    changed = {name for name in approved.state.differences(now) if name not in approved.state.files}
    assert changed <= traded
    assert "loyalty_points" not in str(approved.sql("SHOW COLUMNS FROM wp_shop_orders"))
    Sales.read(approved).require_consistent_with(before)
    assert approved.data_versions() == {module.name: module.old for module in MODULES}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_promotion_is_taken_back_by_the_guard(approved: ReleaseWorld, struck: Running, moment: str) -> None:
    before = Sales.read(approved)
    with customers(approved.world) as (buyer, prober):
        reach(struck, moment)
        struck.send(signal.SIGKILL)
        killed = time.time()
        wait_for(lambda: is_open(approved), WITHIN, "an open shop")
        sold = len(buyer.confirmed)
        assert buyer.wait_for(sold + 2), buyer.errors[-3:]
    assert max(outage.end for outage in prober.outages()) - killed < WITHIN
    require_each_order_once(approved, buyer)
    wait_for((approved.last("promote") / "rolled-back").exists, 10, "the end of the undo")
    require_back(approved, before)
    assert "by the guard" in (approved.last("promote") / "rolled-back").read_text()
    approved.require_nothing_left_running()


def test_killed_while_it_copies_ahead_production_is_untouched_and_its_copies_can_be_taken_away(
    approved: ReleaseWorld, struck: Running
) -> None:
    """Nothing critical has begun, so no guard watches; the shop was open all the while."""
    struck.wait_until("Upload the new code beside the old")
    time.sleep(0.15)
    struck.send(signal.SIGKILL)
    struck.process.wait(10)
    approved.require_untouched()
    assert approved.palier("lock", "release", SHOP, "--yes").code == 0
    back = approved.palier("rollback", SHOP)
    assert back.code == 0, back.said
    assert approved.sql(r"SHOW TABLES LIKE '\_palier\_pre%'") == []
    approved.require_untouched()
    assert approved.palier("promote", SHOP).code == 0
    assert approved.versions()["shop-loyalty"] == "1.1.0"


def test_the_lock_of_a_killed_promotion_is_told_and_can_be_released(approved: ReleaseWorld, struck: Running) -> None:
    reach(struck, "page up")
    struck.send(signal.SIGKILL)
    wait_for((approved.last("promote") / "rolled-back").exists, WITHIN, "the guard's undo")

    refused = approved.palier("promote", SHOP)
    assert refused.code == 6
    assert refused.at_once
    assert "promote by nadia@" in refused.err
    assert "palier lock release demo" in refused.err

    status = approved.palier("lock", "status", SHOP)
    assert "promote by nadia@" in status.out
    released = approved.palier("lock", "release", SHOP, "--yes")
    assert released.code == 0, released.said
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out
    assert "rolled back" in approved.palier("runs", SHOP).out
    assert approved.palier("promote", SHOP).code == 0
    assert approved.versions()["shop-loyalty"] == "1.1.0"


def test_a_promotion_that_sleeps_longer_than_its_heartbeat_does_nothing_when_it_wakes(
    approved: ReleaseWorld, struck: Running
) -> None:
    before = Sales.read(approved)
    reach(struck, "before the code is switched")
    os.killpg(struck.process.pid, signal.SIGSTOP)
    wait_for((approved.last("promote") / "rolled-back").exists, WITHIN, "the guard's undo")
    assert is_open(approved)
    os.killpg(struck.process.pid, signal.SIGCONT)
    answer = struck.answer()
    approved.require_decent(answer)
    assert answer.code == 7, answer.said
    assert answer.verdict.startswith(PUT_BACK)
    assert "the guard" in answer.err
    require_back(approved, before)
    assert is_open(approved)


def test_ctrl_c_in_the_critical_section_undoes_and_opens(approved: ReleaseWorld, struck: Running) -> None:
    reach(struck, "in the migration")
    struck.send(signal.SIGINT)
    answer = struck.answer()
    approved.require_decent(answer)
    assert answer.code == 130, answer.said
    assert answer.verdict.startswith(PUT_BACK)
    approved.require_untouched()
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out


def test_an_impatient_ctrl_c_does_not_stop_the_undo(approved: ReleaseWorld, struck: Running) -> None:
    reach(struck, "in the smoke tests")
    for _ in range(6):
        struck.send(signal.SIGINT)
        time.sleep(0.15)
    answer = struck.answer()
    approved.require_decent(answer)
    assert answer.code == 130, answer.said
    approved.require_untouched()


def test_ctrl_c_before_the_critical_section_leaves_nothing(approved: ReleaseWorld, struck: Running) -> None:
    struck.wait_until("Take a full snapshot")
    struck.send(signal.SIGINT)
    answer = struck.answer()
    approved.require_decent(answer)
    assert answer.code == 130, answer.said
    assert answer.verdict.startswith("Production was not changed")
    approved.require_untouched()
    assert not list(approved.last("promote").glob("code/*.new"))


def promote_through(approved: ReleaseWorld, proxy: Proxy) -> Running:
    """A promotion whose way to production's host leads over ``proxy``."""
    server = approved.world.production.sshd
    approved.change_inventory(f"@127.0.0.1:{server.port}\n", f"@127.0.0.1:{proxy.port}\n")
    known = approved.temporary / "known_hosts"
    known.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{proxy.port} "))
    approved.change_inventory(str(server.known_hosts), str(known))
    return approved.start("promote", SHOP)


def require_taken_back(approved: ReleaseWorld, answer: Answer) -> None:
    approved.require_decent(answer)
    assert answer.code in (7, 8), answer.said
    assert answer.verdict.startswith((PUT_BACK, "Production is closed. The guard"))
    wait_for((approved.last("promote") / "rolled-back").exists, WITHIN, "the undo")
    approved.require_untouched()


def test_a_cut_connection_in_the_critical_section_is_taken_back(approved: ReleaseWorld) -> None:
    port = approved.world.production.sshd.port
    with Proxy(port) as proxy, killed_at_the_end(promote_through(approved, proxy)) as running:
        reach(running, "in the migration")
        proxy.cut()
        answer = running.answer()
    require_taken_back(approved, answer)


def test_a_host_that_falls_silent_in_the_critical_section_takes_itself_back(approved: ReleaseWorld) -> None:
    port = approved.world.production.sshd.port
    with Proxy(port) as proxy, killed_at_the_end(promote_through(approved, proxy)) as running:
        reach(running, "before the code is switched")
        proxy.stall()
        silent = time.monotonic()
        wait_for((approved.last("promote") / "rolled-back").exists, WITHIN, "the guard's undo")
        assert is_open(approved)
        answer = running.answer()
        assert time.monotonic() - silent < 90
    require_taken_back(approved, answer)
    assert answer.code == 8
    assert "lock is kept" in answer.err


def test_a_promotion_whose_smoke_tests_fail_on_production_is_put_back_exactly(approved: ReleaseWorld) -> None:
    """Production's own configuration, which staging does not have, does not bear the new search."""
    settings = approved.world.production.root / "wp-config.php"
    text = settings.read_text("utf-8")
    trap = (
        "<?php if ( isset( $_SERVER['REQUEST_URI'] ) && str_starts_with( $_SERVER['REQUEST_URI'], '/search/' ) "
        "&& str_contains( file_get_contents( __DIR__ . '/wp-content/plugins/shop-search/shop-search.php' ), '2.1.0' )"
        " ) { http_response_code( 500 ); exit; } ?>"
    )
    settings.write_text(trap + text, "utf-8")
    before = approved.look()
    answer = approved.palier("promote", SHOP)
    assert answer.code == 7, answer.said
    assert answer.verdict.startswith(PUT_BACK)
    assert "/search/" in answer.err
    assert not before.differences(approved.look())
    assert is_open(approved)
    assert "rolled back" in approved.palier("runs", SHOP).out
