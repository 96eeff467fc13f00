"""SQL that makes a clone harmless once its tables have arrived: addresses, mail, keys, cron, live payments."""

# ruff: noqa: S608  (names and values are quoted by _name and _text; patterns are ours)
from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

KEY_NAMES = "|".join(
    (
        *("SECRET", "PRIVATE", "API_?KEY", "ACCESS_?KEY", "LICEN[CS]E", "CLIENT_?ID", "MERCHANT", "SIGNATURE"),
        *("WEBHOOK", "CREDENTIAL", "PASSWORD", "PASSWD", "TOKEN"),
    )
)
"""What the names of modules' settings say when they hold a key. PrestaShop's own settings begin with ``PS_``."""

OWN_SETTINGS = r"^(PS_|BLOCK|MA_MERCHANT)"
LIVE_NAMES = r"_(LIVE|LIVE_?MODE|PRODUCTION|PROD_?MODE|IS_?LIVE)$"
TEST_NAMES = r"_(SANDBOX|SANDBOX_?MODE|TEST|TEST_?MODE|TESTMODE|DEMO_?MODE)$"


OFFLINE_PAYMENTS = ("ps_wirepayment", "ps_checkpayment", "ps_cashondelivery")
"""PrestaShop's own payment modules, which ask nobody outside; the only ones that a clone offers by itself."""


def statements(prefix: str, old: str, new: str, mail_port: int, payment: str = "") -> Iterator[str]:
    """The statements, in order; each may be run again.

    :param payment: a payment module that stays on besides the offline ones.
    """
    yield from _addresses(prefix, old, new)
    settings = {
        "PS_MAIL_METHOD": "2",
        "PS_MAIL_SERVER": "127.0.0.1",
        "PS_MAIL_SMTP_PORT": str(mail_port),
        "PS_MAIL_USER": "",
        "PS_MAIL_PASSWD": "",
        "PS_MAIL_SMTP_ENCRYPTION": "off",
        "PS_WEBSERVICE": "0",
        "PS_SHOP_ENABLE": "1",
        "PS_SSL_ENABLED": str(int(new.startswith("https:"))),
        "PS_SSL_ENABLED_EVERYWHERE": str(int(new.startswith("https:"))),
    }
    for name, value in settings.items():
        yield from _setting(prefix, name, value)
    table = _name(prefix, "configuration")
    mine = f"name NOT REGEXP '{OWN_SETTINGS}'"
    yield f"UPDATE {table} SET value = '' WHERE name REGEXP '{KEY_NAMES}' AND {mine}"
    yield f"UPDATE {table} SET value = '0' WHERE name REGEXP '{LIVE_NAMES}' AND {mine} AND value = '1'"
    yield f"UPDATE {table} SET value = '1' WHERE name REGEXP '{TEST_NAMES}' AND {mine} AND value = '0'"
    for short in ("webservice_account", "webservice_account_shop", "webservice_permission", "api_access", "api_client"):
        yield from _if_there(prefix, short, "DELETE FROM {table}")
    yield from _payments(prefix, payment)
    yield from _if_there(prefix, "memcached_servers", "DELETE FROM {table}")
    yield from _if_there(prefix, "cronjobs", "UPDATE {table} SET active = 0")


def _payments(prefix: str, payment: str) -> Iterator[str]:
    """A payment without currency and country is offered to nobody; the module itself stays as it is, to be updated."""
    kept = ", ".join(map(_text, (*OFFLINE_PAYMENTS, *((payment,) if payment else ()))))
    offline = f"SELECT id_module FROM {_name(prefix, 'module')} WHERE name IN ({kept})"
    for short in ("module_currency", "module_country"):
        yield from _if_there(prefix, short, f"DELETE FROM {{table}} WHERE id_module NOT IN ({offline})")


def _addresses(prefix: str, old: str, new: str) -> Iterator[str]:
    """Every shop of the clone answers at staging's one address: those of other domains below a folder of their own."""
    before, after = urlsplit(old), urlsplit(new)
    yield (
        f"UPDATE {_name(prefix, 'shop_url')} SET "
        f"virtual_uri = IF(domain = {_text(before.netloc)} OR domain = {_text(after.netloc)}, virtual_uri, "
        "CONCAT('shop', id_shop_url, '/', virtual_uri)), "
        f"domain = {_text(after.netloc)}, domain_ssl = {_text(after.netloc)}, physical_uri = {_text(after.path + '/')}"
    )
    for name in ("PS_SHOP_DOMAIN", "PS_SHOP_DOMAIN_SSL"):
        yield from _setting(prefix, name, after.netloc)


def _setting(prefix: str, name: str, value: str) -> Iterator[str]:
    """Set it in every shop that says it; a row that is not there is made, for an UPDATE alone would do nothing."""
    table = _name(prefix, "configuration")
    yield f"UPDATE {table} SET value = {_text(value)} WHERE name = {_text(name)}"
    yield (
        f"INSERT INTO {table} (name, value, date_add, date_upd) SELECT {_text(name)}, {_text(value)}, NOW(), NOW() "
        f"FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE name = {_text(name)})"
    )


def _if_there(prefix: str, short: str, statement: str) -> Iterator[str]:
    """Run ``statement`` if the table exists: versions differ in what they have."""
    sql = statement.format(table=_name(prefix, short))
    yield (
        "SET @palier = IF(EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() "
        f"AND table_name = {_text(prefix + short)}), {_text(sql)}, 'DO 0')"
    )
    yield "PREPARE palier FROM @palier"
    yield "EXECUTE palier"
    yield "DEALLOCATE PREPARE palier"


def _name(prefix: str, table: str) -> str:
    return "`" + (prefix + table).replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
