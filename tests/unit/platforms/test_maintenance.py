"""The maintenance page's rule, and the shell text that takes it away again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.platforms import maintenance
from pipeline.remote.command import Secret
from pipeline.steps.maintenance import KEEP_RULES, as_before

TOKEN = Secret("tok-en_1")
RULES = st.text(alphabet=st.characters(blacklist_characters="\r", codec="utf-8")).filter(
    lambda text: maintenance.BEGIN not in text
)


@given(RULES)
def test_opening_gives_back_exactly_what_was_there(rules: str) -> None:
    closed = maintenance.closed(rules, TOKEN, retry_after=60)
    assert maintenance.is_closed(closed)
    assert maintenance.opened(closed) == rules


@given(RULES)
def test_closing_twice_is_closing_once(rules: str) -> None:
    once = maintenance.closed(rules, TOKEN, retry_after=60)
    assert maintenance.closed(once, TOKEN, retry_after=60) == once


def test_the_page_speaks_french_and_english_and_escapes_the_brand() -> None:
    page = maintenance.page("Chez <b>Zoé</b> & Cie", "04 70 00 00 00")
    assert 'lang="fr"' in page
    assert 'lang="en"' in page
    assert "Chez &lt;b&gt;Zoé&lt;/b&gt; &amp; Cie" in page
    assert page.count("04 70 00 00 00") == 2
    assert maintenance.MARK in page


def test_without_a_contact_nobody_is_invited_to_ask() -> None:
    assert "question" not in maintenance.page("Zoé", "")


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """A document root and a run's folder."""
    root, run = tmp_path / "www with space", tmp_path / "run"
    root.mkdir()
    run.mkdir()
    return root, run


def sh(text: str, run: Path) -> None:
    subprocess.run(["sh", "-eu", "-c", text], cwd=run, check=True, capture_output=True)


def closed_shop(root: Path, run: Path, rules: str | None) -> None:
    """What the step that closes the shop leaves, done by hand."""
    if rules is None:
        (run / "htaccess.absent").touch()
    else:
        (run / "htaccess.before").write_text(rules)
    (run / "htaccess.block").write_text(maintenance.block(TOKEN, retry_after=60))
    (run / "maintenance.html").write_text("page")
    (root / ".htaccess").write_text(maintenance.closed(rules or "", TOKEN, retry_after=60))
    (root / maintenance.PAGE).write_text("page")


def test_behind_the_page_the_rules_become_what_they_were(place: tuple[Path, Path]) -> None:
    root, run = place
    closed_shop(root, run, "RewriteEngine On\n# ours\n")
    with (root / ".htaccess").open("a") as rules:
        rules.write("# written by the update\n")
    for _ in range(2):
        sh(maintenance.reopen_fragment(str(root)), run)
        assert (root / ".htaccess").read_text() == "RewriteEngine On\n# ours\n"
        assert not (root / maintenance.PAGE).exists()


def test_a_shop_without_rules_has_none_again(place: tuple[Path, Path]) -> None:
    root, run = place
    closed_shop(root, run, None)
    sh(maintenance.reopen_fragment(str(root)), run)
    assert list(root.iterdir()) == []


def test_a_page_that_was_never_put_up_is_taken_down_without_a_word(place: tuple[Path, Path]) -> None:
    root, run = place
    (root / ".htaccess").write_text("# ours\n")
    sh(maintenance.reopen_fragment(str(root)), run)
    assert (root / ".htaccess").read_text() == "# ours\n"


def test_after_reopening_what_the_merchant_wrote_into_the_rules_stays(place: tuple[Path, Path]) -> None:
    root, run = place
    closed_shop(root, run, "# before\n")
    (run / "opened").touch()
    (root / ".htaccess").write_text("# the merchant's\n")
    sh(maintenance.close_fragment(str(root), drain=":\n"), run)
    shut = (root / ".htaccess").read_text()
    assert shut.startswith(maintenance.BEGIN)
    assert (root / maintenance.PAGE).read_text() == "page"
    sh(maintenance.close_fragment(str(root), drain=":\n"), run)
    assert (root / ".htaccess").read_text() == shut
    sh(maintenance.reopen_fragment(str(root)), run)
    assert (root / ".htaccess").read_text() == "# the merchant's\n"


def test_a_shop_that_was_never_opened_is_not_closed_by_the_undo_of_opening(place: tuple[Path, Path]) -> None:
    root, run = place
    (root / ".htaccess").write_text("# ours\n")
    sh(maintenance.close_fragment(str(root), drain="exit 1\n"), run)
    assert (root / ".htaccess").read_text() == "# ours\n"


def test_the_mode_of_the_rules_is_kept(place: tuple[Path, Path]) -> None:
    root, run = place
    closed_shop(root, run, "# ours\n")
    (root / ".htaccess").chmod(0o640)
    sh(maintenance.reopen_fragment(str(root)), run)
    assert (root / ".htaccess").stat().st_mode & 0o777 == 0o640


def test_nobody_meets_the_newer_code_that_php_still_remembers(place: tuple[Path, Path]) -> None:
    root, run = place
    closed_shop(root, run, "# ours\n")
    switched = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout
    (run / "code-switched-back").write_text(switched)
    sh(maintenance.reopen_fragment(str(root)), run)
    now = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout
    assert int(now) - int(switched) > 2


def test_the_rule_does_not_tell_the_testers_cookie() -> None:
    """Apache reads it as another user, so others on the host may too."""
    token = Secret("testersonly")
    assert token.reveal() not in maintenance.block(token, retry_after=60)


@pytest.mark.parametrize(
    ("url", "folder"),
    [("https://a.example", "/"), ("https://a.example/shop", "/shop/"), ("https://a.example/a/b/", "/a/b/")],
)
def test_the_page_is_where_the_shop_is(url: str, folder: str) -> None:
    at = maintenance.folder_of(url)
    assert at == folder
    assert f"ErrorDocument 503 {folder}{maintenance.PAGE}\n" in maintenance.block(TOKEN, retry_after=60, at=at)


def full(path: Path) -> None:
    """Whatever is written to ``path`` finds the disk full."""
    path.symlink_to("/dev/full")


def in_the_way(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoilt", [full, in_the_way])
@pytest.mark.parametrize("opened", [True, False], ids=["opened", "behind the page"])
def test_rules_that_cannot_be_written_fail_the_undo_and_the_page_stays(
    place: tuple[Path, Path], opened: bool, spoilt: Callable[[Path], None]
) -> None:
    root, run = place
    closed_shop(root, run, "# ours\n")
    if opened:
        (run / "opened").touch()
    shut = (root / ".htaccess").read_text()
    spoilt(root / ".htaccess.palier")
    with pytest.raises(subprocess.CalledProcessError):
        sh(maintenance.reopen_fragment(str(root)), run)
    assert (root / ".htaccess").read_text() == shut
    assert (root / maintenance.PAGE).exists()


@pytest.mark.parametrize("spoilt", [full, in_the_way])
@pytest.mark.parametrize("name", [".htaccess.palier", f".{maintenance.PAGE}"])
def test_a_page_that_cannot_be_put_up_again_fails_the_undo_before_anything_is_taken_back(
    place: tuple[Path, Path], name: str, spoilt: Callable[[Path], None]
) -> None:
    root, run = place
    closed_shop(root, run, "# ours\n")
    (run / "opened").touch()
    (root / ".htaccess").write_text("# ours\n")
    spoilt(root / name)
    with pytest.raises(subprocess.CalledProcessError):
        sh(maintenance.close_fragment(str(root), drain=":\n"), run)
    assert (root / ".htaccess").read_text() == "# ours\n"


def test_a_page_without_its_rule_in_the_record_is_not_said_to_be_up(place: tuple[Path, Path]) -> None:
    root, run = place
    closed_shop(root, run, "# ours\n")
    (run / "opened").touch()
    (run / "htaccess.block").unlink()
    with pytest.raises(subprocess.CalledProcessError):
        sh(maintenance.close_fragment(str(root), drain=":\n"), run)


def test_rules_that_were_kept_by_half_are_not_taken_for_those_of_before(place: tuple[Path, Path]) -> None:
    """The machine stops in the middle of the copy: the undo then finds the rules that nobody touched yet."""
    root, run = place
    (root / ".htaccess").write_text("# ours\n# all of them\n")
    half = run / "bin" / "cp"
    half.parent.mkdir()
    half.write_text('#!/bin/sh\nfor target; do :; done\nprintf "# ours" > "$target"\nkill -KILL "$PPID"\n')
    half.chmod(0o755)
    words = ["sh", "-euc", KEEP_RULES, "palier", str(root / ".htaccess"), str(run)]
    environment = {**os.environ, "PATH": f"{half.parent}:{os.environ['PATH']}"}
    assert subprocess.run(words, env=environment, check=False).returncode == -9
    sh(maintenance.reopen_fragment(str(root)), run)
    assert (root / ".htaccess").read_text() == "# ours\n# all of them\n"


@pytest.mark.parametrize("rules", ["# ours\n", None])
def test_of_a_closing_that_was_cut_off_before_its_rules_were_in_place_nothing_stays(
    place: tuple[Path, Path], rules: str | None
) -> None:
    root, run = place
    closed_shop(root, run, rules)
    (root / ".htaccess").rename(root / ".htaccess.palier")
    if rules is not None:
        (root / ".htaccess").write_text(rules)
    sh(maintenance.reopen_fragment(str(root)), run)
    assert {path.name: path.read_text() for path in root.iterdir()} == ({".htaccess": rules} if rules else {})


def test_rules_are_kept_whole_with_their_mode(place: tuple[Path, Path]) -> None:
    root, run = place
    (root / ".htaccess").write_text("# ours\n")
    (root / ".htaccess").chmod(0o640)
    subprocess.run(["sh", "-euc", KEEP_RULES, "palier", str(root / ".htaccess"), str(run)], check=True)
    assert (run / "htaccess.before").read_text() == "# ours\n"
    assert (run / "htaccess.before").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in run.iterdir()] == ["htaccess.before"]


@pytest.mark.parametrize(
    ("before", "now", "is_open"),
    [
        (200, 200, True), (200, 302, False), (200, 403, False), (200, 401, False), (200, 500, False),
        (302, 302, True), (302, 200, True), (302, 404, False),
        (500, 500, True), (500, 200, True), (401, 401, True), (401, 403, False),
        (None, 200, True), (None, 301, True), (None, 403, False), (None, 503, False),
    ],
)  # fmt: skip
def test_a_shop_is_open_when_it_answers_as_it_did_before_it_was_closed(
    before: int | None, now: int, is_open: bool
) -> None:
    assert as_before(before, now) is is_open


@pytest.mark.parametrize(("busy", "said"), [("0", ""), ("2", "Still at work after 1 s")])
def test_a_rollback_after_the_opening_says_whom_it_did_not_wait_for_and_goes_on(busy: str, said: str) -> None:
    text = maintenance.drain_fragment(f"sh -c 'echo {busy}' client", 1)
    done = subprocess.run(["sh", "-euc", text], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(said)
    assert bool(done.stdout) is bool(said)
