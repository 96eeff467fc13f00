"""The whole job through the command line: clone, updates, approval, promotion, rollback, while customers buy."""

from __future__ import annotations

import base64
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.demo import show
from pipeline.demo.buyer import Buyer
from pipeline.demo.paperwork import MODULES
from pipeline.demo.prober import Prober
from pipeline.demo.show import customers
from pipeline.demo.world import World
from tests.integration.job.release_world import SHOP, SMALL, Answer, ReleaseWorld, State
from tests.integration.job.sales import Sales, require_each_order_once

KEPT = {"shop-loyalty": "1.1.0", "shop-contact": "2.3.1", "shop-search": "2.1.0"}
OLD = {module.name: module.old for module in MODULES}
ENOUGH = 8
"""Orders between one act and the next."""
PATIENCE = 180


@dataclass
class Job:
    """The whole job, as it went."""

    release: ReleaseWorld
    clone: Answer
    update: Answer
    approve: Answer
    promote: Answer
    rollback: Answer
    before: State
    sales_before: Sales
    top_versions: dict[str, str]
    top_columns: str
    buyer: Buyer
    prober: Prober
    promoting: tuple[float, float]
    rolling: tuple[float, float]

    @property
    def outcome(self) -> dict[str, Any]:
        """What ``update --json`` said."""
        found: dict[str, Any] = json.loads(self.update.out)
        return found

    @property
    def evidence(self) -> Path:
        return self.release.world.folder / ".palier" / SHOP / "runs"


@pytest.fixture(scope="module")
def job(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """Once for all tests of this file."""
    world.reset()
    with closing(ReleaseWorld(world, tmp_path_factory.mktemp("saved") / "none")) as release:
        before, sales = release.look(), Sales.read(release)
        clone = release.palier("clone", SHOP)
        update = release.palier("update", SHOP, str(world.playbook), "--json", timeout=1800)
        assert update.code == 10, update.said
        run = json.loads(update.out)["run"]
        approve = release.palier("approve", run, "--yes", "--key", str(world.approver_key))
        with customers(world) as (buyer, prober):
            assert buyer.wait_for(ENOUGH, PATIENCE), buyer.errors[-3:]
            began = time.time()
            promote = release.palier("promote", SHOP, "--json")
            promoting = (began, time.time())
            versions = release.versions()
            columns = str(release.sql("SHOW COLUMNS FROM wp_shop_orders"))
            assert buyer.wait_for(len(buyer.confirmed) + ENOUGH, PATIENCE), buyer.errors[-3:]
            began = time.time()
            rollback = release.palier("rollback", SHOP, "--json")
            rolling = (began, time.time())
            assert buyer.wait_for(len(buyer.confirmed) + ENOUGH, PATIENCE), buyer.errors[-3:]
        yield Job(
            release, clone, update, approve, promote, rollback, before, sales, versions, columns, buyer, prober,
            promoting, rolling,
        )  # fmt: skip


def test_every_command_ends_well(job: Job) -> None:
    answers = (job.clone, job.update, job.approve, job.promote, job.rollback)
    assert [answer.code for answer in answers] == [0, 10, 0, 0, 0], "\n".join(answer.said for answer in answers)


def test_three_are_kept_and_three_set_aside_with_the_right_reasons(job: Job) -> None:
    assert job.outcome["kept"] == KEPT
    aside = job.outcome["quarantined"]
    assert set(aside) == {"shop-invoice", "shop-stats", "shop-filters"}
    assert "/checkout/" in aside["shop-invoice"]
    assert "500" in aside["shop-invoice"]
    assert "2 orders" in aside["shop-stats"]
    assert aside["shop-filters"].endswith("(only together with shop-search)")
    assert "together" not in aside["shop-invoice"] + aside["shop-stats"]


def test_production_stood_on_the_new_versions_and_is_back_on_the_old_ones(job: Job) -> None:
    assert job.top_versions == OLD | KEPT
    assert "loyalty_points" in job.top_columns
    assert json.loads(job.promote.out)["versions"] == KEPT
    assert job.release.versions() == OLD
    assert json.loads(job.rollback.out)["versions"] == {name: OLD[name] for name in KEPT}
    assert job.release.look().files == job.before.files


def test_no_order_is_lost_or_doubled(job: Job) -> None:
    assert len(job.buyer.confirmed) >= 3 * ENOUGH
    require_each_order_once(job.release, job.buyer)
    now = Sales.read(job.release)
    assert now.orders >= job.sales_before.orders + len(job.buyer.confirmed)
    assert now.orders <= job.sales_before.orders + len(job.buyer.confirmed) + len(job.buyer.unknown)


def test_the_rollback_accounts_for_orders_and_stock(job: Job) -> None:
    said = json.loads(job.rollback.out)["reconciliation"]
    confirmed = {order.reference for order in job.buyer.confirmed}
    assert len(confirmed & set(said["orders"])) >= ENOUGH
    assert said["stock"], "something was sold"
    assert all(each["before"] - each["sold"] == each["after"] for each in said["stock"])


def test_products_have_their_old_names_and_the_stock_that_is_left(job: Job) -> None:
    Sales.read(job.release).require_consistent_with(job.sales_before)


def test_the_schema_is_the_old_one(job: Job) -> None:
    assert "loyalty_points" not in str(job.release.sql("SHOW COLUMNS FROM wp_shop_orders"))
    now = job.release.look()
    assert now.tables.keys() == job.before.tables.keys()
    untraded = {"wp_posts", "wp_users", "wp_usermeta", "wp_terms", "wp_shop_messages"}
    assert {name: now.tables[name] for name in untraded} == {name: job.before.tables[name] for name in untraded}
    assert job.release.data_versions() == OLD


def test_the_shop_was_closed_only_for_the_critical_sections(
    job: Job, record_testsuite_property: Callable[[str, object], None]
) -> None:
    up, down = job.prober.downtime(between=job.promoting), job.prober.downtime(between=job.rolling)
    record_testsuite_property("downtime_promote_s", round(up, 2))
    record_testsuite_property("downtime_rollback_s", round(down, 2))
    record_testsuite_property("orders_confirmed", len(job.buyer.confirmed))
    assert 0 < up < 60
    assert 0 < down < 45
    closed = [outage for outage in job.prober.outages() if outage.seconds > 1]
    assert len(closed) == 2, closed


def test_the_evidence_is_there_for_each_update(job: Job) -> None:
    run = job.evidence / job.outcome["run"]
    assert (run / "report.html").stat().st_size > 10_000
    for module in MODULES:
        folder = run / f"{module.name}-{module.new}"
        assert (folder / "junit.xml").exists()
        assert list(folder.rglob("*.png")), f"no screenshot of {module.name}"
    for name in ("shop-invoice-3.2.0", "shop-stats-1.5.0", "shop-filters-1.3.0"):
        assert list((run / name).rglob("*.zip")), f"no trace of {name}"
    report = (run / "report.html").read_text("utf-8")
    for module in MODULES:
        assert module.name in report
    assert job.outcome["run"] in report


def test_no_secret_is_in_evidence_reports_or_output(job: Job) -> None:
    secrets = job.release.secrets()
    assert len(secrets) >= 4, "two databases, staging's gate, the testers' cookie"
    gate = (job.release.world.folder / ".palier" / SHOP / "staging-password").read_text().strip()
    secrets.append(base64.b64encode(f"palier:{gate}".encode()).decode())
    wanted = [secret.encode() for secret in secrets]
    looked_at = 0
    for path in (path for path in job.evidence.rglob("*") if path.is_file()):
        for name, content in contents(path):
            looked_at += 1
            assert not [secret for secret in wanted if secret in content], f"{path} {name}"
    assert looked_at > 100
    for answer in (job.clone, job.update, job.approve, job.promote, job.rollback):
        job.release.require_decent(answer)


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and those of what is packed in it."""
    yield "", path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)


def test_the_records_on_the_host_hold_no_database_password_but_in_the_clients_file(job: Job) -> None:
    passwords = [site.password.encode() for site in (job.release.world.production, job.release.world.staging)]
    for path in (path for path in job.release.world.record.rglob("*") if path.is_file()):
        if path.name == "client.cnf":
            assert path.stat().st_mode & 0o077 == 0
            continue
        assert not [password for password in passwords if password in path.read_bytes()], path


def test_no_personal_data_of_production_is_on_staging(job: Job, tmp_path: Path) -> None:
    world = job.release.world
    world.mariadb.dump(world.staging.schema, tmp_path / "staging.sql")
    dump = (tmp_path / "staging.sql").read_text("utf-8")
    people = job.release.sql("SELECT email, name, phone FROM wp_shop_customers WHERE created_at < '2026-11-01'")
    people += job.release.sql("SELECT email, name, phone FROM wp_shop_orders LIMIT 300")
    assert len(people) > 300
    for email, name, phone in set(people):
        for value in (email, name, phone):
            assert len(value) < 5 or f"'{value}'" not in dump, f"{value} is on staging"
        assert email not in dump
    for path in (path for path in world.staging.root.rglob("*") if path.suffix in (".csv", ".sql", ".log")):
        assert not re.search(r"[\w.]+@courriel\.example", path.read_text("utf-8", "replace")), path


def test_nobody_holds_the_shop_and_nothing_runs_on(job: Job) -> None:
    assert "Nobody holds" in job.release.palier("lock", "status", SHOP).out
    job.release.require_nothing_left_running()
    status = json.loads(job.release.palier("status", SHOP, "--json").out)
    assert status["state"].startswith("open")
    assert {name: status["versions"][name] for name in OLD} == OLD


class SmallWorld(World):
    """The demo's world with a shorter playbook: the demo's own figures are looked at here, not the updates."""

    def start(self, **given: object) -> None:
        super().start(**given)  # type: ignore[arg-type]
        small = ReleaseWorld(self, self.folder / "unused")
        small.write_playbook(SMALL, ["shop-loyalty"])
        self.playbook.write_bytes(Path(small.playbook(SMALL)).read_bytes())
        small.close()


def test_the_demo_writes_every_figure_of_its_json(job: Job) -> None:
    """On the same world, which the job has left as it was."""
    small = SmallWorld(job.release.world.folder)
    result = show.run(small, orders=None, emit=lambda _: None)
    told = json.loads(json.dumps(result.as_json()))
    assert {
        "kept", "quarantined", "orders_confirmed", "orders_found", "orders_doubled", "downtime_promote_s",
        "downtime_rollback_s", "smoke_runs", "versions_before", "versions_promoted", "versions_after_rollback",
        "duration_s",
    } <= told.keys()  # fmt: skip
    assert told["kept"] == {"shop-loyalty": "1.1.0"}
    assert told["quarantined"] == {}
    assert told["orders_confirmed"] == told["orders_found"] >= 3 * show.SOME_ORDERS
    assert told["orders_doubled"] == 0
    assert 0 < told["downtime_promote_s"] < told["duration_s"]
    assert 0 < told["downtime_rollback_s"] < told["duration_s"]
    assert told["smoke_runs"] >= 4
    assert told["versions_before"] == told["versions_after_rollback"] == OLD
    assert told["versions_promoted"] == OLD | {"shop-loyalty": "1.1.0"}
    assert Path(told["report"]).exists()
    result.require()
