"""A thousand personal values in every kind of place that a WooCommerce shop has; none may be found on a clone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from pipeline.demo.world import World

COUNT = 1000
CANARY = re.compile(
    rb"canari[0-9]{4}zq|(?<![0-9])0688[0-9]{6}(?![0-9])|(?<![0-9.])198[.]18[.][0-9]{1,3}[.][1-9][0-9]{0,2}",
    re.IGNORECASE,
)
ORDER = 900_000
"""Numbers of the canaries' rows begin here: nothing else of the shop has such."""
UPLOADS = "wp-content/uploads"
FOLDERS = (
    "wc-logs",
    "woocommerce_uploads",
    "woocommerce_uploads/reports",
    "wpcf7_uploads",
    "wpforms/12-secret",
    "gravity_forms/1-abc",
    "customers",
    "wc-exports",
)
"""Below the uploads: logs, exports, sold files, and what customers sent through forms."""

FORMS = """
CREATE TABLE wp_acme_form_entries (id INT AUTO_INCREMENT PRIMARY KEY, form_id INT, sent DATETIME, title VARCHAR(60),
 answers LONGTEXT, remarks TEXT, contact VARCHAR(200), born DATE);
CREATE TABLE wp_acme_visits (id INT AUTO_INCREMENT PRIMARY KEY, who VARCHAR(80), seen_from VARCHAR(45), path TEXT);
"""


@dataclass(frozen=True)
class Canary:
    """One value of each shape, all telling of the same invented person."""

    number: int

    @property
    def word(self) -> str:
        return f"canari{self.number:04d}zq"

    @property
    def email(self) -> str:
        return f"{self.word}@courriel.example"

    @property
    def phone(self) -> str:
        return f"0688{self.number:06d}"

    @property
    def ip(self) -> str:
        return f"198.18.{self.number // 250}.{self.number % 250 + 1}"

    @property
    def address(self) -> dict[str, str]:
        return {
            "first_name": self.word,
            "last_name": self.word,
            "company": self.word,
            "address_1": f"1 rue {self.word}",
            "address_2": self.word,
            "city": self.word,
            "postcode": self.word[:10],
            "email": self.email,
            "phone": self.phone,
        }


Rows = Iterator[tuple[str, dict[str, object]]]


def php(value: object) -> str:
    """PHP's serialisation of texts, numbers and arrays."""
    if isinstance(value, dict):
        return f"a:{len(value)}:{{{''.join(php(key) + php(inner) for key, inner in value.items())}}}"
    return f"i:{value};" if isinstance(value, int) else f's:{len(str(value).encode())}:"{value}";'


def _accounts(canary: Canary) -> Rows:
    at = ORDER + canary.number
    account = {"ID": at, "user_login": canary.word, "user_pass": "x", "user_nicename": canary.word}
    shown = {"user_email": canary.email, "display_name": canary.word, "user_url": f"https://{canary.word}.example"}
    yield "users", {**account, **shown}
    meta = {
        **{f"billing_{key}": value for key, value in canary.address.items()},
        **{f"shipping_{key}": value for key, value in canary.address.items()},
        "first_name": canary.word,
        "nickname": canary.word,
        "description": f"Je suis {canary.word}",
        "session_tokens": php({"abc": {"ip": canary.ip, "ua": canary.word}}),
        "_woocommerce_persistent_cart_1": php({"cart": {"1": {"gift_message": canary.word}}}),
        "community-events-location": php({"ip": canary.ip}),
        "acme_answers": json.dumps({"q17": f"allergique, {canary.word}"}),
        "acme_newsletter": json.dumps({"email": canary.email, "first_name": canary.word}),
    }
    for key, value in meta.items():
        yield "usermeta", {"user_id": at, "meta_key": key, "meta_value": value}


def _hpos(canary: Canary) -> Rows:
    at = ORDER + canary.number
    order: dict[str, object] = {"id": at, "status": "wc-processing", "type": "shop_order", "currency": "EUR"}
    said = {"customer_note": f"chez {canary.word}", "transaction_id": canary.word, "user_agent": canary.word}
    yield "wc_orders", {**order, "billing_email": canary.email, "ip_address": canary.ip, **said}
    for kind in ("billing", "shipping"):
        yield "wc_order_addresses", {"order_id": at, "address_type": kind, **canary.address}
    yield "wc_order_operational_data", {"order_id": at, "order_key": canary.word, "created_via": "checkout"}
    for key, value in _order_meta(canary).items():
        yield "wc_orders_meta", {"order_id": at, "meta_key": key, "meta_value": value}


def _order_meta(canary: Canary) -> dict[str, str]:
    """What gateways and plugins leave on an order."""
    return {
        "_billing_address_index": " ".join(canary.address.values()),
        "_shipping_address_index": " ".join(canary.address.values()),
        "_wc_order_attribution_user_agent": canary.word,
        "_acme_gateway_answer": json.dumps({"payer": {"email": canary.email, "phone": canary.phone}}),
        "_acme_pickup": php({"first_name": canary.word, "phone": canary.phone}),
        "_stripe_source_name": canary.word,
        "gift_message": f"Pour {canary.word}",
    }


def _posts(canary: Canary) -> Rows:
    at = ORDER + canary.number
    post = {"ID": at, "post_type": "shop_order", "post_status": "wc-processing", "post_title": f"Order {canary.word}"}
    yield "posts", {**post, "post_excerpt": f"chez {canary.word}", "post_password": f"wc_order_{canary.word}"}
    meta = {
        **{f"_billing_{key}": value for key, value in canary.address.items()},
        **{f"_shipping_{key}": value for key, value in canary.address.items()},
        "_customer_ip_address": canary.ip,
        "_customer_user_agent": canary.word,
        "_order_key": f"wc_order_{canary.word}",
        "_transaction_id": canary.word,
        **_order_meta(canary),
    }
    for key, value in meta.items():
        yield "postmeta", {"post_id": at, "meta_key": key, "meta_value": value}


def _lines(canary: Canary) -> Rows:
    at = ORDER + canary.number
    yield "woocommerce_order_items", {"order_item_id": at, "order_item_type": "line_item", "order_id": at}
    yield "woocommerce_order_itemmeta", {"order_item_id": at, "meta_key": "Gravure", "meta_value": f"À {canary.word}"}
    sold = {"user_email": canary.email, "order_key": canary.word, "order_id": at, "download_id": "d"}
    yield "woocommerce_downloadable_product_permissions", {"product_id": 1, **sold}
    log = {"timestamp": "2026-01-01", "permission_id": at, "user_ip_address": canary.ip}
    yield "wc_download_log", {"download_log_id": at, **log}


def _known(canary: Canary) -> Rows:
    at = ORDER + canary.number
    lookup = {"username": canary.word, "first_name": canary.word, "last_name": canary.word, "email": canary.email}
    yield "wc_customer_lookup", {"customer_id": at, **lookup, "postcode": canary.word[:10], "city": canary.word}
    note = {"comment_author": canary.word, "comment_author_email": canary.email, "comment_author_IP": canary.ip}
    said = {"comment_content": f"Rappelé {canary.word} au {canary.phone}", "comment_type": "order_note"}
    yield "comments", {"comment_post_ID": at, "comment_ID": at, "comment_agent": canary.word, **note, **said}
    held = php({"comment_author_email": canary.email, "said": canary.word})
    yield "commentmeta", {"comment_id": at, "meta_key": "akismet_as_submitted", "meta_value": held}
    token = {"token_id": at, "gateway_id": "acme", "token": canary.word, "user_id": at, "type": "CC"}
    yield "woocommerce_payment_tokens", token
    yield "woocommerce_payment_tokenmeta", {"payment_token_id": at, "meta_key": "holder", "meta_value": canary.word}


def _passing(canary: Canary) -> Rows:
    """Sessions, queues and logs."""
    at = ORDER + canary.number
    session = php({"customer": php({"email": canary.email, "first_name": canary.word})})
    yield "woocommerce_sessions", {"session_key": f"t_{canary.word}", "session_value": session, "session_expiry": at}
    action = {"action_id": at, "hook": "acme_remind", "status": "complete", "args": json.dumps([canary.email])}
    yield "actionscheduler_actions", {**action, "extended_args": json.dumps({"name": canary.word, "to": canary.phone})}
    yield "actionscheduler_logs", {"action_id": at, "message": f"{canary.word} could not be reminded"}
    log = {"timestamp": "2026-01-01", "level": 400, "source": "acme", "message": canary.word, "context": canary.email}
    yield "woocommerce_log", log


def _options(canary: Canary) -> Rows:
    """What plugins remember of people among their settings."""
    person = {"first_name": canary.word, "phone": canary.phone, "email": canary.email, "count": 3}
    yield "options", {"option_name": f"acme_best_{canary.number}", "option_value": php({"0": person})}
    yield "options", {"option_name": f"acme_last_{canary.number}", "option_value": json.dumps({"customer": person})}
    yield "options", {"option_name": f"_transient_acme_{canary.number}", "option_value": php({"email": canary.email})}
    yield "options", {"option_name": f"acme_notify_{canary.number}", "option_value": f"a@b.example,{canary.email}"}


def _unknown(canary: Canary) -> Rows:
    """A plugin of which nobody has heard."""
    answers = {"your-name": canary.word, "tel-1": canary.phone, "your-message": f"Je suis {canary.word}"}
    filled = {"answers": php(answers) if canary.number % 2 else json.dumps(answers), "born": "1984-05-06"}
    entry = {"title": canary.word, "remarks": f"rappeler {canary.word}", "contact": f"{canary.phone} {canary.email}"}
    yield "acme_form_entries", {"form_id": 1, **filled, **entry}
    yield "acme_visits", {"who": canary.word, "seen_from": canary.ip, "path": f"/?utm={canary.word}"}


PLACES = (_accounts, _hpos, _posts, _lines, _known, _passing, _options, _unknown)


def seed(world: World, count: int = COUNT) -> None:
    """Put ``count`` invented people into the shop: each into one kind of place, and a few of them into files."""
    site = world.production
    statements = [FORMS]
    for number, place in zip(range(count), cycle(PLACES)):
        statements += [_insert(table, row) for table, row in place(Canary(number))]
    sql = f"USE `{site.schema}`; SET sql_mode = ''; " + ";\n".join(statements) + ";"
    world.mariadb.admin(sql)
    for number, folder in enumerate(FOLDERS):
        _files(site.root / UPLOADS / folder, Canary(number))


def _insert(table: str, row: dict[str, object]) -> str:
    values = ", ".join("'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'" for value in row.values())
    return f"INSERT INTO wp_{table} ({', '.join(f'`{name}`' for name in row)}) VALUES ({values})"


def _files(folder: Path, canary: Canary) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("fatal-errors-2026-11-20.log", "customers.csv", "export.json", "letter.txt"):
        (folder / name).write_text(f"{canary.word};{canary.email};{canary.phone}\n", "utf-8")


def found_in(text: bytes) -> list[str]:
    """The canaries in ``text``, each once, in order."""
    return sorted({match.decode().lower() for match in CANARY.findall(text)})


def found_below(folder: Path) -> dict[str, list[str]]:
    """File -> the canaries in it."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): held for path in files if (held := found_in(path.read_bytes()))}
