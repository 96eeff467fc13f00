"""The same tree is seen here and on a host, whatever its files are called."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.code.drift import drift, printable
from pipeline.code.tree import Exclusion, Tree, as_exclusions, difference, files_command, local, on_host
from pipeline.errors import PalierError
from pipeline.remote.host import CommandFailed
from pipeline.remote.local import LocalHost

ODD = [
    "a b.php", " lead", "trail ", "new\nline.php", "back\\slash.php", "-dash.php", "'quote'.php", '"double".php',
    "tab\t.php", "été.php", "e\u0301.php", "*star?.php", "[set].php", "$(touch evil).php", "a;b.php",
    "\\x41.php", ".hidden",
]  # fmt: skip
"""Names that break a listing by lines, a shell's words or sha256sum's own escaping."""


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    shop = tmp_path / "shop"
    (shop / "a\nb" / "c d").mkdir(parents=True)
    (shop / "empty").mkdir()
    for name in ODD:
        (shop / name).write_text(name)
        (shop / "a\nb" / "c d" / name).write_text(name * 2)
    Path(os.fsdecode(os.fsencode(shop) + b"/caf\xe9.php")).write_bytes(b"latin-1")
    (shop / "link").symlink_to("./.hidden")
    (shop / "dangling\nlink").symlink_to("no\\where\n")
    (shop / "folder-link").symlink_to("a\nb")
    return shop


def test_a_tree_on_a_host_is_the_tree_seen_here(odd: Path) -> None:
    here = local(odd)
    assert on_host(LocalHost(), str(odd)) == here
    assert here.entries["new\nline.php"] == hashlib.sha256(b"new\nline.php").hexdigest()
    assert len(here) == 2 * len(ODD) + 4


def test_links_are_told_with_their_target_and_not_followed(odd: Path) -> None:
    entries = on_host(LocalHost(), str(odd)).entries
    assert entries["link"] == "link:./.hidden"
    assert entries["dangling\nlink"] == "link:no\\where\n"
    assert entries["folder-link"] == "link:a\nb"
    assert not [path for path in entries if path.startswith("folder-link/")]


@pytest.mark.parametrize(
    "patterns",
    [
        ["*.php"],
        ["a\nb"],
        ["a\nb/*"],
        ["[set].php"],
        ["*star?.php"],
        ["back\\slash.php", "link"],
        ["*/c d"],
        ["[^/]*.php"],
        ["[^/]*star?.php", "a\nb/[^/]*/*quote*"],
        ["[^/]*'quote'.php", "[^/]*$(touch evil).php", "[^/]*\\slash.php"],
        [" *"],
        ["x"],
    ],
)
def test_patterns_leave_out_the_same_on_both_sides(odd: Path, patterns: list[str]) -> None:
    here = local(odd, patterns)
    assert on_host(LocalHost(), str(odd), patterns) == here
    assert here == local(odd).without(patterns)
    assert (len(here) < len(local(odd))) == (patterns != ["x"])


WORD = st.text("ab*[]?\\.- é\n", min_size=1, max_size=4).filter(lambda word: word not in (".", ".."))


@settings(max_examples=30, deadline=None)
@given(
    st.sets(st.lists(WORD, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5), st.lists(WORD, max_size=3)
)
def test_any_pattern_leaves_out_the_same_on_both_sides(paths: set[str], patterns: list[str]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="palier-tree-"))
    try:
        for path in sorted(paths):
            place = folder / path
            if not any(above.is_file() for above in place.parents) and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(path)
        assert on_host(LocalHost(), str(folder), patterns) == local(folder, patterns)
    finally:
        shutil.rmtree(folder)


def test_a_pattern_without_a_star_is_anchored_and_takes_a_folder_whole() -> None:
    excluded = Exclusion(("cache", "*.log"))
    assert excluded.covers("cache/a/b.php")
    assert not excluded.covers("inc/cache/b.php")
    assert excluded.covers("logs/php.log")
    assert not excluded.covers("cachet.php")


def test_a_star_of_one_name_does_not_reach_into_folders() -> None:
    excluded = Exclusion(as_exclusions(("/*.sql", "/a/**.sql", "*.log")))
    assert excluded.covers("dump.sql")
    assert not excluded.covers("modules/m/install.sql")
    assert excluded.covers("a/b/c.sql")
    assert excluded.covers("a/b.log")


@given(st.lists(WORD, min_size=1, max_size=4).map("/".join), st.lists(WORD, max_size=3))
def test_a_path_is_covered_when_it_or_a_folder_above_it_matches(path: str, patterns: list[str]) -> None:
    excluded, parts = Exclusion(tuple(patterns)), path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    assert excluded.covers(path) == any(map(excluded.matches, above))


def test_an_empty_folder_is_an_empty_tree_on_both_sides(tmp_path: Path) -> None:
    assert on_host(LocalHost(), str(tmp_path)) == local(tmp_path) == Tree()


def test_a_missing_folder_is_an_error_and_not_an_empty_tree(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed):
        on_host(LocalHost(), str(tmp_path / "none"))
    with pytest.raises(PalierError, match="cannot be read"):
        local(tmp_path / "none")


def test_a_folder_behind_a_link_is_read(tmp_path: Path, odd: Path) -> None:
    (tmp_path / "current").symlink_to(odd)
    assert on_host(LocalHost(), str(tmp_path / "current")) == local(tmp_path / "current") == local(odd)


def test_names_travel_with_nul_bytes_and_patterns_as_words() -> None:
    shown = str(files_command("/srv/shop", ["a b/*", "[x]"], "www-data"))
    assert "find . '(' -path './a b/*' -o -path './\\[x\\]' ')' -prune -o -type f -print0" in shown
    assert "sha256sum --zero" in shown
    assert shown.count("sudo -n -u www-data") == 2


PATHS = st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from(["1", "2"]), max_size=8)


@given(PATHS, PATHS)
def test_a_difference_leads_from_one_tree_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    found = difference(Tree(before), Tree(after))
    rebuilt = {path: entry for path, entry in before.items() if path not in found.removed}
    rebuilt |= {path: after[path] for path in (*found.added, *found.changed)}
    assert rebuilt == after
    assert bool(found) == (before != after)
    assert (Tree(before).digest == Tree(after).digest) == (before == after)
    assert len(found) == len({*found.added, *found.removed, *found.changed})


def test_the_part_below_a_folder_has_paths_of_its_own() -> None:
    whole = Tree({"mods/a/x.php": "1", "mods/ab/y.php": "2", "z.php": "3"})
    assert whole.under("mods/a") == Tree({"x.php": "1"})


def test_drift_names_each_file_once_and_counts_the_rest() -> None:
    expected = Tree({"a.php": "1", "b.php": "1", "c.php": "1"})
    actual = Tree({"a.php": "2", "c.php": "1", "d\n.php": "1"})
    assert drift(expected, actual) == ["changed: a.php", "missing: b.php", "added: d\\n.php"]
    assert drift(expected, actual, shown=1) == ["changed: a.php", "and 2 more"]
    assert drift(expected, expected) == []


def test_a_hostile_name_cannot_write_to_the_terminal() -> None:
    assert printable("\x1b[2Jé\u202e.php") == "\\x1b[2Jé\\u202e.php"
