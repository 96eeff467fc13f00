"""The script that production's server is given, as text."""

from __future__ import annotations

import pytest

from pipeline.database.mask_expressions import Field
from pipeline.database.transcript import Source, printed
from pipeline.database.transcript_values import value
from pipeline.remote.command import Secret, command

SALT = Secret("5a17c0ffee")
ORDERS = Source("wp_orders", (Field("id", "int"), Field("email", "varchar", 100, unique=True)))


def text(*tables: Source) -> str:
    parts = printed(tables, {"wp_orders": {"email": "email"}}, salt=SALT, chunk=1000)
    return "".join(part.reveal() if isinstance(part, Secret) else part for part in parts)


def test_the_salt_is_fed_and_never_a_word_of_the_command() -> None:
    wanted = command("mariadb", "shop").fed(*printed([ORDERS], {}, salt=SALT, chunk=1000))
    assert SALT.reveal() not in wanted.shell() + str(wanted)
    assert SALT.reveal().encode() in (wanted.input() or b"")


def test_production_is_read_in_one_transaction_that_cannot_write() -> None:
    script = text(ORDERS, Source("wp_lines", (Field("id", "int"),)))
    assert script.count("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;") == 1
    assert script.index("START TRANSACTION") < script.index("FROM `wp_orders`") < script.index("FROM `wp_lines`")
    statements = [line for line in script.split("\n") if line and not line.startswith("/*")]
    assert {line.split()[0] for line in statements} == {"SET", "SELECT", "START", "COMMIT;", "SAVEPOINT", "ROLLBACK"}
    assert script.count("ROLLBACK TO SAVEPOINT") == script.count("\nSAVEPOINT") == 2, "no table is held to the end"


def test_unique_keys_are_checked_so_that_masked_values_cannot_collide_unnoticed() -> None:
    assert "unique_checks=1" in text(ORDERS)
    assert "unique_checks=0" not in text(ORDERS)


def test_a_table_without_transactions_is_not_counted_a_second_time() -> None:
    assert "COUNT(*)" in text(ORDERS)
    assert "COUNT(*)" not in text(Source("wp_orders", ORDERS.fields, transactional=False))


@pytest.mark.parametrize("hostile", ["a`; DROP TABLE x; --", "it's", 'a"b', "back\\slash", "new\nline"])
def test_names_are_quoted_in_the_script_and_in_what_it_prints(hostile: str) -> None:
    script = text(Source(hostile, (Field(hostile, "int"),)))
    assert f"FROM `{hostile.replace('`', '``')}`;" in script
    assert script.count("SELECT") == script.count(";\nSELECT") + script.count("(SELECT")


@pytest.mark.parametrize(
    ("kind", "literal"),
    [
        ("int", "IFNULL(`c`,'NULL')"),
        ("float", "IFNULL(`c`+0e0,'NULL')"),
        ("bit", "IFNULL(CONCAT('0x',HEX(`c`)),'NULL')"),
        ("varchar", "QUOTE(CONVERT(`c` USING utf8mb4))"),
        ("datetime", "QUOTE(CONVERT(CAST(`c` AS CHAR) USING utf8mb4))"),
        ("uuid", "QUOTE(CONVERT(CAST(`c` AS CHAR) USING utf8mb4))"),
    ],
)
def test_each_type_has_its_literal(kind: str, literal: str) -> None:
    assert value(Field("c", kind), "`c`") == literal


def test_binary_values_travel_as_hexadecimal_digits() -> None:
    for kind in ("varbinary", "longblob", "point"):
        assert "HEX(`c`)" in value(Field("c", kind), "`c`")
