"""Closing and opening as strangers and testers see it, on a real Apache with folders that have rules of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from pipeline.config.loader import load_inventory
from pipeline.demo.world import World
from pipeline.events import silent
from pipeline.platforms import maintenance as page
from pipeline.platforms.maintenance import MARK
from pipeline.record import Record
from pipeline.remote.command import Secret
from pipeline.rollback import roll_back
from pipeline.steps import maintenance
from pipeline.steps.maintenance import NotAsExpected, StillBusy
from pipeline.steps.site import Shop, opened

BACK_OFFICE = """\
<IfModule mod_rewrite.c>
    RewriteEngine On
    RewriteCond %{REQUEST_FILENAME} -f
    RewriteRule .? - [L]
    RewriteRule ^away https://elsewhere.example/ [R=301,L]
    RewriteRule .? index.php [L]
</IfModule>
ErrorDocument 503 "of the back office"
"""
"""As PrestaShop ships it: with these rules, mod_rewrite forgets those of the folder above."""


def with_back_office(root: Path) -> None:
    folder = root / "backoffice"
    folder.mkdir()
    (folder / ".htaccess").write_text(BACK_OFFICE)
    (folder / "index.php").write_text("<?php echo 'the back office';")
    (folder / "script.js").write_text("the script")


@dataclass
class Closing:
    """Production, its record, and whoever looks at it from outside."""

    shop: Shop
    record: Record
    token: Secret

    def close(self) -> list[str]:
        site = self.shop.production
        step = maintenance.put_up_the_page(self.shop, self.record, site.host, self.token)
        self.record.place(1, step.slug, step.fragment(), title=step.name, closes=True)
        return [act.does() or "" for act in step.acts]

    def stranger(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.shop.production.environment.url}{path}", timeout=20)

    def tester(self, path: str) -> httpx.Response:
        cookies = {"first": "1", page.COOKIE: self.token.reveal(), "last": "2"}
        return httpx.get(f"{self.shop.production.environment.url}{path}", cookies=cookies, timeout=20)


@pytest.fixture
def closing(pristine_world: World) -> Iterator[Closing]:
    with opened(load_inventory(pristine_world.inventory), pristine_world.folder / ".palier") as shop:
        shop.production.prepare_record()
        record = Record.create(shop.production.host, shop.production.record, "maintenance", shop.name, "test")
        record.arm()
        yield Closing(shop, record, maintenance.new_token())


def require_closed(closing: Closing, *paths: str) -> None:
    for path in paths:
        answer = closing.stranger(path)
        assert answer.status_code == 503, path
        assert MARK in answer.text, path
        assert answer.headers["retry-after"] == "60", path


def test_strangers_get_the_page_everywhere_and_testers_the_shop(closing: Closing) -> None:
    root = Path(closing.shop.production.root)
    with_back_office(root)
    rules = (root / ".htaccess").read_bytes()
    assert closing.stranger("/backoffice/index.php").text == "the back office"
    closing.close()
    require_closed(closing, "/", "/index.php", "/any/page/", "/xmlrpc.php", "/wp-includes/js/wp-util.js")
    require_closed(closing, "/backoffice/", "/backoffice/index.php", "/backoffice/any", "/backoffice/script.js")
    require_closed(closing, "/backoffice/away", f"/{page.PAGE}")
    wrong = {page.COOKIE: "guessed"}
    assert httpx.get(f"{closing.shop.production.environment.url}/", cookies=wrong, timeout=20).status_code == 503
    assert "product-card" in closing.tester("/").text
    assert closing.tester("/backoffice/index.php").text == "the back office"
    assert closing.tester("/backoffice/script.js").text == "the script"
    assert closing.token.reveal() not in (root / ".htaccess").read_text()

    assert roll_back(closing.record, silent).ok
    assert (root / ".htaccess").read_bytes() == rules
    assert maintenance.verify_open(closing.shop.production, closing.record) == "200"
    assert closing.stranger("/backoffice/index.php").text == "the back office"


def test_a_shop_in_a_folder_of_the_host_shows_its_own_page(closing: Closing) -> None:
    outer = closing.shop.production
    folder = Path(outer.root) / "shop"
    folder.mkdir()
    (folder / "index.php").write_text("<?php echo 'the shop';")
    with_back_office(folder)
    environment = outer.environment.model_copy(update={"url": f"{outer.environment.url}/shop", "root": str(folder)})
    inner = replace(closing, shop=replace(closing.shop, production=replace(outer, environment=environment)))
    inner.close()
    require_closed(inner, "/", "/index.php", "/backoffice/index.php", "/backoffice/any")
    assert inner.tester("/").text == "the shop"
    assert closing.stranger("/").status_code == 200, "the rest of the host is no business of ours"
    assert roll_back(inner.record, silent).ok
    assert inner.stranger("/").text == "the shop"
    assert not (folder / ".htaccess").exists()


def test_a_back_office_that_stays_open_is_found_out(closing: Closing) -> None:
    """Rules of mod_rewrite in the document root close it, and leave folders with such rules of their own open."""
    site, cookie = closing.shop.production, closing.token.reveal()
    root = Path(site.root)
    with_back_office(root)
    (root / page.PAGE).write_text(page.page("Papeterie", ""))
    rule = f"""ErrorDocument 503 /{page.PAGE}
Header always set Retry-After "60" "expr=%{{REQUEST_STATUS}} == 503"
RewriteEngine On
RewriteCond %{{ENV:REDIRECT_STATUS}} !=503
RewriteCond %{{HTTP_COOKIE}} !{page.COOKIE}={cookie}
RewriteRule ^ - [R=503,L]
"""
    (root / ".htaccess").write_text(rule)
    require_closed(closing, "/", "/index.php")
    with pytest.raises(NotAsExpected, match=r"Strangers get 200 from .*/backoffice/index\.php"):
        maintenance.verify_closed(site, closing.token, site.host)


def test_a_shop_that_refuses_strangers_after_it_was_opened_is_not_open(closing: Closing) -> None:
    site = closing.shop.production
    closing.close()
    assert roll_back(closing.record, silent).ok
    with (Path(site.root) / ".htaccess").open("a") as rules:
        rules.write("RedirectMatch 403 ^/\n")
    with pytest.raises(NotAsExpected, match="answers 403 after the page was taken down; before it went up: 200"):
        maintenance.verify_open(site, closing.record)


@contextmanager
def at_work(shop: Shop) -> Iterator[None]:
    """A request that came in before the page: it holds a connection, and will write an order yet."""
    begun, database = threading.Event(), shop.production.database
    with database.connected() as watching:

        def work() -> None:
            with database.connected() as db:
                begun.set()
                db.execute("DO SLEEP(60)")

        thread = threading.Thread(target=work)
        thread.start()
        begun.wait(20)
        try:
            yield
        finally:
            sleeping = "SELECT id FROM information_schema.processlist WHERE info = 'DO SLEEP(60)'"
            for (key,) in watching.rows(sleeping):
                watching.execute(f"KILL QUERY {key}")
            thread.join(20)


def test_with_a_request_still_at_work_the_promotion_is_given_up(closing: Closing) -> None:
    shop = closing.shop
    (act,) = maintenance.drain(shop, shop.production.host, seconds=1).acts
    with at_work(shop), pytest.raises(StillBusy, match="still open 1 s after the page went up") as given_up:
        act.does()
    assert "budgets.drain" in given_up.value.why
    assert "Query for" in given_up.value.why
    (act,) = maintenance.drain(shop, shop.production.host, seconds=20).acts
    assert act.does() == "nobody inside"
