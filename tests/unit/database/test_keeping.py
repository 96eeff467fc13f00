"""What the tables of a run are called."""

from __future__ import annotations

import pytest

from pipeline.database import keeping


def test_a_runs_label_tells_it_from_every_other() -> None:
    assert keeping.label("20261121T190102Z-promote-3f2a") == "20261121t190102z3f2a"
    assert keeping.kind("20261121t190102z3f2a") == "pre_20261121t190102z3f2a"


@pytest.mark.parametrize("label", ["", "a' OR 1", "_palier", "x" * 33])
def test_what_is_no_label_reaches_no_statement(label: str) -> None:
    with pytest.raises(ValueError, match="not a run's label"):
        keeping.give_up_fragment(label, "shop")
