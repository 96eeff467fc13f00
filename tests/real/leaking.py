"""A staging whose PHP delivers mail like production's: the leak test must refuse it, on every platform."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from pipeline.demo.world import World
from pipeline.events import silent
from pipeline.flows import clone
from pipeline.steps.site import Shop
from pipeline.steps.staging import LEAK_ADDRESS, StagingLeaks


def require_refused(world: World, opened: Callable[[], AbstractContextManager[Shop]], by: str) -> None:
    """A clone fails at its leak test, and no mail has left."""
    world.reset()
    world.leaky = True
    world.apache.stop()
    world.start()
    try:
        with opened() as shop, pytest.raises(StagingLeaks, match=r"mail\(\) delivers"):
            clone.run(shop, by=by, emit=silent)
        assert world.mail.messages(LEAK_ADDRESS) == []
    finally:
        world.leaky = False
