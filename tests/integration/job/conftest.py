"""The main job's tests: one approved release a worker, put back before each test that wants it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.demo.world import World
from tests.integration.job.release_world import ReleaseWorld


def pytest_itemcollected(item: pytest.Item) -> None:
    """All of it needs the whole world, and none of it is quick."""
    for mark in ("world", "slow"):
        item.add_marker(mark)
    item.add_marker(pytest.mark.timeout(2400))  # of which idle cores need a tenth


@pytest.fixture(scope="session")
def approved_once(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleaseWorld]:
    """Clone, two updates and an approval, made once for each worker."""
    world.reset()
    made = ReleaseWorld(world, tmp_path_factory.mktemp("saved") / "release")
    try:
        made.make()
        yield made
    finally:
        made.close()


@pytest.fixture
def approved(approved_once: ReleaseWorld) -> Iterator[ReleaseWorld]:
    """A shop whose release was tested and approved, and waits for its promotion."""
    approved_once.restore()
    yield approved_once
    approved_once.require_nothing_left_running()
