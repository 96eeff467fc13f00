"""What old promotions left on production: what goes, what stays, and that nothing goes unsaid."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.config.loader import load_inventory
from pipeline.database import keeping
from pipeline.demo.world import World
from pipeline.flows import prune
from pipeline.record import Record
from pipeline.remote.command import command
from pipeline.steps import retention
from pipeline.steps.site import Shop, opened

OWN_TABLES = r"SHOW TABLES LIKE '\_palier\_%'"
LONG_AGO, NOW = "2026-01-01T00:00:00Z by nadia\n", time.strftime("%Y-%m-%dT%H:%M:%SZ by nadia\n", time.gmtime())


@dataclass
class Past:
    """Four promotions: given up, taken back, taken back, and one that stands."""

    shop: Shop
    runs: list[Record]

    @property
    def names(self) -> dict[str, str]:
        return {run.run: f"r{number}" for number, run in enumerate(self.runs, 1)}

    def told(self, found: tuple[retention.Leftover, ...]) -> set[str]:
        """``r1 snapshot`` for a folder, ``r1 table`` for a copy, else the table's name."""
        labels = {keeping.label(run): name for run, name in self.names.items()}
        said = set()
        for each in found:
            run = next((name for run, name in self.names.items() if run in each.name), "")
            of = next((name for label, name in labels.items() if label in each.name), "")
            said.add(f"{run} {Path(each.name).name}" if run else f"{of} table" if of else each.name)
        return said

    def rolled_back(self, when: str) -> None:
        for run in self.runs[1:3]:
            run.write("rolled-back", when)

    def tables(self) -> set[str]:
        with self.shop.production.database.connected() as db:
            return {row[0] for row in db.rows(OWN_TABLES)}


@pytest.fixture(scope="module")
def shop(world: World) -> Iterator[Shop]:
    world.reset()
    with opened(load_inventory(world.inventory), world.folder / ".palier") as shop:
        yield shop


@pytest.fixture
def past(shop: Shop) -> Iterator[Past]:
    site = shop.production
    try:
        site.prepare_record()
        made = Past(shop, [_promotion(shop) for _ in range(4)])
        made.runs[0].write("superseded", f"{made.runs[3].run}\n")
        made.rolled_back(NOW)
        with shop.production.database.connected() as db:
            db.execute("CREATE TABLE _palier_aside_20261121t190102z3f2a_1 (id INT PRIMARY KEY)")
            db.execute("INSERT INTO _palier_aside_20261121t190102z3f2a_1 VALUES (1), (2)")
        yield made
    finally:
        site.host.run(command("rm", "-rf", f"{site.record}/runs"))
        with site.database.connected() as db:
            for (name,) in db.rows(OWN_TABLES):
                db.execute(f"DROP TABLE `{name}`")


def _promotion(shop: Shop) -> Record:
    site = shop.production
    record = Record.create(site.host, site.record, "promote", shop.name, "test")
    for folder in ("snapshot", "code"):
        record.write(f"{folder}/old", b"x" * 100_000)
    with site.database.connected() as db:
        db.execute(f"CREATE TABLE _palier_pre_{keeping.label(record.run)}_1 (id INT PRIMARY KEY)")
    record.end("promoted")
    time.sleep(1.1)  # a run's id has whole seconds, and sorts by them
    return record


def test_what_no_way_back_needs_goes_and_what_one_needs_stays(past: Past) -> None:
    found = retention.look(past.shop, keep=2, days=30)
    assert past.told(found.goes) == {
        "r1 snapshot", "r1 code", "r1 table", "r2 snapshot", "r2 code", "r2 table", "r3 table",
    }  # fmt: skip
    assert past.told(found.stays) == {
        "r3 snapshot", "r3 code", "r4 snapshot", "r4 code", "r4 table", "_palier_aside_20261121t190102z3f2a_1",
    }  # fmt: skip
    assert found.size > 400_000


def test_the_way_back_of_a_promotion_that_stands_stays_whatever_is_asked(past: Past) -> None:
    found = retention.look(past.shop, keep=0, days=0)
    assert past.told(found.stays) == {"r4 snapshot", "r4 code", "r4 table"}


def test_what_a_rollback_set_aside_stays_for_its_days_and_is_told_with_its_rows(past: Past) -> None:
    (kept,) = (each for each in retention.look(past.shop, days=30).stays if "aside" in each.name)
    assert "2 rows" in kept.why
    past.rolled_back(LONG_AGO)
    assert "_palier_aside_20261121t190102z3f2a_1" in past.told(retention.look(past.shop, days=30).goes)


def test_a_plan_removes_nothing(past: Past) -> None:
    before = past.tables()
    said = prune.plan(past.shop, keep=0, days=0).text()
    assert past.tables() == before
    assert "Would be removed: _palier_aside_20261121t190102z3f2a_1" in said
    assert all(past.shop.production.host.exists(run.path("snapshot/old")) for run in past.runs)


def test_what_is_removed_is_gone_and_noted_one_by_one(past: Past) -> None:
    outcome = prune.run(past.shop, keep=0, days=0, by="nadia")
    host = past.shop.production.host
    assert past.tables() == {f"_palier_pre_{keeping.label(past.runs[3].run)}_1"}
    assert [host.exists(run.path("snapshot/old")) for run in past.runs] == [False, False, False, True]
    assert all(host.exists(run.path("journal.jsonl")) for run in past.runs), "the records themselves stay"
    noted = Record.open(host, past.shop.production.record, outcome.run).journal.entries()
    assert {e.facts["name"] for e in noted if e.event == "removes"} == {each.name for each in outcome.found.goes}
    again = prune.run(past.shop, keep=0, days=0, by="nadia")
    assert again.run == ""
    assert "There is nothing that could go." in again.text()
