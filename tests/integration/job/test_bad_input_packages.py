"""Packages and modules that are not what the playbook says: all told at once, before anything is touched anywhere."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.job.release_world import SHOP, ReleaseWorld, hashes

HEADER = "<?php\n/**\n * Plugin Name: {name}\n * Version: {version}\n */\n"
PLAYBOOK = """\
shop: demo
updates:
  - module: {module}
    to: "{to}"
    package: ../packages/{package}
    sha256: {sha256}
    reason: {{kind: security, text: A test of what is refused}}
"""


def pack(path: Path, name: str, version: str, *, extra: str = "") -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/{name}.php", HEADER.format(name=name, version=version))
        if extra:
            archive.writestr(extra, "<?php // outside\n")


def missing(path: Path) -> None:
    assert not path.exists()


def another_name(path: Path) -> None:
    pack(path, "shop-other", "2.3.1")


def another_version(path: Path) -> None:
    pack(path, "shop-contact", "2.3.2")


def outside(path: Path) -> None:
    pack(path, "shop-contact", "2.3.1", extra="shop-contact/../../../escaped.php")


def absolute(path: Path) -> None:
    pack(path, "shop-contact", "2.3.1", extra="/tmp/palier-escaped.php")  # noqa: S108


def link(path: Path) -> None:
    pack(path, "shop-contact", "2.3.1")
    entry = zipfile.ZipInfo("shop-contact/passwords")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")


def cut_short(path: Path) -> None:
    pack(path, "shop-contact", "2.3.1")
    path.write_bytes(path.read_bytes()[:-30])


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (missing, "does not exist"),
    "another name": (another_name, "shop-other"),
    "another version": (another_version, "holds version 2.3.2"),
    "a path outside": (outside, "escaped.php"),
    "an absolute path": (absolute, "escaped.php"),
    "a link": (link, "is a link"),
    "cut short": (cut_short, "not a zip file"),
}


def update(approved: ReleaseWorld, module: str, to: str, package: Path, sha256: str) -> str:
    playbook = Path(approved.playbook("refused.yml"))
    playbook.write_text(PLAYBOOK.format(module=module, to=to, package=package.name, sha256=sha256))
    return str(playbook)


@pytest.fixture
def staging_code(approved: ReleaseWorld) -> dict[str, str]:
    return hashes(approved.world.staging.root)


@pytest.mark.parametrize("how", REFUSED)
def test_a_package_that_is_not_right_is_refused(approved: ReleaseWorld, staging_code: dict[str, str], how: str) -> None:
    make, sentence = REFUSED[how]
    package = approved.world.packages / "refused.zip"
    make(package)
    pinned = hashlib.sha256(package.read_bytes() if package.exists() else b"").hexdigest()
    answer = approved.palier("update", SHOP, update(approved, "shop-contact", "2.3.1", package, pinned))
    assert answer.code == 5, answer.said
    assert answer.at_once, answer.err
    assert answer.verdict == "Production was not changed."
    assert sentence in answer.err
    approved.require_untouched()
    assert hashes(approved.world.staging.root) == staging_code
    assert not Path("/tmp/palier-escaped.php").exists()  # noqa: S108
    assert "Nobody holds" in approved.palier("lock", "status", SHOP).out


def test_a_package_with_another_hash_is_refused(approved: ReleaseWorld, staging_code: dict[str, str]) -> None:
    package = approved.world.packages / "shop-contact-2.3.1.zip"
    pinned = hashlib.sha256(package.read_bytes()).hexdigest()
    package.write_bytes(package.read_bytes().replace(b"contact.php", b"contact.phq"))
    answer = approved.palier("update", SHOP, update(approved, "shop-contact", "2.3.1", package, pinned))
    assert answer.code == 5, answer.said
    assert answer.at_once, answer.err
    assert pinned[:12] in answer.err
    approved.require_untouched()
    assert hashes(approved.world.staging.root) == staging_code


def test_a_module_that_is_not_installed_is_refused_with_those_that_are(
    approved: ReleaseWorld, staging_code: dict[str, str]
) -> None:
    package = approved.world.packages / "refused.zip"
    pack(package, "shop-gifts", "1.0.0")
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    answer = approved.palier("update", SHOP, update(approved, "shop-gifts", "1.0.0", package, digest))
    assert answer.code == 5, answer.said
    assert answer.at_once, answer.err
    assert "shop-gifts is not installed on production" in answer.err
    assert "shop-loyalty" in answer.err
    approved.require_untouched()
    assert hashes(approved.world.staging.root) == staging_code


def test_a_module_that_is_there_already_is_refused(approved: ReleaseWorld) -> None:
    package = approved.world.packages / "refused.zip"
    pack(package, "shop-contact", "2.3.0")
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    answer = approved.palier("update", SHOP, update(approved, "shop-contact", "2.3.0", package, digest))
    assert answer.code == 5, answer.said
    assert "already at version 2.3.0" in answer.err
    approved.require_untouched()


def test_the_tested_package_that_vanished_from_the_store_stops_the_promotion(approved: ReleaseWorld) -> None:
    for kept in (approved.world.folder / ".palier" / SHOP / "packages").glob("*.zip"):
        kept.unlink()
    answer = approved.palier("promote", SHOP)
    assert answer.code == 5, answer.said
    assert "no longer there" in answer.err
    assert answer.verdict.startswith("Production was not changed")
    approved.require_untouched()


def test_the_tested_package_that_was_exchanged_in_the_store_stops_the_promotion(approved: ReleaseWorld) -> None:
    for kept in (approved.world.folder / ".palier" / SHOP / "packages").glob("*.zip"):
        kept.write_bytes(kept.read_bytes() + b"\0")
    answer = approved.palier("promote", SHOP)
    assert answer.code == 5, answer.said
    assert answer.verdict.startswith("Production was not changed")
    approved.require_untouched()
