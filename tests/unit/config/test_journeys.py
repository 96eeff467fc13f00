"""What an inventory and a playbook may say about journeys: safe by default, and wrong words are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.config.inventory import Journeys
from pipeline.config.playbook import SUITES, Playbook
from pipeline.evidence.smoke import SUITES_FOLDER
from smoke_tests.pages.base import Visitor

UPDATE = {"module": "m", "to": "1.0", "package": "m.zip", "reason": {"kind": "feature", "text": "more"}}


def test_unless_told_otherwise_nothing_is_ordered_on_production() -> None:
    assert Playbook.model_validate({"shop": "s", "updates": [UPDATE]}).production_orders == "none"


def test_every_suite_that_can_be_named_is_there_and_every_one_that_is_there_can_be_named() -> None:
    assert {path.stem.removeprefix("test_") for path in SUITES_FOLDER.glob("test_*.py")} == set(SUITES)


@pytest.mark.parametrize(
    "said",
    [
        {"customer_email": "palier"},
        {"customer_email": "%@example.com"},
        {"mobile": ["loyalty"]},
        {"visitor": {"colour": "red"}},
        {"traces": {"gifts": {"order_id": "shop"}}},
        {"account": {"email": "a@b.example"}},
        {"account": {"email": "a@b.example", "password": "in clear"}},
    ],
)
def test_wrong_words_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Journeys.model_validate(said)


def test_a_visitor_s_data_are_those_that_journeys_type() -> None:
    told = Journeys.model_validate({"visitor": {"city": "Moulins"}}).visitor
    assert told.model_dump(exclude_none=True) == {"city": "Moulins"}
    fields = {field.name for field in dataclasses.fields(Visitor)}
    assert set(type(told).model_fields) == fields - {"email"}
