"""A team's own file: its mistakes are told with line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.advisories import team
from pipeline.advisories.versions import Verdict
from pipeline.errors import ConfigError

GOOD = """\
advisories:
  - id: MP-SEC-2026-04
    module: shop-contact
    affected: "< 2.3.1"
    fixed: "2.3.1"
    title: A sender can add mail headers
    severity: high
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "advisories.yml"
    path.write_text(text, "utf-8")
    return path


def test_the_file_is_read(tmp_path: Path) -> None:
    (found,) = team.read(written(tmp_path, GOOD))
    assert found.identifier == "MP-SEC-2026-04"
    assert found.affected.fixed == ("2.3.1",)
    match = found.about("shop-contact", "2.3.0")
    assert match is not None
    assert match.verdict is Verdict.AFFECTED


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"< 2.3.1"', '"the old ones"', "advisories.yml:4:15: advisories[0].affected: is not a range"),
        ('"< 2.3.1"', "2.3", "4:15"),
        ('fixed: "2.3.1"', "fixed: 2.3", "put the version in quotes"),
        ("severity", "severty", 'did you mean "severity"'),
        ("    title: A sender can add mail headers\n", "", "title"),
    ],
)
def test_mistakes_are_told_where_they_are(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        team.read(written(tmp_path, GOOD.replace(old, new)))
    assert said in refused.value.what
