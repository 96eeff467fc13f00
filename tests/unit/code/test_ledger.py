"""What is recorded is what lay there, whatever git, the shop or this machine are set up to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code import tree
from pipeline.code.ledger import NEVER, Ledger, LedgerError


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "palier" / "ledger") as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "wp-content" / "plugins" / "shop-contact").mkdir(parents=True)
    (folder / "wp-content" / "uploads" / "2026").mkdir(parents=True)
    (folder / "index.php").write_text("<?php\n")
    (folder / "wp-config.php").write_text("<?php define('DB_PASSWORD', 'secret');")
    (folder / "wp-content" / "plugins" / "shop-contact" / "shop-contact.php").write_text("<?php // 2.3.0\n")
    (folder / "wp-content" / "uploads" / "2026" / "a.jpg").write_bytes(b"\xff\xd8")
    return folder


EXCLUDED = ("wp-content/uploads", "wp-config.php")
MODULE = "wp-content/plugins/shop-contact"


def git(ledger: Ledger, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(ledger.path), *words], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_new_ledger_has_no_commit(ledger: Ledger) -> None:
    assert ledger.head is None
    assert ledger.log() == []


def test_code_is_recorded_without_media_and_secrets(ledger: Ledger, shop: Path) -> None:
    commit = ledger.record(shop, "Production as found", {"Run": "20261121T190102Z-clone-0a1b"}, exclude=EXCLUDED)
    assert set(ledger.files(commit).entries) == {"index.php", f"{MODULE}/shop-contact.php"}
    assert ledger.files(commit) == tree.local(shop, (*EXCLUDED, *NEVER))
    assert ledger.head == commit
    assert "secret" not in git(ledger, "log", "-p", "--all")


def test_the_log_tells_who_what_and_when_newest_first(ledger: Ledger, shop: Path) -> None:
    first = ledger.record(shop, "Production as found", {"Run": "one"}, exclude=EXCLUDED)
    (shop / "index.php").write_text("<?php // 2\n")
    second = ledger.record(shop, "Update x\n\nWhy: it leaks", {"Run": "two", "Sha256": "a\nb"}, exclude=EXCLUDED)
    log = ledger.log()
    assert [(entry.commit, entry.subject) for entry in log] == [(second, "Update x"), (first, "Production as found")]
    assert log[0].trailers == {"Run": "two", "Sha256": "a b"}
    assert abs(log[0].when.timestamp() - time.time()) < 60
    assert git(ledger, "log", "-1", "--format=%an <%ae> %cn <%ce>").strip() == " ".join(
        ["Palier <palier@localhost>"] * 2
    )


def test_a_file_that_went_is_not_in_the_next_record(ledger: Ledger, shop: Path) -> None:
    ledger.record(shop, "one")
    (shop / "index.php").unlink()
    assert "index.php" not in ledger.files(ledger.record(shop, "two")).entries


def test_one_module_is_replaced_and_all_else_stays(ledger: Ledger, shop: Path, tmp_path: Path) -> None:
    base = ledger.record(shop, "found", exclude=EXCLUDED)
    new = tmp_path / "new"
    (new / "inc").mkdir(parents=True)
    (new / "inc" / "form.php").write_text("<?php // 2.3.1\n")
    commit = ledger.commit_module(MODULE, new, "shop-contact 2.3.0 to 2.3.1")
    assert ledger.files(commit).under(MODULE) == tree.local(new)
    found = tree.difference(ledger.files(base), ledger.files(commit))
    assert (found.added, found.removed, found.changed) == (
        (f"{MODULE}/inc/form.php",),
        (f"{MODULE}/shop-contact.php",),
        (),
    )


def test_a_module_is_added_and_removed(ledger: Ledger, shop: Path, tmp_path: Path) -> None:
    base = ledger.record(shop, "found")
    added = ledger.commit_module("wp-content/plugins/shop", shop / MODULE, "added")
    assert len(ledger.files(added)) == len(ledger.files(base)) + 1
    assert ledger.files(ledger.commit_module("wp-content/plugins/shop", None, "removed")) == ledger.files(base)


def test_a_module_whose_name_begins_like_another_leaves_that_alone(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("shop", "shop-contact"):
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "a.php").write_text(name)
    ledger.record(tmp_path / "site", "found")
    assert set(ledger.files(ledger.commit_module("shop", None, "gone")).entries) == {"shop-contact/a.php"}


@pytest.mark.parametrize("path", ["", "/etc", "a/../b", "a//b", "..", ".git/hooks", "a\0b", "a/"])
def test_a_path_that_is_no_modules_is_refused(ledger: Ledger, shop: Path, path: str) -> None:
    with pytest.raises(LedgerError, match="no path of a module"):
        ledger.commit_module(path, shop, "x")
    assert ledger.head is None


def test_a_reset_goes_back_and_keeps_what_it_left(ledger: Ledger, shop: Path) -> None:
    base = ledger.record(shop, "found")
    (shop / "index.php").write_text("<?php // broken\n")
    bad = ledger.record(shop, "bad update")
    ledger.reset(base)
    assert ledger.head == base
    assert [entry.commit for entry in ledger.log()] == [base]
    git(ledger, "gc", "--prune=now", "--quiet")
    assert "broken" in ledger.patch(bad)
    ledger.reset(base)
    (shop / "index.php").write_text("<?php // good\n")
    ledger.record(shop, "good update")
    assert git(ledger, "rev-list", "--count", "main").strip() == "2"


@pytest.mark.parametrize("commit", ["HEAD", "main", "--output=/tmp/x", "0" * 40, "", "main~1", "0" * 39 + "\n"])
def test_only_a_known_commit_is_gone_back_to(ledger: Ledger, shop: Path, commit: str) -> None:
    base = ledger.record(shop, "found")
    for ask in (ledger.reset, ledger.files, ledger.patch):
        with pytest.raises(LedgerError, match="has no commit"):
            ask(commit)
    assert ledger.head == base


def test_a_ledger_is_opened_again(ledger: Ledger, shop: Path) -> None:
    commit = ledger.record(shop, "found", {"Run": "one"})
    with Ledger(ledger.path) as again:
        assert again.head == commit
        assert again.files(commit) == ledger.files(commit)
        assert again.record(shop, "found again") != commit


def test_a_folder_that_is_no_ledger_is_left_alone(tmp_path: Path, shop: Path) -> None:
    before = tree.local(shop)
    with pytest.raises(LedgerError, match="is no ledger"):
        Ledger(shop)
    assert tree.local(shop) == before


def test_git_finds_nothing_wrong_with_it(ledger: Ledger, shop: Path) -> None:
    ledger.record(shop, "found")
    ledger.commit_module(MODULE, None, "gone")
    assert not git(ledger, "fsck", "--strict").strip()


HOSTILE = {
    ".gitattributes": b"* text=auto eol=crlf\n*.php filter=evil ident -diff\n*.bin working-tree-encoding=UTF-16\n",
    ".gitignore": b"*\n",
    "inc/.gitattributes": b"* binary\n",
    "inc/.gitignore": b"*.php\n",
    "crlf.php": b"<?php\r\n// $Id: abc$\r\n",
    "lf.php": b"<?php\n// $Id$\n",
    "mixed.txt": b"a\r\nb\nc\r",
    "utf16.bin": "text".encode("utf-16"),
    "inc/hidden.php": b"<?php\n",
    "vendor/lib/.git/HEAD": b"ref: refs/heads/main\n",
    "vendor/lib/.git/config": b"[core]\n\tbare = false\n",
    "vendor/lib/lib.php": b"<?php\n",
    "vendor/sub/.git": b"gitdir: /etc\n",
    "vendor/sub/sub.php": b"<?php\n",
    ".git/hooks/post-commit": b"#!/bin/sh\ntouch /tmp/palier-evil\n",
    ".gitmodules": b'[submodule "x"]\n\tpath = vendor\n\turl = ext::sh -c evil\n',
}


def hostile(tmp_path: Path) -> Path:
    for path, content in HOSTILE.items():
        place = tmp_path / "hostile" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return tmp_path / "hostile"


def test_git_files_of_the_shop_do_not_change_what_is_recorded(ledger: Ledger, tmp_path: Path) -> None:
    shop = hostile(tmp_path)
    commit = ledger.record(shop, "found")
    assert ledger.files(commit) == tree.local(shop, NEVER)
    assert set(ledger.files(commit).entries) == {path for path in HOSTILE if ".git" not in path.split("/")}


def test_attributes_of_the_shop_do_not_hide_a_change_from_the_reviewer(ledger: Ledger, tmp_path: Path) -> None:
    shop = hostile(tmp_path)
    ledger.record(shop, "found")
    (shop / "lf.php").write_bytes(b"<?php\nsteal();\n")
    (shop / "inc" / "hidden.php").write_bytes(b"<?php\nhide();\n")
    shown = ledger.patch(ledger.record(shop, "changed"))
    assert "+steal();" in shown
    assert "+hide();" in shown


def test_settings_hooks_and_filters_of_this_machine_have_no_say(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    hooks = home / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("pre-commit", "post-commit", "reference-transaction", "commit-msg", "prepare-commit-msg"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {home}/ran-{name}\nexit 1\n")
        (hooks / name).chmod(0o755)
    (home / "attributes").write_text("* filter=evil text eol=crlf\n")
    (home / ".gitconfig").write_text(
        f"[core]\n\tautocrlf = true\n\thooksPath = {hooks}\n\tattributesFile = {home}/attributes\n"
        f"[init]\n\ttemplateDir = {home}/template\n\tdefaultBranch = trunk\n"
        "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /bin/false\n[user]\n\tname = Eve\n\temail = eve@example.com\n"
        f'[filter "evil"]\n\tclean = touch {home}/ran-filter; tr a-z A-Z\n\trequired = true\n'
        "[i18n]\n\tcommitEncoding = ISO-8859-1\n[safe]\n\tbareRepository = explicit\n[diff]\n\texternal = /bin/false\n"
    )
    monkeypatch.setenv("HOME", str(home))
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.delenv(name)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(home / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Eve")
    with Ledger(tmp_path / "ledger") as ledger:
        (shop / "crlf.php").write_bytes(b"<?php\r\n")
        commit = ledger.record(shop, "Mise à jour", exclude=EXCLUDED)
        assert ledger.files(commit) == tree.local(shop, EXCLUDED)
        assert "+<?php" in ledger.patch(commit)
        ledger.reset(commit)
        assert ledger.log()[0].subject == "Mise à jour"
        raw = (ledger.path / "refs" / "heads" / "main").read_text().strip()
        assert raw == commit
        assert not (ledger.path / "hooks").exists()
    assert not list(home.glob("ran-*"))
    assert not (home / "elsewhere").exists()


def test_only_the_executable_bit_of_a_mode_is_kept(ledger: Ledger, tmp_path: Path) -> None:
    for name, mode in {"a": 0o600, "b": 0o666, "c": 0o755, "d": 0o700, "e": 0o4755}.items():
        (tmp_path / "site").mkdir(exist_ok=True)
        (tmp_path / "site" / name).write_text(name)
        (tmp_path / "site" / name).chmod(mode)
    commit = ledger.record(tmp_path / "site", "modes")
    listed = [line.split()[0] for line in git(ledger, "ls-tree", commit).splitlines()]
    assert listed == ["100644", "100644", "100755", "100755", "100755"]


def test_links_are_recorded_and_not_followed(ledger: Ledger, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "secret").write_text("secret")
    (site / "link.php").symlink_to("../secret")
    (site / "gone").symlink_to("./nowhere\n")
    (site / "folder").symlink_to("/etc")
    commit = ledger.record(site, "links")
    assert dict(ledger.files(commit).entries) == {
        "folder": "link:/etc", "gone": "link:./nowhere\n", "link.php": "link:../secret",
    }  # fmt: skip


@pytest.mark.parametrize("message", ["- a -", "from 123\nM 100644 inline x", "", "\0null", "\ud800", "é" * 3000])
def test_a_message_is_text_and_nothing_else(ledger: Ledger, shop: Path, message: str) -> None:
    commit = ledger.record(shop, message, {"Run": "M 100644 inline x"})
    assert ledger.files(commit) == tree.local(shop)


def test_a_trailer_that_is_none_is_refused_and_nothing_is_recorded(ledger: Ledger, shop: Path) -> None:
    with pytest.raises(LedgerError, match="no trailer"):
        ledger.record(shop, "x", {"bad key": "y"})
    assert ledger.head is None


def test_a_folder_that_cannot_be_read_leaves_the_ledger_as_it_was(ledger: Ledger, shop: Path, tmp_path: Path) -> None:
    base = ledger.record(shop, "found")
    with pytest.raises(LedgerError, match="cannot be written; it is as it was"):
        ledger.record(tmp_path / "none", "x")
    assert ledger.head == base
    assert ledger.record(shop, "again") == ledger.head


def test_a_ledger_that_cannot_be_written_says_so(ledger: Ledger, shop: Path) -> None:
    (ledger.path / "config").write_text("[core\nbroken")
    with pytest.raises(LedgerError, match="cannot be written"):
        ledger.record(shop, "x")


NAME = st.binary(min_size=1, max_size=8).filter(
    lambda raw: not {0, 47} & set(raw) and raw not in (b".", b"..", b".git")
)
SITES = st.dictionaries(st.lists(NAME, min_size=1, max_size=3).map(b"/".join), st.binary(max_size=200), max_size=6)


@settings(max_examples=40, deadline=None)
@given(SITES)
def test_any_tree_is_given_back_as_it_was(files: dict[bytes, bytes]) -> None:
    place = Path(tempfile.mkdtemp(prefix="palier-ledger-"))
    try:
        site = os.fsencode(place / "site")
        (place / "site").mkdir()
        for path, content in files.items():
            whole = Path(os.fsdecode(site + b"/" + path))
            if not any(above.is_file() for above in whole.parents) and not whole.exists():
                whole.parent.mkdir(parents=True, exist_ok=True)
                whole.write_bytes(content)
        with Ledger(place / "ledger") as ledger:
            assert ledger.files(ledger.record(place / "site", "found")) == tree.local(place / "site")
            moved = ledger.commit_module("a/b", place / "site", "moved")
            assert ledger.files(moved).under("a/b") == tree.local(place / "site")
    finally:
        shutil.rmtree(place)


def test_a_whole_shop_is_recorded_and_read_back_in_seconds(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(2000):
        folder = tmp_path / "site" / f"d{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.php").write_bytes(b"<?php // %d\n" % number * 100)
    began = time.monotonic()
    commit = ledger.record(tmp_path / "site", "found")
    assert len(ledger.files(commit)) == 2000
    assert time.monotonic() - began < 20
