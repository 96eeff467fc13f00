"""The smoke suites: plain pytest and Playwright, runnable alone against any URL, extended by a team's own files."""
