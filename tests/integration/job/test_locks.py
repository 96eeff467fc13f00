"""Somebody holds a lock on production's tables while a promotion or a rollback is at work."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.job.release_world import SHOP, ReleaseWorld, killed_at_the_end, wait_for

HELD = 10
"""Seconds for which a lock is held that goes away."""
TABLES = ("wp_shop_orders", "wp_shop_products")
PAGE = "Put up the maintenance page"


@contextmanager
def locked(release: ReleaseWorld, statement: str, seconds: int) -> Iterator[None]:
    """The server's administrator holds tables of production, for so many seconds at most."""
    server, schema = release.world.mariadb, release.world.production.schema
    words = ["mariadb", "--no-defaults", f"--socket={server.socket}", "--unbuffered", schema]
    with subprocess.Popen([*words, "-e", f"{statement}; DO SLEEP({seconds})"], stdout=subprocess.DEVNULL) as holder:
        wait_for(
            lambda: (
                "SLEEP" in server.admin("SELECT INFO FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()")
            ),
            10,
        )
        try:
            yield
        finally:
            holder.kill()


def write_lock() -> str:
    return f"LOCK TABLES {', '.join(f'{name} WRITE' for name in TABLES)}"


def row_lock() -> str:
    return "START TRANSACTION; " + "; ".join(f"SELECT id FROM {name} FOR UPDATE" for name in TABLES)


def test_a_promotion_waits_for_a_lock_that_goes_away(approved: ReleaseWorld) -> None:
    with killed_at_the_end(approved.start("promote", SHOP)) as running:
        running.wait_until(PAGE)
        with locked(approved, write_lock(), HELD):
            answer = running.answer()
    assert answer.code == 0, answer.said
    assert approved.versions()["shop-loyalty"] == "1.1.0"
    approved.require_open()


def test_a_promotion_that_never_gets_its_lock_is_taken_back_with_a_sentence(approved: ReleaseWorld) -> None:
    with killed_at_the_end(approved.start("promote", SHOP)) as running:
        running.wait_until(PAGE)
        with locked(approved, write_lock(), 300):
            answer = running.answer()
    approved.require_decent(answer)
    assert answer.code != 0
    assert "Another session holds a lock" in answer.err
    approved.require_untouched()


def test_a_rollback_waits_for_rows_that_somebody_holds(approved: ReleaseWorld) -> None:
    assert approved.palier("promote", SHOP).code == 0
    with killed_at_the_end(approved.start("rollback", SHOP)) as running, locked(approved, row_lock(), HELD):
        answer = running.answer()
    assert answer.code == 0, answer.said
    assert approved.versions()["shop-loyalty"] == "1.0.0"
    assert "loyalty_points" not in str(approved.sql("SHOW COLUMNS FROM wp_shop_orders"))
    approved.require_open()
