"""Sources of advisories: what comes from afar is kept, refreshed, and used with a warning when it cannot be."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipeline.advisories.feeds import AdvisoriesUnavailable, Feeds
from pipeline.config.inventory import AdvisorySource, SecretReference
from pipeline.errors import ConfigError
from pipeline.events import Event, Note, silent
from pipeline.remote.download import Web
from tests.unit.advisories.test_friends_of_presta import post
from tests.unit.advisories.test_wordfence import feed


def web(handler: Callable[[httpx.Request], httpx.Response]) -> Web:
    return Web(lambda: httpx.Client(transport=httpx.MockTransport(handler)))


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=Palier", "-c", "user.email=palier@shop.example"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    (folder / "_posts").mkdir(parents=True)
    (folder / "_posts" / "2026-03-02-palierorders.md").write_text(post())
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "One")
    return folder


def test_posts_come_from_a_git_address_and_are_refreshed_once_they_are_old(tmp_path: Path, repository: Path) -> None:
    source = AdvisorySource(kind="friends-of-presta", at=f"file://{repository}")
    feeds = Feeds(tmp_path / "cache", silent)
    assert [each.identifier for each in feeds.read([source])] == ["CVE-2026-10001"]
    (repository / "_posts" / "2026-04-01-other.md").write_text(post(number=10002))
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Two")
    assert len(feeds.read([source])) == 1
    assert len(Feeds(tmp_path / "cache", silent, fresh=0).read([source])) == 2


def test_a_publisher_that_is_gone_leaves_what_was_fetched_before(tmp_path: Path, repository: Path) -> None:
    source = AdvisorySource(kind="friends-of-presta", at=f"file://{repository}")
    said: list[Event] = []
    Feeds(tmp_path / "cache", said.append).read([source])
    repository.rename(tmp_path / "moved")
    assert len(Feeds(tmp_path / "cache", said.append, fresh=0).read([source])) == 1
    assert isinstance(said[-1], Note)
    assert "days ago" in said[-1].text


def test_a_publisher_that_was_never_reached_stops_the_plan(tmp_path: Path) -> None:
    source = AdvisorySource(kind="friends-of-presta", at=f"file://{tmp_path}/nothing")
    with pytest.raises(AdvisoriesUnavailable, match="cannot be read"):
        Feeds(tmp_path / "cache", silent).read([source])
    assert not list((tmp_path / "cache").glob("*"))


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_posts_is_a_mistake(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    source = AdvisorySource(kind="friends-of-presta", at=str(tmp_path / name))
    with pytest.raises(ConfigError):
        Feeds(tmp_path / "cache", silent).read([source])


def test_wordfence_is_asked_with_the_key_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDFENCE_KEY", "the-key")
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["authorization"])
        return httpx.Response(200, text=feed())

    source = AdvisorySource(
        kind="wordfence",
        at="https://feed.example/v3",
        key=SecretReference(env="WORDFENCE_KEY", file=None, command=None),
    )
    feeds = Feeds(tmp_path / "cache", silent, web(answer))
    assert len(feeds.read([source])) == len(feeds.read([source])) == 1
    assert asked == ["Bearer the-key"]
    (kept,) = (tmp_path / "cache").glob("*.json")
    os.utime(kept, (time.time() - 90_000, time.time() - 90_000))
    feeds.read([source])
    assert len(asked) == 2


def test_a_refused_key_is_said(tmp_path: Path) -> None:
    source = AdvisorySource(kind="wordfence", at="https://feed.example/v3", key=None)
    feeds = Feeds(tmp_path / "cache", silent, web(lambda _: httpx.Response(401)))
    with pytest.raises(AdvisoriesUnavailable) as refused:
        feeds.read([source])
    assert "wants a key" in refused.value.why


def test_a_feed_in_a_file_needs_no_web(tmp_path: Path) -> None:
    (tmp_path / "feed.json").write_text(feed())
    source = AdvisorySource(kind="wordfence", at=str(tmp_path / "feed.json"), key=None)
    assert len(Feeds(tmp_path / "cache", silent).read([source])) == 1
