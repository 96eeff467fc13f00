"""The surprise: the upgrade changes a table on production that it did not change on staging."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from pipeline.config.inventory import Tables
from pipeline.config.loader import load_inventory
from pipeline.database.footprint import Footprint
from pipeline.demo.world import World
from pipeline.engine import Step
from pipeline.events import silent
from pipeline.record import Record
from pipeline.remote.command import command
from pipeline.rollback import roll_back
from pipeline.steps import reconciliation, snapshot, tables
from pipeline.steps.site import Shop, opened

EXPECTED = Footprint(rewritten=("wp_options",))


@dataclass
class Section:
    """A critical section up to the upgrade, with nothing guarded but the footprint."""

    shop: Shop
    record: Record
    guarded: tables.Guarded

    def apply(self, step: Step) -> list[str]:
        number = self.record.last_number() + 1
        self.record.place(number, step.slug, step.fragment(), title=step.name)
        return [act.does() or "" for act in step.acts]

    def sql(self, *statements: str) -> None:
        with self.shop.production.database.connected() as db:
            for statement in statements:
                db.execute(statement)

    def value(self, query: str) -> object:
        with self.shop.production.database.connected() as db:
            return db.value(query)

    def switch_code(self) -> None:
        """From here on newer code is at work; its own undo is nothing to this test."""
        self.apply(Step("Switch code", (), undo=":"))

    def verify(self) -> None:
        self.apply(tables.verify_footprint(self.shop, self.record, EXPECTED, self.guarded))


@pytest.fixture
def section(pristine_world: World) -> Iterator[Section]:
    with opened(load_inventory(pristine_world.inventory), pristine_world.folder / ".palier") as shop:
        shop.production.prepare_record()
        record = Record.create(shop.production.host, shop.production.record, "promote", shop.name, "test")
        record.arm()
        made = Section(shop, record, tables.Guarded())
        for act in snapshot.take_snapshot(shop, record, silent).acts:
            act.does()
        yield made


def begun(section: Section, seconds: int) -> None:
    shop, record, guarded = section.shop, section.record, section.guarded
    section.apply(tables.copy_ahead(shop, record, EXPECTED, guarded, seconds=seconds))
    section.apply(tables.checkpoint_tables(shop, record, guarded, seconds=seconds))
    section.apply(tables.guard_tables(section.shop, section.guarded))


def test_what_has_a_copy_is_put_back_and_the_rest_is_held_with_a_list(section: Section) -> None:
    begun(section, seconds=0)
    section.sql(
        "UPDATE wp_options SET option_value='9' WHERE option_name='blogname'",
        "UPDATE wp_shop_orders SET status='broken'",
    )
    with pytest.raises(tables.Surprise, match="wp_shop_orders"):
        section.verify()
    held = roll_back(section.record, silent)
    assert not held.ok
    assert "wp_shop_orders: 300 rows now, 300 in the snapshot of" in held.said
    assert section.value("SELECT option_value FROM wp_options WHERE option_name='blogname'") != "9"
    assert section.value("SELECT COUNT(*) FROM wp_shop_orders WHERE status='broken'") == 300

    folder = section.record.folder
    said = section.record.read(tables.UNGUARDED).decode()
    typed = said.strip().rpartition("to compare: ")[2]
    subprocess.run(typed.split(), check=True, timeout=60, cwd=folder)
    beside = tables.beside(section.record, 1)
    joined = f"UPDATE wp_shop_orders o JOIN {beside} s ON s.id = o.id SET o.status = s.status"
    section.sql(joined, f"DROP TABLE {beside}")
    assert f"(in {folder}), then type: rm {tables.UNGUARDED} && sh rollback.sh" in held.said
    section.shop.production.host.run(command("rm", section.record.path(tables.UNGUARDED)))
    assert roll_back(section.record, silent).ok
    assert section.value("SELECT COUNT(*) FROM wp_shop_orders WHERE status='broken'") == 0


def test_a_small_shop_is_guarded_whole_so_a_surprise_is_put_back_exactly(section: Section) -> None:
    begun(section, seconds=5)
    section.sql("UPDATE wp_shop_orders SET status='broken'", "CREATE TABLE wp_shop_new (id INT)")
    with pytest.raises(tables.Surprise) as raised:
        section.verify()
    assert raised.value.why == "All of them have copies."
    assert roll_back(section.record, silent).ok
    assert section.value("SELECT COUNT(*) FROM wp_shop_orders WHERE status='broken'") == 0


HELD = "Everything that has a copy is put back. These tables were changed and have none:"


def test_an_upgrade_that_dies_half_way_is_held_too_with_what_it_changed_and_nobody_has_a_copy_of(
    section: Section,
) -> None:
    """Nothing was compared yet: the script on the host looks by itself."""
    begun(section, seconds=0)
    section.switch_code()
    section.sql("UPDATE wp_shop_orders SET status='broken'", "UPDATE wp_options SET option_value='9' WHERE option_id=1")
    held = roll_back(section.record, silent)
    assert not held.ok
    assert HELD in held.said
    listed = section.record.read(tables.UNGUARDED).decode().strip()
    assert listed.startswith("wp_shop_orders: 300 rows now, 300 in the snapshot of")
    assert listed.count("\n") == 0, "only what has changed is listed"
    typed = listed.rpartition("to compare: ")[2]
    subprocess.run(typed.split(), check=True, timeout=60, cwd=section.record.folder)
    assert section.value(f"SELECT COUNT(*) FROM {typed.split()[-1]} WHERE status<>'broken'") == 300
    assert section.value("SELECT option_value FROM wp_options WHERE option_id=1") != "9"
    section.shop.production.host.run(command("rm", section.record.path(tables.UNGUARDED)))
    assert roll_back(section.record, silent).ok, "a person has looked at it: it is not listed again"


@pytest.mark.parametrize("what", ["dropped", "touched and not changed", "before the code is switched", "compared"])
def test_only_what_the_upgrade_may_have_changed_is_held(section: Section, what: str) -> None:
    begun(section, seconds=0)
    if what != "before the code is switched":
        section.switch_code()
    if what == "compared":
        section.sql("UPDATE wp_options SET option_value='9' WHERE option_id=1")
        section.verify()
    section.sql(
        *(["DROP TABLE wp_shop_carts"] if what == "dropped" else []),
        "UPDATE wp_shop_orders SET status=CONCAT(status, 'x')",
        *(["UPDATE wp_shop_orders SET status=LEFT(status, LENGTH(status)-1)"] if "touched" in what else []),
    )
    done = roll_back(section.record, silent)
    assert done.ok == (what != "dropped"), done.said
    assert ("wp_shop_carts: no rows now, " in done.said) == (what == "dropped")


def test_what_pages_have_kept_is_not_compared_and_goes_whenever_the_code_changes(section: Section) -> None:
    """A cache in a table of its own, which customers' page views fill."""
    shop = section.shop
    known = replace(cast("Any", shop.production.platform), made_by_code=("shop_kept", "shop_never_there"))
    inventory = shop.inventory.model_copy(update={"tables": Tables(throwaway=("shop_kept",))})
    section.shop = replace(shop, inventory=inventory, production=replace(shop.production, platform=known))
    section.sql("CREATE TABLE wp_shop_kept (id INT PRIMARY KEY AUTO_INCREMENT, page TEXT)")
    begun(section, seconds=5)
    assert "wp_shop_kept" not in section.guarded.taken.copies
    section.switch_code()
    section.sql("UPDATE wp_options SET option_value='9' WHERE option_id=1")
    section.sql("INSERT INTO wp_shop_kept (page) VALUES ('of the older code')")
    section.verify()
    assert section.value("SELECT COUNT(*) FROM wp_shop_kept") == 0
    section.sql("INSERT INTO wp_shop_kept (page) VALUES ('of the newer code')")
    assert roll_back(section.record, silent).ok
    assert section.value("SELECT COUNT(*) FROM wp_shop_kept") == 0


def test_an_order_that_came_behind_the_page_is_named_and_its_rows_are_put_aside(section: Section) -> None:
    """From a request that had begun before the page. All becomes what it was, so it is no longer in the shop."""
    begun(section, seconds=5)
    section.switch_code()
    new = "INSERT INTO wp_shop_orders SELECT {id}, {reference}{rest} FROM wp_shop_orders WHERE id=1"
    columns = section.value(  # all but the first two
        "SELECT GROUP_CONCAT(CONCAT(', ', COLUMN_NAME) ORDER BY ORDINAL_POSITION SEPARATOR '') FROM"
        " information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='wp_shop_orders'"
        " AND COLUMN_NAME NOT IN ('id', 'reference')"
    )
    section.sql(new.format(id=9001, reference="'LATE-1'", rest=columns))
    section.sql("UPDATE wp_shop_orders SET status='broken' WHERE id<>9001")
    done = roll_back(section.record, silent)
    assert done.ok, done.said
    assert section.value("SELECT COUNT(*) FROM wp_shop_orders WHERE id=9001 OR status='broken'") == 0
    said = reconciliation.state(section.shop, section.record)
    assert said.late[0].split("\t") == ["order", "LATE-1", "came behind the page"]
    table, rows, where = said.late[1].split("\t")
    assert (table, rows) == ("wp_shop_orders", "1 rows")
    assert len(said.late) == 2, "of tables that nothing came into nothing is told, and nothing is left"
    aside = where.rpartition(" ")[2]
    assert section.value(f"SELECT reference FROM {aside} WHERE id=9001") == "LATE-1"
    assert (
        section.value(r"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE '\_palier\_aside%'") == 1
    )
    assert "order  LATE-1  came behind the page" in said.text()


def test_a_shop_whose_orders_cannot_be_asked_is_put_back_all_the_same(section: Section) -> None:
    begun(section, seconds=5)
    section.switch_code()
    section.sql("ALTER TABLE wp_shop_orders CHANGE reference other VARCHAR(64)")
    assert roll_back(section.record, silent).ok
    assert section.value("SELECT COUNT(reference) FROM wp_shop_orders") == 300
