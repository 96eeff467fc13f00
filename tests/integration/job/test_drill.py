"""A drill on staging: the release goes up and down, orders stay, every table is compared, production is only read."""

from __future__ import annotations

import json

from tests.integration.job.release_world import SHOP, ReleaseWorld, killed_at_the_end

COPIES_WITH_STOCK = (
    "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    r" AND TABLE_NAME LIKE '\_palier\_pre\_%' AND COLUMN_NAME = 'stock'"
)
"""The copy of wp_shop_products, whose rows the update changes, that the drill's promotion has taken."""


def test_a_drill_compares_every_table_and_states_the_recovery_time(approved: ReleaseWorld) -> None:
    staging = approved.world.staging
    before = approved._tables(staging)
    answer = approved.palier("drill", SHOP, "--orders", "40", "--json", timeout=200)
    assert answer.code == 0, answer.said
    said = json.loads(answer.out)
    assert said["differences"] == []
    assert said["tables_compared"] > 15
    assert said["orders"] == said["orders_kept"] == 32, "a fifth arrive before the page"
    assert 0 < said["rollback_s"] < said["recovery_time_s"] <= 2 * said["rollback_s"] + 30
    moved = said["reconciliation"]["stock"]
    assert sum(each["sold"] for each in moved) == 32
    assert all(each["other"] == 0 for each in moved)
    left = [name for name in approved._tables(staging) if name not in before]
    assert left == [], "the drill leaves nothing in staging's schema"
    approved.require_untouched()


def test_a_drill_says_what_it_would_do(approved: ReleaseWorld) -> None:
    answer = approved.palier("drill", SHOP, "--plan")
    assert answer.code == 0, answer.said
    assert "Put up the maintenance page" in answer.out
    assert "Run the smoke suites" not in answer.out


def test_a_release_that_nobody_approved_is_not_drilled(approved: ReleaseWorld) -> None:
    for path in (approved.release / "signatures").glob("*.sig"):
        path.unlink()
    answer = approved.palier("drill", SHOP)
    assert answer.code == 4
    approved.require_untouched()


def test_an_undo_that_leaves_one_row_different_fails_the_drill_which_names_the_table(approved: ReleaseWorld) -> None:
    """One value in the copy of one table is not what it was: the rollback puts the wrong one back."""
    staging = approved.world.staging
    before = approved._tables(staging)
    with killed_at_the_end(approved.start("drill", SHOP, "--orders", "10")) as running:
        running.wait_until("Checkpoint the footprint")
        copies = [name for (name,) in approved.sql(COPIES_WITH_STOCK, staging)]
        assert len(copies) == 1, copies
        approved.sql(f"UPDATE `{copies[0]}` SET name = CONCAT(name, '!') ORDER BY id LIMIT 1", staging)
        answer = running.answer(200)
    approved.require_decent(answer)
    assert answer.code != 0, answer.said
    assert "did not take the update back exactly" in answer.err
    assert "8 of 8 orders were kept" in answer.err
    assert "wp_shop_products has other rows" in answer.err
    assert answer.err.count("has other rows") == 1, "no other table is blamed"
    assert "Do not promote this release" in answer.err
    left = [name for name in approved._tables(staging) if name not in before]
    assert left == [], "the drill leaves nothing in staging's schema"
    approved.require_untouched()
