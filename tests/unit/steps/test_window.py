"""When a promotion may begin."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.config.playbook import Window
from pipeline.errors import Refused
from pipeline.steps.checks import check_window

PARIS = Window(days=("mon", "tue"), start=dt.time(9), end=dt.time(16), timezone="Europe/Paris")
NIGHT = Window(days=("mon", "tue"), start=dt.time(22), end=dt.time(5), timezone="UTC")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("moment", ["2026-11-23T08:00", "2026-11-24T14:59"])
def test_inside_it_may_begin(moment: str) -> None:
    check_window(PARIS, at(moment))


@pytest.mark.parametrize("moment", ["2026-11-23T07:59", "2026-11-23T15:00", "2026-11-22T12:00", "2026-11-25T12:00"])
def test_outside_it_is_refused_in_the_windows_own_time(moment: str) -> None:
    with pytest.raises(Refused, match="Europe/Paris"):
        check_window(PARIS, at(moment))


def test_summer_time_is_the_zones_affair() -> None:
    check_window(PARIS, at("2026-06-22T07:30"))
    with pytest.raises(Refused):
        check_window(PARIS, at("2026-06-22T14:30"))


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    check_window(NIGHT, at("2026-11-24T23:00"))
    check_window(NIGHT, at("2026-11-25T04:59"))
    with pytest.raises(Refused):
        check_window(NIGHT, at("2026-11-23T04:00"))
    with pytest.raises(Refused):
        check_window(NIGHT, at("2026-11-24T12:00"))
