"""What the unit tests share: no servers, at most this machine's shell in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder whose path has a space and an accent in it: every quoting mistake shows."""
    folder = tmp_path / "dossier à part"
    folder.mkdir()
    return folder
