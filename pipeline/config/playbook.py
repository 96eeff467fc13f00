"""The playbook: which modules go to which version, from which package, for which reason."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from pipeline.config.inventory import IDENTIFIER, Approvals, LocalPath, Model, Suite

SUITES: tuple[Suite, ...] = get_args(Suite)


def _quoted_version(value: object) -> object:
    if isinstance(value, (int, float)):
        message = f'write the version in quotes ("{value}"): YAML reads an unquoted 4.10 as the number 4.1'
        raise ValueError(message)  # noqa: TRY004  # Pydantic reports only ValueError
    return value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError(f'"{name}" is not a time zone; write one such as "Europe/Paris"') from None
    return name


Version = Annotated[str, BeforeValidator(_quoted_version), Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}$")]


def _written_time(value: object) -> object:
    if isinstance(value, (int, float)):
        raise ValueError('must be a time of day in quotes, for example "09:00"')  # noqa: TRY004  # as above
    return value


TimeOfDay = Annotated[dt.time, BeforeValidator(_written_time)]
"""A time of day as text: Pydantic would take the number 9 for nine seconds past midnight."""


class Reason(Model):
    """Why an update is worth its risk."""

    kind: Literal["security", "malfunction", "feature"] = Field(description="what the update mends or brings")
    text: str = Field(min_length=3, description="a few words for the people who approve")
    reference: str | None = Field(None, description="an advisory or a ticket")


class Update(Model):
    """One module taken to one version."""

    module: str = Field(pattern=IDENTIFIER, description="its name, which is also its folder's")
    to: Version = Field(description="the version to take it to, in quotes")
    package: LocalPath = Field(description="the zip, relative to the playbook")
    sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="the zip's hash; pinned on first sight when missing"
    )
    reason: Reason = Field(description="why the update is worth its risk")


class Budgets(Model):
    """Stated times, in seconds, and spaces."""

    staging_max_age: int = Field(86400, ge=0, description="an older clone is made anew before updating")
    evidence_max_age: int = Field(7 * 86400, ge=60, description="an older release is not promoted")
    drain: int = Field(
        10, ge=0, description="how long requests in flight are waited for; then the promotion is given up"
    )
    heartbeat: int = Field(20, ge=5, description="without a sign of life for so long, the guard on the host undoes")
    guard: int = Field(
        5, ge=0, description="for how long tables beyond the footprint may be copied behind the maintenance page"
    )
    smoke: int = Field(300, ge=10, description="a smoke run that takes longer has failed")
    upgrade: int = Field(300, ge=5, description="a module's own upgrade that takes longer has failed")


class Window(Model):
    """When promotions may begin."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        ("mon", "tue", "wed", "thu"), description="the days on which a promotion may begin"
    )
    start: TimeOfDay = Field(description='from this time of day on, for example "09:00"')
    end: TimeOfDay = Field(description="until this time of day")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field("Europe/Paris", description="the time zone of both")


class Playbook(Model):
    """One round of updates of one shop."""

    shop: str = Field(pattern=IDENTIFIER, description="the shop's name, as in its inventory")
    updates: tuple[Update, ...] = Field(min_length=1, description="the updates, in the order in which they are tried")
    suites: tuple[Suite, ...] = Field(SUITES, description="the smoke suites run on staging after each update")
    final_suites: tuple[Suite, ...] | None = Field(
        None, description="the smoke suites run on staging at the end, on everything kept; default: the same"
    )
    production_suites: tuple[Suite, ...] = Field(
        ("home", "search", "checkout"),
        description="the smoke suites run on production behind the maintenance page: each lengthens the downtime",
    )
    production_orders: Literal["none", "one"] = Field(
        "none",
        description="none: the suites leave no trace on production; one: they place one order there, which is then "
        "removed with everything that hangs on it, stock put back; the order's number stays used, and the merchant "
        "and modules hear of the order as of any other",
    )
    approvals: Approvals = Field(Approvals(), description="who must agree")
    budgets: Budgets = Field(Budgets(), description="stated times")
    snapshot: Literal["checked", "restored"] = Field(
        "checked",
        description="how the full snapshot before a promotion is proved: read from end to end, or also restored once",
    )
    window: Window | None = Field(None, description="when promotions may begin; default: at any time")
