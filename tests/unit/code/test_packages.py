"""A package must be the file, the module and the version that the playbook says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.code import tree
from pipeline.code.extract import PackageRefused
from pipeline.code.packages import Package, store, stored, verify
from pipeline.config.playbook import Reason, Update
from tests.unit.code.zips import ordinary

HEADER = b"<?php\n/**\n * Plugin Name: Shop contact\n * Version: 2.3.1\n * Requires PHP: 8.0\n */\n"
WORDPRESS = {"shop-contact.php": HEADER, "inc/form.php": b"<?php\n"}


def packed(tmp_path: Path, files: Mapping[str, bytes], *, top: str = "shop-contact") -> bytes:
    (tmp_path / "packages").mkdir(exist_ok=True)
    data = ordinary(files, top=top)
    (tmp_path / "packages" / "module.zip").write_bytes(data)
    return data


def update(*, to: str = "2.3.1", sha256: str | None = None, module: str = "shop-contact") -> Update:
    reason = Reason(kind="security", text="stored script in the form")
    return Update(module=module, to=to, package=Path("packages/module.zip"), sha256=sha256, reason=reason)


def verified(tmp_path: Path, wanted: Update | None = None) -> Package:
    return verify(wanted or update(), tmp_path / "playbook.yml")


def test_a_good_package_is_returned_with_its_tree(tmp_path: Path) -> None:
    data = packed(tmp_path, WORDPRESS)
    package = verified(tmp_path)
    assert (package.module, package.version, package.sha256) == (
        "shop-contact",
        "2.3.1",
        hashlib.sha256(data).hexdigest(),
    )
    assert package.tree.entries["inc/form.php"] == hashlib.sha256(b"<?php\n").hexdigest()


def test_a_hash_in_the_playbook_is_pinned_and_a_missing_one_is_told(tmp_path: Path) -> None:
    digest = hashlib.sha256(packed(tmp_path, WORDPRESS)).hexdigest()
    assert verified(tmp_path, update(sha256=digest)).pinned
    assert not verified(tmp_path).pinned


def test_a_missing_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match=r"of shop-contact is refused: .*module\.zip does not exist"):
        verified(tmp_path)


def test_a_package_with_another_hash_is_refused_with_both(tmp_path: Path) -> None:
    digest = hashlib.sha256(packed(tmp_path, WORDPRESS)).hexdigest()
    with pytest.raises(PackageRefused) as refused:
        verified(tmp_path, update(sha256="0" * 64))
    assert digest in refused.value.why
    assert "0" * 64 in refused.value.why


def test_a_package_of_another_module_is_refused(tmp_path: Path) -> None:
    packed(tmp_path, WORDPRESS, top="shop-invoice")
    with pytest.raises(PackageRefused, match="lies outside 'shop-contact'"):
        verified(tmp_path)


def test_a_package_of_another_version_is_refused(tmp_path: Path) -> None:
    packed(tmp_path, WORDPRESS)
    with pytest.raises(PackageRefused, match=r"holds version 2\.3\.1 of shop-contact; the playbook wants 2\.4\.0"):
        verified(tmp_path, update(to="2.4.0"))


def test_a_refusal_begins_with_production_and_ends_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused) as refused:
        verified(tmp_path)
    lines = str(refused.value).splitlines()
    assert lines[0] == "Production was not changed."
    assert lines[-1].startswith("Put the right package there")


VERSIONS = {
    "docblock": {"shop-contact.php": HEADER},
    "another main file": {"main.php": HEADER},
    "windows line ends": {"shop-contact.php": HEADER.replace(b"\n", b"\r\n")},
    "old mac line ends": {"shop-contact.php": HEADER.replace(b"\n", b"\r")},
    "hash comments": {"shop-contact.php": b"<?php\n# Plugin Name: Shop\n# Version: 2.3.1\n"},
    "one line": {"shop-contact.php": b"<?php /* Plugin Name: Shop\nVersion: 2.3.1 */ ?>\n"},
    "capitals": {"shop-contact.php": b"<?php\n/* plugin name: Shop\nVERSION:   2.3.1  \n*/"},
    "the main file against a helper": {"shop-contact.php": HEADER, "a.php": HEADER.replace(b"2.3.1", b"9.9.9")},
    "a readme with another version": {"shop-contact.php": HEADER, "readme.txt": b"Stable tag: 9.9\nVersion: 9.9\n"},
    "not UTF-8": {"shop-contact.php": HEADER.replace(b"Shop contact", b"Caf\xe9")},
    "prestashop": {"shop-contact.php": b"<?php\nclass A {\n  function b() {\n    $this->version = '2.3.1';\n  }\n}"},
    "prestashop in double quotes": {"shop-contact.php": b'<?php\n$this->version="2.3.1";'},
    "prestashop, commented out": {
        "shop-contact.php": b"<?php\n// $this->version = '1.0';\n * $this->version = '1.1';\n$this->version = '2.3.1';"
    },
    "prestashop by a constant": {
        "shop-contact.php": b"<?php\n$this->version = self::VERSION;",
        "config.xml": b"<module><version><![CDATA[2.3.1]]></version></module>",
    },
    "prestashop, stale config.xml": {
        "shop-contact.php": b"<?php\n$this->version = '2.3.1';",
        "config.xml": b"<module><version><![CDATA[1.0.0]]></version></module>",
    },
}


@pytest.mark.parametrize("files", VERSIONS.values(), ids=VERSIONS.keys())
def test_the_version_is_read_as_the_platform_reads_it(tmp_path: Path, files: Mapping[str, bytes]) -> None:
    packed(tmp_path, files)
    assert verified(tmp_path).version == "2.3.1"


UNDECIDED = {
    "none": ({"shop-contact.php": b"<?php echo 1;"}, "declares no version"),
    "no php": ({"readme.txt": b"Version: 2.3.1"}, "declares no version"),
    "a header without a version": ({"shop-contact.php": b"<?php\n/* Plugin Name: Shop */"}, "declares no version"),
    "a version in a folder": ({"inc/shop-contact.php": HEADER}, "declares no version"),
    "too far down": ({"shop-contact.php": b"<?php\n" + b" " * 9000 + HEADER}, "declares no version"),
    "two plugins": ({"a.php": HEADER, "b.php": HEADER.replace(b"2.3.1", b"9.9.9")}, "several versions: 2.3.1, 9.9.9"),
    "two assignments": (
        {"shop-contact.php": b"<?php\n$this->version = '2.3.1';\n$this->version = '2.3.0';"},
        "several versions: 2.3.0, 2.3.1",
    ),
}


@pytest.mark.parametrize(("files", "why"), UNDECIDED.values(), ids=UNDECIDED.keys())
def test_a_version_that_cannot_be_decided_is_refused(tmp_path: Path, files: Mapping[str, bytes], why: str) -> None:
    packed(tmp_path, files)
    with pytest.raises(PackageRefused, match=why):
        verified(tmp_path)


def test_a_stored_package_is_the_same_and_unpacks_to_its_tree(tmp_path: Path) -> None:
    package = verified(tmp_path) if packed(tmp_path, WORDPRESS) else None
    assert package is not None
    kept = store(package, tmp_path / "store")
    assert kept.path == tmp_path / "store" / f"{package.sha256}.zip"
    assert kept == store(kept, tmp_path / "store")
    archive = stored(tmp_path / "store", "shop-contact", package.sha256)
    assert archive.tree == package.tree
    assert tree.local(package.unpack(tmp_path / "new")) == package.tree


def test_a_stored_package_that_was_changed_is_refused_and_stored_anew(tmp_path: Path) -> None:
    packed(tmp_path, WORDPRESS)
    package = store(verified(tmp_path), tmp_path / "store")
    package.path.write_bytes(ordinary({"evil.php": b"<?php"}))
    with pytest.raises(PackageRefused, match="that was tested is no longer there"):
        stored(tmp_path / "store", "shop-contact", package.sha256)
    store(package, tmp_path / "store")
    assert stored(tmp_path / "store", "shop-contact", package.sha256).tree == package.tree


def test_a_package_missing_from_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageRefused, match="that was tested is no longer there"):
        stored(tmp_path, "shop-contact", "0" * 64)
