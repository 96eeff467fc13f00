"""Real servers for the integration tests: private ones of this test process, on free loopback ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.mariadb import MariaDB
from pipeline.demo.sshd import Sshd
from pipeline.demo.world import World

WORLDS = {"world", "pristine_world"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Everything here needs real servers; ``-m "not world"`` leaves out what needs the whole world."""
    item.add_marker("integration")
    if WORLDS & set(getattr(item, "fixturenames", ())):
        item.add_marker("world")


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A private MariaDB; each test makes schemas and accounts of its own in it."""
    server = MariaDB(tmp_path_factory.mktemp("mariadb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A private SSH server into which the current user logs in by key."""
    server = Sshd(tmp_path_factory.mktemp("sshd"), "production")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole demo world, built once for each worker (7 s). Tests that change it want :func:`pristine_world`."""
    built = World(tmp_path_factory.mktemp("world"))
    try:
        built.start()
        built.remember()
        yield built
    finally:
        built.destroy()


@pytest.fixture
def pristine_world(world: World) -> World:
    """The world as it was built, whatever an earlier test did to it: production seeded, staging empty."""
    world.reset()
    return world


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder whose path has a space and an accent in it: every quoting mistake shows."""
    folder = tmp_path / "dossier à part"
    folder.mkdir()
    return folder
