"""A promotion's work on the database and the way back after reopening, by the real steps and the real script."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import engine
from pipeline.config.inventory import Environment, Inventory
from pipeline.database import footprint
from pipeline.database.connection import Database
from pipeline.database.footprint import Footprint
from pipeline.engine import Act, Step
from pipeline.events import silent
from pipeline.platforms import platform_of
from pipeline.record import Record
from pipeline.remote.local import LocalHost
from pipeline.steps import tables, ways_back
from pipeline.steps.site import Shop, Site
from tests.bench.shop import CLASSES, PREFIX

SMALL = (
    f"UPDATE {PREFIX}configuration SET value='2.0.0' WHERE id IN (11, 12, 13)",
    f"INSERT INTO {PREFIX}configuration (id_shop, name, value, date_upd) VALUES (1, 'POINTS', 'on', NOW())",
    f"UPDATE {PREFIX}module SET value='2.0.0' WHERE id=7",
    f"CREATE TABLE {PREFIX}points (id INT PRIMARY KEY, points INT NOT NULL)",
    f"INSERT INTO {PREFIX}points SELECT seq, seq FROM seq_1_to_200",
    f"ALTER TABLE {PREFIX}module_100 ADD COLUMN shown TINYINT NOT NULL DEFAULT 1",
)
ORDERS = (
    f"ALTER TABLE {PREFIX}orders ADD COLUMN points INT NOT NULL DEFAULT 0",
    f"UPDATE {PREFIX}orders SET points=5, note=CONCAT('points: ', COALESCE(note, '')) WHERE id_order % 1000 = 0",
)


@dataclass(frozen=True)
class Promoted:
    """Seconds behind the page for the database, those of the migration among them, and where it is recorded."""

    seconds: float
    migration: float
    steps: dict[str, float]
    record: Path


def shop_of(folder: Path, production: Database, staging: Database) -> Shop:
    """A shop of which only the databases are real."""
    told = {"url": "http://127.0.0.1", "hosts": [{"ssh": "local"}], "root": str(folder / "www")}
    inventory = Inventory.model_validate(
        {"shop": "bench", "platform": "prestashop", "production": told, "staging": told | {"url": "http://127.0.0.2"}}
    )
    sites = []
    for role, environment, database in (
        ("production", inventory.production, production),
        ("staging", inventory.staging, staging),
    ):
        sites.append(_site(folder, role, environment, database))
    shop = Shop(inventory, folder / "house", sites[0], sites[1])
    shop.__dict__["classes"] = CLASSES
    return shop


def _site(folder: Path, role: str, environment: Environment, database: Database) -> Site:
    record = folder / f"record-{database.name}"
    (record / "runs").mkdir(parents=True, exist_ok=True)
    host = LocalHost("here")
    own = Database(host, database.credentials, str(record / "client.cnf"))
    own.place_client_file()
    site = Site(
        "production" if role == "production" else "staging",
        "bench",
        environment,
        host,
        platform_of("prestashop", environment),
        str(record),
    )
    site.__dict__.update({"database": own, "prefix": PREFIX})
    return site


def footprint_of(db: Database, migration: Sequence[str]) -> Footprint:
    """What a migration changes, measured where it is cheap."""
    before = footprint.fingerprint(db)
    for statement in migration:
        db.execute(statement)
    return footprint.changed(before, footprint.fingerprint(db))


def promote(shop: Shop, expected: Footprint, migration: Sequence[str], *, guard: int) -> Promoted:
    """The steps behind the maintenance page that look at the database, in the order of the promotion."""
    site = shop.production
    record = Record.create(site.host, site.record, "promote", shop.name, "bench")
    guarded = tables.Guarded()
    took: dict[str, float] = {}

    def migrate() -> None:
        with site.database.connected() as db:
            for statement in migration:
                db.execute(statement)

    early = tables.copy_ahead(shop, record, expected, guarded, seconds=guard)
    steps = (
        tables.checkpoint_tables(shop, record, guarded, seconds=guard),
        tables.guard_tables(shop, guarded),
        Step("Upgrade the modules", (Act("run the module's own migration", migrate),), critical=True),
        tables.verify_footprint(shop, record, expected, guarded),
        tables.record_row_changes(shop, record, guarded),
    )
    timed = (replace(_timed(early, took), name="copies ahead, the shop open"), *(_timed(step, took) for step in steps))
    began = time.monotonic()
    engine.run(timed, record, silent, heartbeat=20)
    seconds = time.monotonic() - began - took[early.name]
    record.write("opened", "")
    record.end("promoted")
    ways_back.give_up_what_is_not_needed(shop, record, guarded)
    return Promoted(seconds, took["Upgrade the modules"], took, Path(record.folder))


def _timed(step: Step, took: dict[str, float]) -> Step:
    def measured(act: Act) -> Act:
        def does() -> str | None:
            began = time.monotonic()
            try:
                return act.does()
            finally:
                took[step.name] = took.get(step.name, 0.0) + time.monotonic() - began

        return replace(act, does=does)

    return replace(step, acts=tuple(measured(act) for act in step.acts))


def sell(db: Database, orders: int) -> None:
    """New orders with two lines each, as customers write them after the reopening."""
    for table, key, count in (("orders", "id_order", orders), ("order_detail", "id_order_detail", 2 * orders)):
        names = [
            str(row[0])
            for row in db.rows(
                "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s"
                " AND COLUMN_NAME<>%s",
                (f"{PREFIX}{table}", key),
            )
        ]
        listed = ", ".join(f"`{name}`" for name in names)
        db.execute(
            f"INSERT INTO {PREFIX}{table} ({listed}) SELECT {listed} FROM {PREFIX}{table} ORDER BY {key} LIMIT {count}"
        )


def roll_back(promoted: Promoted) -> float:
    """Seconds of the script on the host. :raises RuntimeError: with what it said, if it failed."""
    began = time.monotonic()
    done = subprocess.run(["sh", "rollback.sh"], cwd=promoted.record, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"rollback.sh ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - began
