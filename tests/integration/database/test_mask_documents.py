"""Personal fields inside documents and beside keys, on a real server: overwritten, and everything else as it was."""

from __future__ import annotations

import json
import subprocess
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


def setting(db: Database, name: str, value: str) -> str:
    db.execute("DELETE FROM v")
    db.execute("INSERT INTO v VALUES (%s, %s)", (name, value))
    return str(db.value(f"SELECT {mask('setting', Field('v', 'longtext', key='k'))} FROM v"))


def in_php(code: str, text: str) -> str:
    """What PHP prints when ``$in`` is the text."""
    told = f"$in = stream_get_contents(STDIN); {code}"
    return subprocess.run(
        ["php", "-r", told], input=text, capture_output=True, text=True, check=True, timeout=20
    ).stdout


def serialised(value: object) -> str:
    return in_php("echo serialize(json_decode($in, true));", json.dumps(value))


def unserialised(text: str) -> object:
    """:raises ValueError: if PHP cannot read it: a length is wrong."""
    return json.loads(in_php("echo json_encode(unserialize($in) ?: 'broken');", text))


THEME = {
    "logo": "logo.png",
    "css": 'a[href="x"];{color:red}',
    "gmap_api_key": "not-a-known-shape",
    "stripeSecretKey": 'abc;"s:3:"x',
    "recaptcha": {"site_key": "6Lc-x", "enabled": "yes", "version": 3},
    "smtp": {"password": 'pass"word', "port": "587", "require_password": "yes"},
    "contact": {"unheard_of": "+33 6 12 34 56 78", "also": "jean@dupont.example", "who": "Ouvert de 9 h à 18 h"},
    "cdn": "AKIAABCDEFGHIJKLMNOP",
    "widget": "Bx9kQ2mNv7Lp4RtYw8Zc3HdFg6JsAe5U",
    "since": "2024-01-02 10:00:00",
    "ean": "3017620422003",
}
KEPT = ("logo", "css", "since", "ean")


def only_the_keys_went(masked: object) -> None:
    assert isinstance(masked, dict)
    assert {name: masked[name] for name in KEPT} == {name: THEME[name] for name in KEPT}
    assert masked["recaptcha"] == {"site_key": "xxxxx", "enabled": "yes", "version": 3}
    assert masked["smtp"]["port"] == "587"
    assert masked["smtp"]["require_password"] == "yes"
    assert masked["contact"]["who"] == "Ouvert de 9 h à 18 h"
    said = json.dumps(masked)
    gone = ("known-shape", "abc", "word", "6Lc", "12 34", "dupont", "AKIA", "Bx9kQ", "jean")
    assert [each for each in gone if each in said.replace("require_password", "").replace('"password"', "")] == []


def test_of_a_themes_settings_only_keys_and_people_are_overwritten_and_php_reads_the_rest(db: Database) -> None:
    only_the_keys_went(unserialised(setting(db, "theme_mods_maison", serialised(THEME))))


def test_and_so_it_is_with_settings_in_json(db: Database) -> None:
    for text in (json.dumps(THEME), json.dumps(THEME, separators=(",", ":"), ensure_ascii=False)):
        only_the_keys_went(json.loads(setting(db, "acme_settings", text)))
    within = json.loads(setting(db, "acme", json.dumps(json.dumps({"api_key": "k-1", "title": "Bol"}))))
    assert json.loads(within) == {"api_key": "xxx", "title": "Bol"}


@pytest.mark.parametrize("value", ['H\u00e9l\u00e8ne "Nell"', "a\\\\", 'c\\"d', "Rue / place", 'Zoë; ";s'])
def test_whatever_a_value_has_in_it_nothing_of_it_stays_and_the_document_is_whole(db: Database, value: str) -> None:
    told = {"before": "b", "firstname": value, "after": "a"}
    for text in (json.dumps(told), json.dumps(told, ensure_ascii=False)):
        masked = json.loads(inside(db, text))
        assert set(masked.pop("firstname")) <= {"x"}
        assert masked == {"before": "b", "after": "a"}
    masked = unserialised(inside(db, serialised(told)))
    assert isinstance(masked, dict)
    assert set(masked.pop("firstname")) == {"x"}
    assert masked == {"before": "b", "after": "a"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WPLANG", "sk_SK"),
        ("acme_locale", "pk_PK"),
        ("woocommerce_myaccount_lost_password_endpoint", "lost-password"),
        ("woocommerce_token_page_id", "12345"),
        ("woocommerce_registration_generate_password", "yes"),
        ("wp_user_roles", 'a:1:{s:6:"editor";a:1:{s:4:"name";s:6:"Editor";}}'),
        ("cron", 'a:1:{i:1;a:1:{s:3:"h_k";a:1:{s:32:"40cd750bba9870f18aada2478b24840a";a:1:{s:4:"args";a:0:{}}}}}'),
        ("active_plugins", 'a:1:{i:0;s:27:"woocommerce/woocommerce.php";}'),
        ("acme_license_settings", 'a:1:{s:6:"colour";s:3:"red";}'),
    ],
)
def test_settings_that_only_look_like_secrets_stay(db: Database, name: str, value: str) -> None:
    assert setting(db, name, value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("acme_gateway", "a3f9c2e1b7d84056a3f9c2e1b7d84056"),
        ("acme_html", '<script src="https://maps.example/?key=AIzaSyA1234567890abcdefghijklmnopqrstu"></script>'),
        ("acme_api_tokens", 'a:1:{s:3:"one";s:3:"two";}'),
        ("woocommerce_stripe_secret", "anything"),
        ("_transient_acme_customer", 'a:1:{s:3:"one";s:3:"two";}'),
    ],
)
def test_settings_that_hold_a_key_whatever_it_is_called_lose_it(db: Database, name: str, value: str) -> None:
    masked = setting(db, name, value)
    assert not [word for word in ("a3f9c2", "AIza", "two", "anything") if word in masked]
    assert masked.startswith("<script src=") or not value.startswith("<")


def test_what_somebody_sent_is_masked_in_the_post_itself_whatever_plugin_keeps_it(db: Database) -> None:
    kept = {"page": "Contact us", "wpcf7_contact_form": "[text* your-name]", "product": "Bol"}
    sent = {"acme_entry": "Hélène", "shop_order": "Order", "feedback": "Bonjour", "user_request": "Privacy"}
    db.execute("CREATE OR REPLACE TABLE p (post_type VARCHAR(20), post_title TEXT) CHARACTER SET utf8mb4")
    for kind, title in (kept | sent).items():
        db.execute("INSERT INTO p VALUES (%s, %s)", (kind, title))
    field = Field("post_title", "text", key="post_type")
    found = dict(db.rows(f"SELECT post_type, {mask('keyed', field)} FROM p"))
    assert {kind: found[kind] for kind in kept} == kept
    assert all(found[kind].startswith("Masked ") for kind in sent)


def test_a_document_about_a_person_under_a_key_that_nobody_knows_does_not_travel(db: Database) -> None:
    assert beside(db, "acme_answers", '{"q17":"allergic to nuts"}') == "{}"
    assert beside(db, "acme_answers", 'a:1:{s:3:"q17";s:4:"nuts";}') == "a:0:{}"


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
