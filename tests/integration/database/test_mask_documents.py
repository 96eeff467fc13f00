"""Personal fields inside documents and beside keys, on a real server: overwritten, and everything else as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipeline.database.connection import Credentials, Database
from pipeline.database.mask_expressions import Field, mask
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def db(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    mariadb.create("documents", "documents", "pw")
    client = str(tmp_path_factory.mktemp("documents") / "c.cnf")
    with Database(
        LocalHost(), Credentials("documents", "documents", Secret("pw"), port=mariadb.port), client
    ).connected() as db:
        db.execute("SET @palier_salt='5a17'")
        db.execute("CREATE TABLE v (k VARCHAR(100), v LONGTEXT) CHARACTER SET utf8mb4")
        yield db
    mariadb.admin("DROP DATABASE documents")


def inside(db: Database, value: str) -> str:
    db.execute("DELETE FROM v")
    db.execute("INSERT INTO v VALUES ('k', %s)", (value,))
    return str(db.value(f"SELECT {mask('inside', Field('v', 'longtext'))} FROM v"))


def beside(db: Database, key: str, value: str) -> str:
    db.execute("DELETE FROM v")
    db.execute("INSERT INTO v VALUES (%s, %s)", (key, value))
    return str(db.value(f"SELECT {mask('keyed', Field('v', 'longtext', key='k', people='TRUE'))} FROM v"))


def test_the_personal_fields_of_serialised_php_are_overwritten_in_as_many_bytes(db: Database) -> None:
    told = 'a:3:{s:18:"billing_first_name";s:8:"Hélène";s:5:"phone";i:688000001;s:5:"title";s:8:"Bol bleu";}'
    kept = 'a:3:{s:18:"billing_first_name";s:8:"xxxxxxxx";s:5:"phone";i:111111111;s:5:"title";s:8:"Bol bleu";}'
    assert inside(db, told) == kept


@pytest.mark.parametrize("key", ["firstName", "billing_last_name", "your-name", "tel-1", "address_1", "ip", "birthday"])
def test_so_are_those_of_json_which_stays_json(db: Database, key: str) -> None:
    masked = json.loads(inside(db, json.dumps({"a": {key: "Jean d'Arc", "count": 3}, "title": "Bol bleu"})))
    assert masked == {"a": {key: "x" * 10, "count": 3}, "title": "Bol bleu"}


def test_json_within_a_text_is_masked_too(db: Database) -> None:
    assert inside(db, json.dumps(json.dumps({"phone": "0688"}))) == json.dumps(json.dumps({"phone": "xxxx"}))


@pytest.mark.parametrize(
    "value",
    [
        '{"name":"Bol bleu","zipped":"yes","telegram_theme":"dark"}',
        'a:1:{s:8:"headline";s:7:"Bonjour";}',
        '<a href="https://shop.example" title="Phone: ask us">x</a>',
        '{"phone":"","city":null}',
    ],
)
def test_what_speaks_of_nobody_stays(db: Database, value: str) -> None:
    assert inside(db, value) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [("Gravure", "À Hélène"), ("_stripe_source_name", "camille"), ("acme", "0688000001"), ("gift_message", "Pour toi")],
)
def test_in_a_table_of_people_what_no_key_says_to_be_the_shops_is_masked(db: Database, key: str, value: str) -> None:
    assert beside(db, key, value).startswith("Masked ")


def test_an_address_there_has_the_mask_that_joins_with_others(db: Database) -> None:
    assert beside(db, "acme_contact", "camille@courriel.example") == inside(db, "camille@courriel.example")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("_product_id", "1234567"),
        ("_order_number", "F-2026-77"),
        ("pa_colour", "bleu"),
        ("wp_capabilities", 'a:1:{s:8:"customer";b:1;}'),
        ("billing_country", "FR"),
        ("_date_paid", "1732222222"),
        ("acme_count", "12"),
        ("acme_price", "12.50"),
        ("acme_flag", "yes"),
    ],
)
def test_what_speaks_of_the_shop_stays_there_too(db: Database, key: str, value: str) -> None:
    assert beside(db, key, value) == value
