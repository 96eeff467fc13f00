"""What staging's steps make of what commands say."""

from __future__ import annotations

import pytest

from pipeline.errors import PalierError
from pipeline.remote.command import command
from pipeline.steps.staging import changed


def test_the_last_word_of_a_rewriting_is_how_many_values_it_changed() -> None:
    assert changed(command("wp"), "Success: replaced\n12\n") == 12


@pytest.mark.parametrize("said", ["", " \n", "PHP Fatal error: Allowed memory size exhausted"])
def test_a_rewriting_that_says_no_number_is_told_as_a_sentence(said: str) -> None:
    with pytest.raises(PalierError, match="production was only read") as told:
        changed(command("wp", "search-replace"), said)
    assert "wp search-replace" in told.value.why
    assert (said.strip() or "nothing") in told.value.why
