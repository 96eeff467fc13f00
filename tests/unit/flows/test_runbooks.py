"""Flows as text: read aloud, the names of their steps are the runbook, and the plan shows how each is taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import engine
from pipeline.approvals.manifest import Manifest
from pipeline.code.tree import Tree
from pipeline.config.inventory import Approvals, Inventory
from pipeline.config.playbook import Playbook, Reason
from pipeline.engine import Step
from pipeline.events import silent
from pipeline.flows import clone, promote
from pipeline.platforms import platform_of
from pipeline.record import About, Record
from pipeline.remote.command import Secret
from pipeline.remote.fake import FakeHost
from pipeline.steps.modules import Target
from pipeline.steps.release import Release
from pipeline.steps.site import Role, Shop, Site

SECRET = "the-testers-cookie"
EMPTY = "0" * 64


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop on two hosts in memory. Whatever they are asked, they say yes to, and nothing more."""
    monkeypatch.setenv("NOBODY_ASKS", "database-password")
    database = {"name": "shop", "user": "shop", "password": {"env": "NOBODY_ASKS"}}
    inventory = Inventory.model_validate(
        {
            "shop": "brasserie",
            "production": {
                "url": "https://brasserie.example", "hosts": [{"ssh": "deploy@web"}], "root": "/var/www/shop",
                "database": database,
            },
            "staging": {
                "url": "https://staging.example", "hosts": [{"ssh": "deploy@web"}], "root": "/var/www/staging",
                "database": database | {"name": "staging"},
            },
        }
    )  # fmt: skip

    def site(role: Role) -> Site:
        environment = getattr(inventory, role)
        host = FakeHost(role, strict=False)
        host.answer("stat -L -c", stdout="same\n")
        platform = platform_of("wordpress", environment)
        return Site(role, "brasserie", environment, host, platform, f"/home/deploy/.palier/brasserie-{role}")

    return Shop(inventory, tmp_path, site("production"), site("staging"))


@pytest.fixture
def steps(shop: Shop) -> tuple[Step, ...]:
    """The steps of promoting two modules."""
    about = About("20261121T190102Z-promote-abcd", "promote", "brasserie", "ines@laptop", "")
    record = Record(shop.production.host, f"{shop.production.record}/runs/{about.run}", about)
    targets = tuple(Target(name, "2.0", Path(f"/tmp/{name}"), Tree({})) for name in ("shop-a", "shop-b"))  # noqa: S108
    manifest = Manifest(
        shop="brasserie", run="r", created="2026-11-21T19:00:00Z", production="https://brasserie.example",
        base="0" * 40, head="1" * 40, base_tree=EMPTY, playbook=EMPTY, modules=(),
        ran_by="ines@laptop", approvals=Approvals(),
        footprint={"added": [], "removed": [], "altered": [], "rewritten": ["wp_options"], "views": []}, evidence={},
    )  # fmt: skip
    reason = Reason(kind="feature", text="wanted")
    update = {"module": "shop-a", "to": "2.0", "package": "a.zip", "reason": reason.model_dump()}
    playbook = Playbook.model_validate({"shop": "brasserie", "updates": [update]})
    release = Release(record, b"", manifest, playbook, Tree({}), ())
    promotion = promote.Promotion(shop, release, record, targets, Secret(SECRET))
    return promote.steps(promotion, None, silent)


def test_a_clone_reads_as_the_runbook(shop: Shop) -> None:
    assert [step.name for step in clone.steps(shop, "RUN", silent)] == [
        "Read versions and sizes",
        "Copy code into the ledger",
        "Close staging to the outside",
        "Copy files to staging",
        "Copy the database, personal data masked",
        "Rewrite addresses",
        "Prove that staging is harmless",
        "Take the golden checkpoint",
        "Run the baseline smoke suites",
    ]


def test_a_clone_has_nothing_to_take_back_on_production(shop: Shop) -> None:
    assert not any(step.can_be_undone or step.critical for step in clone.steps(shop, "RUN", silent))


def test_a_promotion_reads_as_the_runbook(steps: tuple[Step, ...]) -> None:
    assert [step.name for step in steps] == [
        "Take a full snapshot",
        "Upload the new code beside the old",
        "Copy the footprint ahead",
        "Put up the maintenance page",
        "Wait for requests in flight",
        "Checkpoint the footprint",
        "Write the way back of the data",
        "Switch code",
        "Run the platform's upgrade",
        "Clear PHP's caches",
        "Verify versions and files",
        "Verify the footprint",
        "Record what the update did to each row",
        "Run the smoke suites on production",
        "Open the shop",
    ]


def test_the_critical_section_is_all_that_happens_behind_the_page_and_nothing_else(steps: tuple[Step, ...]) -> None:
    closed = [step.name for step in steps if step.critical]
    assert closed[0] == "Put up the maintenance page"
    assert closed[-1] == "Open the shop"
    assert [step.critical for step in steps] == sorted(step.critical for step in steps)


def test_the_way_back_of_the_data_is_written_before_the_code_that_changes_it_is_there(steps: tuple[Step, ...]) -> None:
    names = [step.name for step in steps]
    assert names.index("Write the way back of the data") < names.index("Switch code")
    taken_back = [step.name for step in steps if step.can_be_undone]
    assert taken_back[0] in ("Upload the new code beside the old", "Put up the maintenance page")
    assert {"Put up the maintenance page", "Write the way back of the data", "Switch code", "Open the shop"} <= {
        *taken_back
    }


def test_opening_the_shop_is_taken_back_by_closing_it(steps: tuple[Step, ...]) -> None:
    fragment = steps[-1].fragment()
    assert "htaccess.block" in fragment
    assert fragment.startswith("root=/var/www/shop")


def test_the_plan_shows_every_step_and_its_undo_and_no_secret(steps: tuple[Step, ...]) -> None:
    text = engine.plan(steps)
    for step in steps:
        assert step.name in text
    assert "mv -T" in text
    assert SECRET not in text
    assert "database-password" not in text
    assert engine.plan([replace(steps[0], name="Something else")]) != engine.plan([steps[0]])
