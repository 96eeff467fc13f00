"""What all tests share. Each tier has its own fixtures beside it."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_configuration_of_this_machine() -> None:
    """Tests behave alike on every machine: no agent, no colour, no git or ssh settings of whoever runs them."""
    for name in ("SSH_AUTH_SOCK", "SSH_ASKPASS", "NO_COLOR", "FORCE_COLOR", "GIT_DIR", "GIT_WORK_TREE"):
        os.environ.pop(name, None)
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
    os.environ["GIT_CONFIG_SYSTEM"] = os.devnull
