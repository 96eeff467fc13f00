"""What counts as an upgrade that went well, whatever the platform's command says."""

from __future__ import annotations

import pytest

from pipeline.platforms.platform import Installed
from pipeline.steps.modules import UpgradeFailed, refuse_what_was_switched_off


def test_a_module_that_its_upgrade_has_switched_off_has_failed_although_its_version_is_the_new_one() -> None:
    before = {"mugs": Installed("1.0", active=True), "posters": Installed("1.0", active=True)}
    after = {"mugs": Installed("2.0", active=False), "posters": Installed("2.0", active=True)}
    with pytest.raises(UpgradeFailed, match="mugs off"):
        refuse_what_was_switched_off(before, after)


def test_a_module_that_was_off_may_stay_off() -> None:
    off = {"mugs": Installed("1.0", active=False)}
    refuse_what_was_switched_off(off, {"mugs": Installed("2.0", active=False)})
    refuse_what_was_switched_off(off, {"mugs": Installed("2.0", active=True)})


def test_a_module_that_is_gone_is_told_by_its_version() -> None:
    refuse_what_was_switched_off({"mugs": Installed("1.0", active=True)}, {})
