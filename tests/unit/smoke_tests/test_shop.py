"""What the suites are told about a shop."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.evidence.smoke import AccessCookie, BasicAuth, CustomerAccount, ShopDatabase, SmokeSettings
from pipeline.remote.command import Secret
from smoke_tests.shop import Shop, read_shop, shop_of

HOSTILE = 'p"ä/ss\\word'
SETTINGS = SmokeSettings(
    base_url="https://staging.example.com/shop",
    mode="staging",
    cookie=AccessCookie("palier", Secret("cookie-secret"), "staging.example.com"),
    basic_auth=BasicAuth("user", Secret(HOSTILE)),
    database=ShopDatabase("127.0.0.1", 3306, "u", Secret("db-secret"), "shop", "wp_"),
    maildir=Path("/var/mail-trap"),
    known_faults=("favicon",),
    own_tests=Path("/tests"),
    account=CustomerAccount("test@shop.example", Secret("account-secret")),
    mobile=("checkout",),
    visitor={"city": "Moulins"},
)


def written(folder: Path, mode: int) -> Path:
    path = folder / "shop.json"
    path.write_text(SETTINGS.document(), "utf-8")
    path.chmod(mode)
    return path


def test_the_suites_read_what_palier_writes(tmp_path: Path) -> None:
    shop = read_shop(written(tmp_path, 0o600))
    assert shop.basic_auth is not None
    assert shop.basic_auth.password == HOSTILE
    assert shop.database is not None
    assert shop.database.port == 3306
    assert shop.maildir == Path("/var/mail-trap")
    assert shop.known_faults == ("favicon",)
    assert shop.origin == "https://staging.example.com"
    assert shop.buys
    assert shop.account is not None
    assert shop.account.password in shop.secrets()
    assert (shop.mobile, dict(shop.visitor)) == (("checkout",), {"city": "Moulins"})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ValueError, match="chmod 600"):
        read_shop(written(tmp_path, mode))


@pytest.mark.parametrize(
    "data", [{"base_url": "http://x", "colour": 1}, {}, {"base_url": "http://x", "cookie": {"a": 1}}]
)
def test_a_wrong_file_is_refused_in_one_sentence(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="the shop file is wrong"):
        shop_of(data)


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="mode is"):
        shop_of({"base_url": "http://x", "mode": "dry-run"})


def test_without_a_word_nothing_is_bought() -> None:
    assert not Shop("http://x").buys


@pytest.mark.parametrize(
    ("mode", "buys", "keeps"),
    [("staging", True, True), ("production", False, False), ("production-order", True, False)],
)
def test_a_mode_says_what_may_be_done_and_what_may_stay(mode: str, buys: bool, keeps: bool) -> None:
    shop = shop_of({"base_url": "http://x", "mode": mode})
    assert (shop.buys, shop.keeps_traces) == (buys, keeps)


def test_secrets_show_neither_in_the_settings_nor_in_the_shop(tmp_path: Path) -> None:
    shown = repr(SETTINGS) + repr(read_shop(written(tmp_path, 0o600)))
    for secret in ("cookie-secret", "db-secret", "account-secret", HOSTILE):
        assert secret not in shown


def test_every_form_in_which_a_browser_writes_a_secret_is_known(tmp_path: Path) -> None:
    known = read_shop(written(tmp_path, 0o600)).secrets()
    header = base64.b64encode(f"user:{HOSTILE}".encode()).decode()
    assert {"cookie-secret", "db-secret", HOSTILE, header, quote(HOSTILE, safe=""), json.dumps(HOSTILE)[1:-1]} <= set(
        known
    )
    assert list(known) == sorted(known, key=len, reverse=True)
