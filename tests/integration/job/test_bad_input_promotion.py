"""What stops a promotion, an update or a clone before production is touched; each says why and what to do next."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.approvals import manifest as manifests
from pipeline.approvals import signatures
from pipeline.config.inventory import Approvals
from pipeline.config.playbook import Playbook
from pipeline.demo.paperwork import APPROVER
from pipeline.demo.sshd import make_key
from tests.integration.job.release_world import SHOP, SMALL, ReleaseWorld, hashes, killed_at_the_end, wait_for

UNTOUCHED = "Production was not changed."


def refused(approved: ReleaseWorld, code: int, *sentences: str) -> str:
    """Promote; it must be refused with ``code`` before anything of production is touched."""
    answer = approved.palier("promote", SHOP)
    assert answer.code == code, answer.said
    assert answer.at_once, answer.err
    assert answer.verdict == UNTOUCHED
    for sentence in sentences:
        assert sentence in answer.err, answer.err
    approved.require_untouched()
    assert not list((approved.world.record / "runs").glob("*-promote-*"))
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out
    return answer.err


# Approvals


def test_a_release_that_nobody_signed_is_not_promoted(approved: ReleaseWorld) -> None:
    shutil.rmtree(approved.release / "signatures")
    refused(approved, 4, "1 of 1 approvals", "Nobody has signed it yet.", f"palier approve {approved.run}")


def test_a_stranger_cannot_approve(approved: ReleaseWorld, tmp_path: Path) -> None:
    shutil.rmtree(approved.release / "signatures")
    make_key(tmp_path / "stranger", "stranger")
    answer = approved.palier("approve", approved.run, "--yes", "--key", str(tmp_path / "stranger"))
    assert answer.code == 4, answer.said
    assert answer.verdict == UNTOUCHED
    refused(approved, 4, "Nobody has signed it yet.")


def manifest_of(approved: ReleaseWorld, **changes: object) -> bytes:
    """Write another manifest of the same release, which nobody has signed, and return it."""
    path = approved.release / "manifest.json"
    path.write_bytes(manifests.canonical(manifests.read(path.read_bytes()).model_copy(update=changes)))
    shutil.rmtree(approved.release / "signatures")
    return path.read_bytes()


def test_whoever_ran_the_update_cannot_approve_it(approved: ReleaseWorld) -> None:
    manifest = manifest_of(approved, ran_by=f"{APPROVER.partition('@')[0]}@laptop")
    key = approved.world.approver_key
    answer = approved.palier("approve", approved.run, "--yes", "--key", str(key))
    assert answer.code == 4, answer.said
    assert f"{APPROVER} ran the update and cannot approve it." in answer.err
    assert not (approved.release / "signatures").exists()
    (approved.release / "signatures").mkdir()
    (approved.release / "signatures" / "by-hand.sig").write_text(signatures.sign(manifest, key))
    refused(approved, 4, "1 of 1 approvals", f"{APPROVER} ran the update and cannot approve it.")


def test_a_record_that_asks_for_no_signature_is_held_to_what_the_inventory_asks_for(approved: ReleaseWorld) -> None:
    manifest_of(approved, approvals=Approvals(required=0, four_eyes=False))
    refused(approved, 4, "1 of 1 approvals", "Nobody has signed it yet.")


def test_one_signature_of_two_is_told_to_be_one_of_two(approved: ReleaseWorld) -> None:
    manifest_of(approved, approvals=Approvals(required=2))
    answer = approved.palier("approve", approved.run, "--yes", "--key", str(approved.world.approver_key))
    assert "2 people must sign, other than whoever ran it." in answer.out
    assert f"Signed by {APPROVER}. 1 of 2 approvals of release {approved.run} is missing." in answer.out
    assert f"signed by {APPROVER}, not by enough yet" in approved.palier("runs", SHOP).out
    refused(approved, 4, "1 of 2 approvals", f"Signed by {APPROVER}.")


def test_what_an_approver_reads_is_what_the_manifest_says(approved: ReleaseWorld) -> None:
    manifest_of(approved, noted={"shop-search": ("PHP warned",)}, left_out=("contact",))
    said = approved.palier("approve", approved.run, "--yes", "--key", str(approved.world.approver_key)).out
    assert "Run by nadia@" in said
    assert "One person must sign, other than whoever ran it." in said
    assert re.search(r"Of orders and customers: .*wp_shop_orders \(theirs\)", said)
    assert "Set aside: nothing" in said
    assert "Noted: PHP warned" in said
    assert "Not run, as it failed before any update: contact" in said


def test_a_release_of_an_older_palier_is_refused_with_what_to_do(approved: ReleaseWorld) -> None:
    path = approved.release / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"format":2', b'"format":1'))
    refused(approved, 5, "is of format 1; this Palier", "Run the update again with this Palier")


def test_a_manifest_that_was_changed_after_signing_is_void(approved: ReleaseWorld) -> None:
    rewrite(approved, quarantined=())
    path = approved.release / "manifest.json"
    changed = manifests.read(path.read_bytes())
    path.write_bytes(manifests.canonical(changed.model_copy(update={"created": "2026-11-20T00:00:00Z"})))
    refused(approved, 4, "does not fit this release: it is void", f"palier approve {approved.run}")


def test_a_manifest_that_was_written_over_by_hand_is_refused(approved: ReleaseWorld) -> None:
    path = approved.release / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"1.1.0"', b'"1.1.0" '))
    refused(approved, 5, "not in its canonical form")


def test_a_playbook_on_record_that_was_changed_is_refused(approved: ReleaseWorld) -> None:
    path = approved.release / "playbook.json"
    path.write_bytes(path.read_bytes().replace(b'"required":1', b'"required":0'))
    refused(approved, 5, "was changed after the release was written")


def test_the_signature_of_a_key_that_has_expired_does_not_count(approved: ReleaseWorld) -> None:
    signers = approved.world.allowed_signers
    name, rest = signers.read_text().split(maxsplit=1)
    signers.write_text(f'{name} valid-before="20260101" {rest}')
    refused(approved, 4, "no longer")


def rewrite(approved: ReleaseWorld, *, settings: dict[str, object] | None = None, **changes: object) -> None:
    """Another release of the same modules, as ``update`` would have written it, approved."""
    playbook = approved.release / "playbook.json"
    if settings is not None:
        told = json.loads(playbook.read_bytes()) | settings
        playbook.write_text(Playbook.model_validate(told).model_dump_json())
        import hashlib

        changes["playbook"] = hashlib.sha256(playbook.read_bytes()).hexdigest()
    path = approved.release / "manifest.json"
    path.write_bytes(manifests.canonical(manifests.read(path.read_bytes()).model_copy(update=changes)))
    shutil.rmtree(approved.release / "signatures")
    approved.approve(approved.run)


def test_evidence_that_is_too_old_is_not_promoted(approved: ReleaseWorld) -> None:
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=9)
    rewrite(approved, created=old.strftime("%Y-%m-%dT%H:%M:%SZ"))
    refused(approved, 5, "was tested 9.0 days ago; the playbook allows 7.0", "palier update demo")


def test_outside_its_window_nothing_is_promoted(approved: ReleaseWorld) -> None:
    yesterday = (dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).strftime("%a").lower()
    window = {"days": [yesterday], "start": "00:00", "end": "00:01", "timezone": "UTC"}
    rewrite(approved, settings={"window": window})
    refused(approved, 5, f"promotions may begin on {yesterday} from 00:00 to 00:01", "Wait for the window")


# Production is not what the updates were tested on


def test_code_edited_by_hand_since_the_clone_is_told_file_by_file(approved: ReleaseWorld) -> None:
    plugins = approved.world.production.root / "wp-content" / "plugins"
    with (plugins / "palier-shop" / "palier-shop.php").open("a") as file:
        file.write("\n// hotfix\n")
    (plugins / "shop-search" / "debug.php").write_text("<?php\n")
    (approved.world.production.root / "license.txt").unlink()
    approved.state = approved.look()
    told = refused(approved, 5, "Production's code was changed since the clone", "palier clone demo")
    for name in ("palier-shop/palier-shop.php", "shop-search/debug.php"):
        assert f"wp-content/plugins/{name}" in told
    assert "license.txt" in told


def test_a_module_that_was_updated_on_production_meanwhile_is_told(approved: ReleaseWorld) -> None:
    main = approved.world.production.root / "wp-content" / "plugins" / "shop-loyalty" / "shop-loyalty.php"
    main.write_text(main.read_text("utf-8").replace(" * Version: 1.0.0", " * Version: 1.0.1"), "utf-8")
    approved.state = approved.look()
    refused(approved, 5, "shop-loyalty is at version 1.0.1 in production; the release was tested from 1.0.0")


# One at a time


def test_a_second_promotion_is_told_who_is_at_it_since_when_and_why(approved: ReleaseWorld) -> None:
    with killed_at_the_end(approved.start("promote", SHOP)) as first:
        wait_for((approved.world.record / "lock" / "owner.json").exists, 30, "the lock")
        second = approved.palier("promote", SHOP)
        assert first.process.poll() is None, "the first one was still at work"
        assert second.code == 6, second.said
        assert second.at_once
        assert second.verdict == UNTOUCHED
        owner = json.loads((approved.world.record / "lock" / "owner.json").read_text())
        for part in (owner["who"], owner["when"], "promote by nadia@", f"process {first.process.pid}"):
            assert part in second.err
        assert approved.palier("rollback", SHOP).code == 6
        assert approved.palier("update", SHOP, approved.playbook(SMALL)).code == 6
        assert first.answer().code == 0
    assert approved.versions()["shop-loyalty"] == "1.1.0"
    assert len(list((approved.world.record / "runs").glob("*-promote-*"))) == 1


def test_somebody_elses_lock_is_taken_away_only_by_force(approved: ReleaseWorld) -> None:
    folder = approved.world.record / "lock"
    folder.mkdir()
    owner = {
        "who": "anna@laptop",
        "when": "2026-11-20T22:00:00Z",
        "why": "promote by anna@laptop",
        "pid": 4,
        "token": "a1",
    }
    (folder / "owner.json").write_text(json.dumps(owner))
    told = approved.palier("promote", SHOP)
    assert told.code == 6
    assert "anna@laptop (process 4) since 2026-11-20T22:00:00Z: promote by anna@laptop" in told.err
    kept = approved.palier("lock", "release", SHOP, "--yes")
    assert kept.code == 5, kept.said
    assert "palier lock release demo --force" in kept.err
    assert (folder / "owner.json").exists()
    assert approved.palier("lock", "release", SHOP, "--yes", "--force").code == 0
    assert not folder.exists()


# No space


@pytest.fixture
def small_disk(approved: ReleaseWorld) -> Iterator[Path]:
    """A file system of 2 MB; a test that wants it is left out where none can be mounted."""
    place = approved.world.folder / "small-disk"
    place.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def test_a_full_disk_under_the_record_stops_a_promotion_before_the_shop_is_closed(
    approved: ReleaseWorld, small_disk: Path
) -> None:
    record = approved.world.record
    subprocess.run(["cp", "-a", f"{record}/.", str(small_disk)], check=True)
    filler = small_disk / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False)
    filler.write_bytes(filler.read_bytes()[: -48 * 1024])  # room for a record, not for a snapshot
    approved.change_inventory(str(record), str(small_disk))
    answer = approved.palier("promote", SHOP)
    assert answer.code in (1, 5), answer.said
    assert answer.verdict.startswith("Production was not changed")
    assert "MB free" in answer.err
    assert "Make room there" in answer.err
    filler.unlink()
    approved.require_untouched()
    assert not list(small_disk.glob("runs/*-promote-*/snapshot/*.partial"))
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out


@pytest.fixture
def lying_df(approved: ReleaseWorld) -> Iterator[None]:
    """Staging's host says that 4 MB are free."""
    site = approved.world.staging
    folder = approved.temporary / "bin"
    folder.mkdir()
    liar = folder / "df"
    liar.write_text(
        "#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\n"
        "echo '/dev/vda1 1000000 995904 4096 99% /'\n"
    )
    liar.chmod(0o755)
    site.sshd.stop()
    settings = {"PHP_INI_SCAN_DIR": f":{site.php_settings}", "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin"}
    site.sshd.start(marked=approved.world.folder, environment=settings)
    approved.world.start()
    yield
    site.sshd.stop()
    approved.world.start()


@pytest.mark.usefixtures("lying_df")
def test_a_staging_without_room_for_a_copy_is_told_before_anything_is_copied(approved: ReleaseWorld) -> None:
    before = hashes(approved.world.staging.root)
    answer = approved.palier("clone", SHOP)
    assert answer.code == 5, answer.said
    assert answer.verdict == UNTOUCHED
    assert "Staging has 4 MB free" in answer.err
    assert str(approved.world.staging.root) in answer.err
    approved.require_untouched()
    assert hashes(approved.world.staging.root) == before


# Staging


def test_without_a_clone_nothing_is_run_on_staging(approved: ReleaseWorld) -> None:
    (approved.world.staging.folder / "record" / "clone.json").unlink()
    answer = approved.palier("smoke", SHOP)
    assert answer.code == 5, answer.said
    assert answer.at_once
    assert "Staging is no finished clone" in answer.err
    assert "palier clone demo" in answer.err
    approved.require_untouched()


def test_a_staging_that_delivers_mail_is_refused_and_nothing_more_is_run_on_it(approved: ReleaseWorld) -> None:
    world = approved.world
    world.leaky = True
    world.apache.stop()
    world.staging.sshd.stop()
    world.start()
    answer = approved.palier("clone", SHOP)
    assert answer.code == 1, answer.said
    assert answer.verdict == UNTOUCHED
    assert "Staging is not harmless" in answer.err
    assert "sendmail_path" in answer.err
    assert "baseline" not in answer.err
    assert approved.palier("smoke", SHOP).code == 5
    assert not [mail for mail in world.mail.messages("leak-test@example.com") if "palier" not in str(mail["subject"])]
    approved.require_untouched()


def test_what_fails_before_any_update_is_not_blamed_on_an_update(approved: ReleaseWorld) -> None:
    """Production's own search is broken: the clone is made, and the update is refused."""
    (approved.world.staging.folder / "record" / "clone.json").unlink()
    search = approved.world.production.root / "wp-content" / "plugins" / "shop-search" / "shop-search.php"
    text = search.read_text("utf-8")
    broken = "\nif ( str_starts_with( $_SERVER['REQUEST_URI'] ?? '', '/search/' ) ) { nowhere_to_be_found(); }\n"
    search.write_text(text + broken, "utf-8")
    approved.state = approved.look()
    answer = approved.palier("update", SHOP, approved.playbook(SMALL), timeout=200)
    assert answer.code == 5, answer.said
    assert answer.verdict == UNTOUCHED
    assert "Before any update, these suites did not pass on staging: search" in answer.err
    assert "Evidence:" in answer.err
    evidence = Path(answer.err.partition("Evidence: ")[2].splitlines()[0].strip())
    assert list(evidence.rglob("*.png"))
    approved.require_untouched()
    left = [path.parent.name for path in (approved.world.record / "runs").glob("*-update-*/manifest.json")]
    assert left == [approved.run], "it left no release"


def test_ctrl_c_in_a_clone_leaves_no_half_clone_behind(approved: ReleaseWorld) -> None:
    with killed_at_the_end(approved.start("clone", SHOP)) as running:
        running.wait_until("Copy files to staging")
        running.send(signal.SIGINT)
        answer = running.answer(30)
    approved.require_decent(answer)
    assert answer.code == 130, answer.said
    assert answer.verdict.startswith("Production was not changed")
    approved.require_untouched()
    assert approved.palier("smoke", SHOP).code == 5
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out
