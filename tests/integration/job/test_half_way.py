"""What is stopped half way says what production is, and stands in nobody's way."""

from __future__ import annotations

import signal
import subprocess

from tests.integration.job.release_world import SHOP, ReleaseWorld, killed_at_the_end, wait_for

BACK = "Production was rolled back and is open."


def test_ctrl_c_in_a_rollback_opens_the_old_version_and_says_so(approved: ReleaseWorld) -> None:
    assert approved.palier("promote", SHOP).code == 0
    promotion = approved.last("promote")
    with killed_at_the_end(approved.start("rollback", SHOP)) as running:
        wait_for(lambda: bool(list((promotion / "undone").glob("*-open-the-shop"))), 60, "the page")
        running.send(signal.SIGINT)
        answer = running.answer()
    approved.require_decent(answer)
    assert answer.code == 130, answer.said
    assert answer.verdict == BACK
    assert "was taken back whole, but its smoke tests did not come to their end" in answer.err
    assert (promotion / "rolled-back").exists()
    approved.require_untouched()
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out
    assert approved.palier("statement", SHOP).code == 0
    assert approved.palier("promote", SHOP).code == 0


def test_a_rollback_that_cannot_go_on_says_what_remains_and_that_the_page_is_on(approved: ReleaseWorld) -> None:
    assert approved.palier("promote", SHOP).code == 0
    promotion = approved.last("promote")
    (switch,) = (promotion / "undo.d").glob("*-switch-code.sh")
    text = switch.read_text()
    switch.write_text(text.replace("set -eu\n", "set -eu\nexit 1\n", 1))
    answer = approved.palier("rollback", SHOP)
    assert answer.code == 8, answer.said
    assert (
        answer.verdict
        == f"Production is closed: the maintenance page is on, and {promotion.name} is taken back only in part."
    )
    assert f"{switch.stem} could not be taken back" in answer.err
    assert f"Still to be taken back: {switch.stem}, " in answer.err
    assert "-put-up-the-maintenance-page" in answer.err

    switch.write_text(text)
    assert approved.palier("lock", "release", SHOP, "--yes").code == 0
    assert approved.palier("rollback", SHOP).code == 0
    assert approved.versions()["shop-loyalty"] == "1.0.0"
    approved.require_open()


def test_a_promotion_that_died_before_its_first_step_stands_in_nobodys_way(approved: ReleaseWorld) -> None:
    records = approved.world.record / "runs"
    with killed_at_the_end(approved.start("promote", SHOP)) as running:
        wait_for(lambda: any(records.glob("*-promote-*/journal.jsonl")), 60, "the record")
        running.send(signal.SIGKILL)
        running.process.wait(10)
    dead = approved.last("promote")
    assert not list((dead / "undo.d").iterdir())
    assert approved.palier("lock", "release", SHOP, "--yes").code == 0
    answer = approved.palier("promote", SHOP)
    assert answer.code == 0, answer.said
    assert f"{dead.name}" in approved.palier("runs", SHOP).out
    assert "not begun" in approved.palier("runs", SHOP).out
    approved.require_open()


def test_a_promotion_gives_up_while_a_request_from_before_the_page_is_at_work(approved: ReleaseWorld) -> None:
    """Its order could be written behind the page, where a way back puts everything back exactly."""
    site = approved.world.production
    server = approved.world.mariadb
    words = [
        "mariadb",
        "--no-defaults",
        f"--socket={server.socket}",
        f"--user={site.schema}",
        f"--password={site.password}",
    ]
    with subprocess.Popen([*words, "-e", "DO SLEEP(600)"], stdout=subprocess.DEVNULL) as late:
        try:
            answer = approved.palier("promote", SHOP)
        finally:
            late.kill()
    assert answer.code == 7, answer.said
    assert answer.verdict.startswith("Production was changed and has been put back")
    assert "database connections of the shop's were still open 3 s after the page went up" in answer.err
    assert "raise budgets.drain" in answer.err
    approved.require_untouched()
