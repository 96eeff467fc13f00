"""What SHOW GRANTS says, read."""

from __future__ import annotations

import pytest

from pipeline.database.privileges import NEEDED, parse

USAGE = "GRANT USAGE ON *.* TO `shop`@`%` IDENTIFIED BY PASSWORD '*AB'"
EIGHT = "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER ON `shop\\_db`.* TO `shop`@`%`"


def test_an_account_of_shared_hosting_has_its_eight_rights_and_no_more() -> None:
    held = parse([USAGE, EIGHT], "shop_db")
    assert held.missing() == ()
    assert held.missing(["TRIGGER", "LOCK TABLES", "CREATE VIEW"]) == ("TRIGGER", "LOCK TABLES", "CREATE VIEW")
    assert not held.schemas


@pytest.mark.parametrize(
    ("schema", "named"),
    [("shop_db", r"`shop\\_db`"), ("shop_db", "`shop_db`"), ("shop_db", "`shop%`"), ("a`b", "`a``b`")],
)
def test_a_grant_is_found_however_the_schema_is_written(schema: str, named: str) -> None:
    grant = f"GRANT ALL PRIVILEGES ON {named.replace(chr(92) * 2, chr(92))}.* TO `x`@`%`"
    assert parse([grant], schema).missing() == ()


@pytest.mark.parametrize("named", [r"`shopXdb`", r"`other`", r"`shop\_d`"])
def test_a_grant_on_another_schema_does_not_count(named: str) -> None:
    assert set(parse([f"GRANT ALL PRIVILEGES ON {named}.* TO `x`@`%`"], "shop_db").missing()) == set(NEEDED)


def test_rights_on_single_tables_and_columns_do_not_count_for_the_schema() -> None:
    held = parse([USAGE, "GRANT SELECT (a, b), INSERT ON `shop_db`.`orders` TO `x`@`%`"], "shop_db")
    assert set(held.missing()) == set(NEEDED)


def test_an_administrator_may_make_schemas() -> None:
    assert parse(["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], "x").schemas
    assert parse(["GRANT SELECT, CREATE ON *.* TO `a`@`%`"], "x").schemas
    assert not parse(["GRANT SELECT, RELOAD ON *.* TO `a`@`%`"], "x").schemas


def test_of_roles_nothing_is_said_to_be_missing() -> None:
    held = parse([USAGE, "GRANT `shop_owner` TO `shop`@`%`"], "shop_db")
    assert not held.certain
    assert held.missing() == ()
