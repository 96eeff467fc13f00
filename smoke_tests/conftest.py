"""Brings the fixtures to ``pytest smoke_tests``; a team's own folder gets them by ``-p smoke_tests.plugin``."""

pytest_plugins = ("smoke_tests.plugin",)
