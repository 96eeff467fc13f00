"""Three promotions on one another: which can be taken back, and what the third gives up once it has opened."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pipeline.config.loader import load_inventory
from pipeline.database import ahead, keeping, merge
from pipeline.database.footprint import Footprint
from pipeline.demo.world import World
from pipeline.errors import Refused
from pipeline.record import Record
from pipeline.steps import ways_back
from pipeline.steps.site import Shop, opened
from pipeline.steps.tables import Guarded

TABLES = ("wp_options", "wp_shop_messages", "wp_users")
Promotions = tuple[Shop, list[Record], Guarded]


@pytest.fixture
def promotions(pristine_world: World) -> Iterator[Promotions]:
    """Each has copies of three tables; its update touched one of them."""
    with opened(load_inventory(pristine_world.inventory), pristine_world.folder / ".palier") as shop:
        site = shop.production
        site.prepare_record()
        records, guarded = [], Guarded()
        for _ in range(3):
            record = Record.create(site.host, site.record, "promote", shop.name, "test")
            record.arm()
            record.place(1, "close", "true", closes=True)
            with site.database.connected() as db:
                early = ahead.copy(db, TABLES, keeping.kind(keeping.label(record.run)))
                guarded.checkpoint = ahead.bring_up_to_date(db, early, TABLES)
                guarded.plan = merge.record(db, guarded.checkpoint, Footprint(rewritten=("wp_options",)))
            record.end("promoted")
            records.append(record)
            time.sleep(1.1)  # a run's id has whole seconds, and sorts by them
        yield shop, records, guarded


def copies(shop: Shop, record: Record) -> list[str]:
    """What the copies of a run are copies of, as far as they are there."""
    of = keeping.label(record.run)
    with shop.production.database.connected() as db:
        found = {str(name) for (name,) in db.rows(rf"SHOW TABLES LIKE '\_palier\_pre\_{of}\_%'")}
        if f"_palier_pre_{of}_map" not in found:
            return []
        rows = db.rows(f"SELECT name, copy FROM _palier_pre_{of}_map ORDER BY name")
    return [str(name) for name, copy in rows if copy in found]


def test_the_newest_two_can_be_taken_back_and_the_third_says_why_not(promotions: Promotions) -> None:
    shop, (oldest, earlier, newest), guarded = promotions
    assert copies(shop, oldest) == copies(shop, newest) == sorted(TABLES)
    assert ways_back.give_up_what_is_not_needed(shop, newest, guarded) > len(TABLES)
    assert copies(shop, oldest) == []
    assert copies(shop, earlier) == sorted(TABLES), "the way back of the one before stands"
    assert copies(shop, newest) == ["wp_options"], "of an opened one only the copies that its merge reads"
    assert ways_back.standing(shop.production) == [earlier.run, newest.run]
    with pytest.raises(Refused, match="can no longer be rolled back") as refused:
        ways_back.require_newest(shop, oldest)
    assert newest.run in refused.value.why


def test_promotions_are_taken_back_newest_first(promotions: Promotions) -> None:
    shop, (_, earlier, newest), _ = promotions
    assert ways_back.last(shop) == newest.run
    ways_back.require_newest(shop, newest)
    with pytest.raises(Refused, match="cannot be rolled back now") as refused:
        ways_back.require_newest(shop, earlier)
    assert refused.value.next_step.endswith(newest.run)
    newest.write("rolled-back", "2026-11-21T19:00:00Z by nadia\n")
    ways_back.require_newest(shop, earlier)
    assert ways_back.last(shop) == earlier.run
