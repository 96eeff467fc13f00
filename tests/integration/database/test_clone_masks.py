# ruff: noqa: E501 - SQL is easier to read unbroken
"""What the masks do to values, on a real server: they fit, they are stable, they keep formats, they hide."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.database.connection import Credentials, Database
from pipeline.database.mask_expressions import Field, Kind, mask
from pipeline.demo.mariadb import MariaDB
from pipeline.remote.command import Secret
from pipeline.remote.local import LocalHost

pytestmark = pytest.mark.integration
KINDS: tuple[Kind, ...] = ("email", "name", "phone", "address", "text", "ip", "company", "secret")
VALUES = [
    "Jean.Dupont@example.fr",
    "a",
    "+33 6 12 34 56 78",
    "192.0.2.7",
    "2001:db8::7",
    "é😀",
    '{"a": 1}',
    "[1]",
    "a:1:{i:0;i:1;}",
    "12",
    "x" * 300,
]


@pytest.fixture(scope="module")
def db(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    mariadb.create("masks", "masks", "pw")
    place: Path = tmp_path_factory.mktemp("masks")
    database = Database(
        LocalHost(), Credentials("masks", "masks", Secret("pw"), port=mariadb.port), str(place / "c.cnf")
    )
    with database.connected() as connected:
        connected.execute("SET @palier_salt='5a17'")
        connected.execute("CREATE TABLE v (v LONGTEXT, k VARCHAR(50))")
        yield connected
    mariadb.admin("DROP DATABASE masks")


def masked(db: Database, kind: Kind, field: Field, *values: str | None) -> list[str | None]:
    db.execute("DELETE FROM v")
    for value in values:
        db.execute("INSERT INTO v VALUES (%s,NULL)", (value,))
    return [row[0] for row in db.rows(f"SELECT {mask(kind, field)} FROM v")]


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_mask_fits_its_column_hides_the_value_and_never_fails(db: Database, kind: Kind, unique: bool) -> None:
    for limit in [*range(1, 34), 64, 255, None]:
        values = [value[:limit] for value in VALUES]
        found = masked(db, kind, Field("v", "varchar", limit, unique=unique), *values)
        for value, result in zip(values, found, strict=True):
            assert result
            assert limit is None or len(result) <= limit
            assert result != value or len(value) < 4


@pytest.mark.parametrize("kind", [*KINDS, "inside"])
def test_nothing_stays_nothing(db: Database, kind: Kind) -> None:
    assert masked(db, kind, Field("v", "varchar", 100), None, "") == [None, ""]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_texts_have_equal_masks_in_every_column(db: Database, kind: Kind) -> None:
    one = masked(db, kind, Field("v", "varchar", 190, unique=kind not in {"ip", "text", "secret"}), "Some@Value.fr")
    assert one == masked(db, kind, Field("v", "longtext", None), "some@value.FR ")
    assert one != masked(db, kind, Field("v", "longtext", None), "other@value.fr")


@pytest.mark.parametrize(
    ("kind", "limit"),
    [("email", 28), ("email", 20), ("name", 100), ("phone", 20), ("secret", 12), ("text", 30), ("ip", 45)],
)
def test_different_values_of_a_unique_column_stay_different(db: Database, kind: Kind, limit: int) -> None:
    field = Field("v", "varchar", limit, unique=True)
    db.execute("DELETE FROM v")
    db.execute("INSERT INTO v SELECT CONCAT('v',seq),NULL FROM seq_1_to_3000")
    assert db.value(f"SELECT COUNT(DISTINCT {mask(kind, field)}) FROM v") == 3000


def test_spellings_stay_apart_only_where_a_unique_column_tells_them_apart(db: Database) -> None:
    for exact, different in ((True, 2), (False, 1)):
        field = Field("v", "varchar", 190, unique=True, exact=exact)
        assert len(set(masked(db, "email", field, "A@b.fr", "a@b.fr"))) == different


def test_addresses_of_both_families_stay_addresses(db: Database) -> None:
    four, six = masked(db, "ip", Field("v", "varchar", 45), "192.0.2.7", "2001:db8::7")
    assert ipaddress.IPv4Address(four).is_private
    assert ipaddress.IPv6Address(six).is_private


def test_structures_stay_structures(db: Database) -> None:
    found = masked(db, "text", Field("v", "longtext"), '{"name": "x"}', "[1, 2]", 'a:1:{s:1:"a";i:1;}', "plain")
    assert found[:3] == ["{}", "[]", "a:0:{}"]
    assert found[3] != "plain"


INSIDE = Field("v", "longtext")


def test_addresses_inside_a_value_are_overwritten_in_place(db: Database) -> None:
    values = {
        'a:1:{s:5:"email";s:25:"jean@dupont-example.co.uk";}': 'a:1:{s:5:"email";s:25:"xxxx@xxxxxxxxxxxx.invalid";}',
        "écrire à é.b@x.fr, ou a@b.com!": "écrire à xxxx@xxxx, ou x@xxxxx!",
        "to=jean%40example.com&x=1": "to=xxxx%40xxx.invalid&x=1",
        "logo@2x.png @media flex@media 3@4 a@b": "logo@2x.png @media flex@media 3@4 a@b",
        "nothing here": "nothing here",
    }
    assert masked(db, "inside", INSIDE, *values) == list(values.values())


PIECES = st.sampled_from(
    [
        "a@b.fr",
        "é.x@exämple.com",
        "@",
        "%40",
        " ",
        "\n",
        "x",
        "é",
        "😀",
        "logo@2x.png",
        "jean.dupont@example-shop.co.uk",
        '"',
        ";",
        "\0",
        "\x02",
        ".",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=12).map("".join))
def test_lengths_in_bytes_never_change_inside_values(db: Database, value: str) -> None:
    value = f"<{value}>"  # never an address as a whole
    (result,) = masked(db, "inside", INSIDE, value)
    assert result is not None
    assert len(result.encode()) == len(value.encode())
    assert "dupont" not in result


def test_a_value_that_is_an_address_gets_the_mask_that_joins(db: Database) -> None:
    assert masked(db, "inside", INSIDE, "Jean@Example.fr") == masked(db, "email", INSIDE, "jean@example.fr")


def test_the_key_beside_a_value_says_what_it_is(db: Database) -> None:
    field = Field("v", "longtext", key="k")
    rows = {
        "billing_phone": "0612345678",
        "first_name": "Jean",
        "_billing_city": "Lyon",
        "session_tokens": 'a:1:{s:1:"a";i:1;}',
        "_customer_ip_address": "192.0.2.7",
        "wp_capabilities": 'a:1:{s:8:"customer";b:1;}',
        "blogname": "Ma boutique",
        "_price": "12.50",
    }
    db.execute("DELETE FROM v")
    for key, value in rows.items():
        db.execute("INSERT INTO v VALUES (%s,%s)", (value, key))
    found = dict(db.rows(f"SELECT k,{mask('keyed', field)} FROM v"))
    assert {key for key, value in rows.items() if found[key] == value} == {"wp_capabilities", "blogname", "_price"}
    assert found["session_tokens"] == "a:0:{}"


def test_numbers_dates_and_bytes_are_masked_in_kind(db: Database) -> None:
    db.execute(
        "CREATE OR REPLACE TABLE n (phone BIGINT, born DATE, zero DATE, packed VARBINARY(16), uid BINARY(16), whole INT UNSIGNED)"
    )
    db.execute(
        "INSERT INTO n VALUES (612345678,'1980-07-23','0000-00-00',INET6_ATON('192.0.2.7'),UNHEX(MD5('x')),INET_ATON('192.0.2.7'))"
    )
    fields: list[tuple[Kind, Field]] = [
        ("phone", Field("phone", "bigint", 20)),
        ("text", Field("born", "date")),
        ("text", Field("zero", "date")),
        ("ip", Field("packed", "varbinary", 16)),
        ("secret", Field("uid", "binary", 16)),
        ("ip", Field("whole", "int", 10)),
    ]
    phone, born, zero, packed, uid, whole = db.rows(f"SELECT {','.join(mask(*pair) for pair in fields)} FROM n")[0]
    assert int(phone) != 612345678
    assert (born, zero) == ("1980-01-01", "0000-00-00")
    assert ipaddress.IPv4Address(packed).is_private
    assert len(uid) == 16
    assert ipaddress.IPv4Address(int(whole)).is_private


SETTINGS = {
    # Secrets, by the name beside them.
    "STRIPE_LIVE_SECRET_3": "abc",
    "PS_CHECKOUT_PAYPAL_ID_TOKEN": "x.y.z",
    "PS_ACCOUNTS_RSA_PRIVATE_KEY": "MIIE",
    "PS_MAIL_PASSWD": "azerty12",
    "PS_MAIL_USER": "postmaster",
    "PAYPLUGAPIKEY": "k",
    "ACME_KEY_LIVE": "12345678",
    "erp-password": "12345",
    "ACME_CREDENTIALS": '{"id": 7, "k": "v"}',
    # Secrets, by their own look.
    "ACME_OPTION": "sk_live_51Habc",
    "ACME_PEM": "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "ACME_CONFIG": '{"mode": 1, "api_key": "abc"}',
    "ACME_SERIALISED": 'a:1:{s:12:"clientSecret";s:3:"abc";}',
    "ACME_JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x",
}
PLAIN = {
    "PS_PASSWD_TIME_FRONT": "360",
    "PS_TOKEN_ENABLE": "1",
    "ACME_SHOW_LOGIN": "yes",
    "PS_SHOP_NAME": "Maison Palier",
    "PS_ORDER_RETURN_PREFIX": '{"1":"#RE"}',
    "PS_LOGO": "token-shop-logo.jpg",
    "ACME_KEYWORDS": "mug, poster",
    "ACME_COLOURS": "red",
}


def test_of_a_table_of_settings_keys_are_masked_and_switches_stay(db: Database) -> None:
    field = Field("v", "text", key="k")
    db.execute("DELETE FROM v")
    for name, value in (SETTINGS | PLAIN | {"PS_SHOP_EMAIL": "shop@dupont.fr"}).items():
        db.execute("INSERT INTO v VALUES (%s,%s)", (value, name))
    found = dict(db.rows(f"SELECT k, {mask('setting', field)} FROM v"))
    assert {name: found[name] for name in PLAIN} == PLAIN
    assert [name for name, value in SETTINGS.items() if not found[name] or value in found[name]] == []
    assert found["ACME_CREDENTIALS"] == "{}"
    assert found["ACME_CONFIG"] == '{"mode": 1, "api_key": "xxx"}'
    assert found["ACME_SERIALISED"] == 'a:1:{s:12:"clientSecret";s:3:"xxx";}'
    assert found["PS_SHOP_EMAIL"] == masked(db, "email", Field("v", "varchar", 255), "shop@dupont.fr")[0]


def test_a_value_without_a_name_beside_it_is_a_secret_by_its_look(db: Database) -> None:
    looks = Field("v", "text")
    assert masked(db, "setting", looks, "red", None, "", "a@b.fr")[:3] == ["red", None, ""]
    assert masked(db, "setting", looks, "whsec_abc", "rk_test_abc") != ["whsec_abc", "rk_test_abc"]
