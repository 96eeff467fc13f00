"""The reconciliation statement of a rollback that nobody but ``rollback.sh`` has seen."""

from __future__ import annotations

import json
import subprocess

from pipeline.demo.show import customers
from tests.integration.job.release_world import SHOP, ReleaseWorld


def test_a_rollback_by_hand_is_accounted_for_afterwards(approved: ReleaseWorld) -> None:
    assert approved.palier("statement", SHOP).code != 0, "nothing was taken back yet"
    answer = approved.palier("promote", SHOP)
    assert answer.code == 0, answer.said
    run = approved.last("promote")
    refused = approved.palier("statement", SHOP, run.name)
    assert refused.code != 0
    assert "was not rolled back" in refused.err

    with customers(approved.world) as (buyer, _):
        assert buyer.wait_for(4, 180), buyer.errors[-3:]
    done = subprocess.run(["sh", str(run / "rollback.sh")], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (run / "reconciliation.txt").exists()

    told = approved.palier("statement", SHOP, "--json")
    assert told.code == 0, told.said
    said = json.loads(told.out)
    assert said["run"] == run.name
    assert {order.reference for order in buyer.confirmed} <= set(said["orders"])
    assert said["stock"]
    assert all(each["before"] - each["sold"] == each["after"] for each in said["stock"])
    assert (run / "reconciliation.txt").exists()
    again = approved.palier("statement", SHOP, run.name)
    assert again.out.startswith(f"Reconciliation of {run.name}")
    assert said["made"] in again.out, "it is told as it was made"
