"""Personal values and keys in every kind of place that a PrestaShop has: none of them may be found on staging."""

from __future__ import annotations

from collections.abc import Container

from tests.real.prestashop import PREFIX, PrestaShopWorld


def seed_canaries(world: PrestaShopWorld, count: int) -> list[str]:
    """Put ``count`` personal values and keys where a shop has such; returns a word of each that no clone may hold."""
    site = world.production
    words = [f"canari{number:04d}zq" for number in range(count)]
    tables = set(world.mariadb.admin(f"USE `{site.schema}`; SHOW TABLES").split()) | {f"{PREFIX}unknown_module"}
    statements = [_canary(number, word, tables) for number, word in enumerate(words)]
    url = f"{site.url}/bild.jpg"
    serialised = f'a:1:{{s:3:"url";s:{len(url)}:"{url}";}}'
    statements.append(
        f"INSERT INTO {PREFIX}configuration (name, value) VALUES ('PALIER_TEST_SERIALISED', '{serialised}');"
    )
    unknown = f"CREATE TABLE {PREFIX}unknown_module (id INT AUTO_INCREMENT PRIMARY KEY, remarks TEXT);"
    world.mariadb.admin(f"USE `{site.schema}`; SET sql_mode = ''; {unknown} {' '.join(statements)}")
    (site.root / "upload" / "customers-passport").write_text(words[0])
    return [*words, "sk_live_canary"]


def _canary(number: int, word: str, tables: Container[str]) -> str:
    """One statement for one place, of those that this release and its modules have."""
    mail, phone = f"{word}@courriel.example", f"06{number:08d}"
    person = {"secure_key": word, "passwd": "x", "id_gender": "1", "id_default_group": "3", "id_risk": "0"}
    places: tuple[tuple[str, dict[str, str]], ...] = (
        ("customer", {**person, "firstname": "Prénom", "lastname": "Nom", "email": mail, "note": word}),
        ("customer", {**person, "firstname": word, "lastname": word, "email": f"a{number}@b.example", "company": word}),
        (
            "address",
            {"id_country": "8", "alias": word, "lastname": word, "firstname": word, "address1": f"1 rue {word}"},
        ),
        ("address", {"id_country": "8", "city": word, "other": word, "phone": phone, "vat_number": word}),
        ("customer_thread", {"id_shop": "1", "id_lang": "1", "id_contact": "1", "email": mail, "token": "x"}),
        ("customer_message", {"id_customer_thread": "1", "message": f"Je suis {word}", "user_agent": word}),
        ("message", {"message": f"appeler {word}"}),
        ("log", {"severity": "1", "message": f"{mail} logged in"}),
        ("connections", {"id_guest": "1", "id_page": "1", "http_referer": f"https://{word}.example"}),
        ("mail", {"recipient": mail, "template": "t", "subject": word, "id_lang": "1"}),
        ("order_payment", {"order_reference": "AAAAAAAAA", "card_holder": word, "transaction_id": word}),
        (
            "psgdpr_log",
            {"client_name": word, "request_type": "1", "id_module": "1", "id_customer": "1", "id_guest": "1"},
        ),
        ("emailsubscription", {"email": mail, "active": "1"}),
        ("product_comment", {"id_product": "1", "title": "t", "content": f"par {word}", "customer_name": word}),
        ("unknown_module", {"remarks": word}),
        ("configuration", {"name": f"SOMEPAY_LIVE_SECRET_{number}", "value": f"sk_live_canary_{word}"}),
        ("configuration", {"name": f"SOME_MODULE_DATA_{number}", "value": f'{{"notify":"{mail}"}}'}),
    )
    had = [place for place in places if f"{PREFIX}{place[0]}" in tables]
    table, row = had[number % len(had)]
    values = ", ".join(f"'{value}'" for value in row.values())
    return f"INSERT INTO {PREFIX}{table} ({', '.join(f'`{name}`' for name in row)}) VALUES ({values});"
