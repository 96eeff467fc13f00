"""What is planned, what waits, what cannot be decided: from a survey alone, without any host."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.advisories.advisory import Advisory, matches
from pipeline.advisories.ranges import parse_range
from pipeline.code.sources import Offer
from pipeline.errors import ConfigError
from pipeline.flows import plan
from pipeline.flows.modules import Row, Survey, last_changes, newer
from pipeline.flows.plan import Plan, decide

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def offer(version: str, *, days: int | None = 100, module: str = "contact") -> Offer:
    released = None if days is None else NOW - dt.timedelta(days=days)
    return Offer(module, version, version.encode().hex().ljust(64, "0"), Path(f"{version}.zip"), "zips", released, NOW)


def advisory(affected: str, *, identifier: str = "SEC-1") -> Advisory:
    return Advisory(identifier, "Anybody reads orders", frozenset({"contact"}), parse_range(affected), "the team")


def row(*offers: Offer, version: str = "1.0", advisories: tuple[Advisory, ...] = (), module: str = "contact") -> Row:
    return Row(module, version, None, active=True, newer=offers, advisories=matches(advisories, module, version))


def planned(*rows: Row, reasons: tuple[str, ...] = (), include: tuple[str, ...] = (), days: int = 7) -> Plan:
    return decide(Survey("shop", NOW, rows), plan.read_reasons(reasons), include, days=days)


def test_a_known_weakness_is_planned_with_its_advisory() -> None:
    (found,) = planned(row(offer("1.1"), advisories=(advisory("< 1.1"),))).planned
    assert (found.offer.version, found.kind, found.reference) == ("1.1", "security", "SEC-1")
    assert found.notes == ("SEC-1 affects contact 1.0: it says “< 1.1”",)


def test_a_security_fix_does_not_wait_and_takes_the_smallest_step() -> None:
    found = planned(row(offer("1.1", days=1), offer("2.0", days=0), advisories=(advisory("< 1.1"),)))
    assert [each.offer.version for each in found.planned] == ["1.1"]


def test_an_old_enough_release_is_preferred_to_the_newest() -> None:
    found = planned(row(offer("1.1"), offer("1.2"), offer("2.0", days=1), advisories=(advisory("< 1.1"),)))
    assert [each.offer.version for each in found.planned] == ["1.2"]


def test_a_package_that_is_affected_too_mends_nothing() -> None:
    found = planned(row(offer("1.1"), advisories=(advisory("<= 1.1"),)))
    assert not found.planned
    assert "no package at hand mends it" in found.unmended[0].why


def test_every_weakness_must_be_mended() -> None:
    two = (advisory("< 1.1"), advisory("< 1.2", identifier="SEC-2"))
    assert not planned(row(offer("1.1"), advisories=two)).planned
    (found,) = planned(row(offer("1.1"), offer("1.2"), advisories=two)).planned
    assert found.offer.version == "1.2"
    assert "(and 1 more)" in found.text


def test_whether_a_package_mends_it_may_be_undecided() -> None:
    found = planned(row(offer("1.1"), advisories=(advisory("<= 1.0.5 (1.2 fixed it)"),)))
    assert not found.planned
    assert "cannot decide whether 1.1 mends it" in found.undecided[0].why
    assert "“<= 1.0.5 (1.2 fixed it)”" in found.undecided[0].why


def test_an_advisory_that_cannot_be_decided_is_shown_with_its_text() -> None:
    found = planned(row(offer("1.1"), advisories=(advisory("some releases of spring"),)))
    assert "“some releases of spring”" in found.undecided[0].why
    assert not found.planned


def test_an_update_without_a_reason_is_not_now() -> None:
    found = planned(row(offer("1.1")))
    assert [each.why for each in found.later] == ["no reason is stated"]


def test_what_is_not_now_comes_with_the_command_that_includes_it() -> None:
    others = offer("2.0", module="search")
    found = planned(row(offer("1.1")), row(others, module="search"))
    again = "palier plan shop -o p.yml"
    assert f"{again} --include contact (also for search)" in plan.summary(found, again)
    told = plan.as_json(found, again)["not_now"]
    assert isinstance(told, list)
    assert [each["include"] for each in told] == [f"{again} --include contact", f"{again} --include search"]


def test_what_nothing_mends_comes_without_a_command() -> None:
    found = planned(row(advisories=(advisory("< 2.0"),)))
    assert "--include" not in plan.summary(found, "palier plan shop")


def test_the_list_of_modules_says_where_a_newer_package_is_at_hand() -> None:
    assert "1.1    100 d  zips" in Survey("shop", NOW, (row(offer("1.1")),)).text()


def test_a_module_without_a_newer_package_is_not_mentioned() -> None:
    assert planned(row()) == Plan()


def test_people_state_reasons() -> None:
    (found,) = planned(row(offer("1.1")), reasons=("contact=malfunction:the form: it loses files",)).planned
    assert (found.kind, found.text) == ("malfunction", "the form: it loses files")


def test_a_young_release_waits_unless_it_is_included() -> None:
    young = row(offer("1.1", days=2))
    waiting = planned(young, reasons=("contact=feature:gift cards",))
    assert waiting.later[0].why == "1.1 is 2 days old; releases wait for 7"
    assert planned(young, reasons=("contact=feature:gift cards",), include=("contact",)).planned
    assert planned(young, reasons=("contact=feature:gift cards",), days=2).planned


def test_a_release_without_a_date_counts_from_the_day_it_was_first_seen() -> None:
    assert planned(row(offer("1.1", days=None)), reasons=("contact=feature:gift cards",)).later


def test_a_reason_of_security_does_not_wait() -> None:
    assert planned(row(offer("1.1", days=0)), reasons=("contact=security:told by the vendor",)).planned


def test_patterns_include_what_has_a_newer_package() -> None:
    rows = (row(offer("1.1", module="stats-a"), module="stats-a"), row(module="stats-b"), row(offer("2"), module="x"))
    assert [each.row.module for each in planned(*rows, include=("stats-*",)).planned] == ["stats-a"]


def test_security_comes_first() -> None:
    rows = (row(offer("1.1", module="a"), module="a"), row(offer("1.1"), advisories=(advisory("< 1.1"),)))
    found = planned(*rows, reasons=("a=feature:gift cards",))
    assert [each.row.module for each in found.planned] == ["contact", "a"]


@pytest.mark.parametrize(
    "reason", ["contact", "contact=fun:gift cards", "contact=feature", "=feature:abc", "a=feature:  "]
)
def test_a_reason_in_another_form_is_refused(reason: str) -> None:
    with pytest.raises(ConfigError, match="is not one"):
        plan.read_reasons([reason])


@pytest.mark.parametrize("include", ["unknown", "contact"])
def test_what_cannot_be_included_is_said(include: str) -> None:
    with pytest.raises(ConfigError):
        planned(row(), include=(include,))


def test_only_newer_packages_of_the_module_count_and_the_first_source_wins() -> None:
    first, second = offer("1.10"), Offer("contact", "1.10", "f" * 64, Path("b.zip"), "other", None, NOW)
    offers = [offer("1.9"), first, second, offer("1.2"), offer("3.0", module="other")]
    assert newer(offers, "contact", "1.2") == (offer("1.9"), first)


def test_a_shop_without_a_ledger_has_no_last_changes_and_gets_none(tmp_path: Path) -> None:
    assert last_changes(tmp_path / "ledger") == {}
    assert not list(tmp_path.iterdir())
