"""Packages from folders and from the web: pinned when first seen, never exchanged afterwards."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from pipeline.code.sources import Offer, Sources
from pipeline.code.store import Store
from pipeline.errors import ConfigError
from pipeline.events import Event, Note
from pipeline.remote.download import Web
from pipeline.remote.local import LocalHost

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
MODULE = "palier-stock"


def package(
    path: Path, version: str, *, name: str = MODULE, text: str = "", date: tuple[int, int, int] = (2026, 11, 1)
) -> bytes:
    with zipfile.ZipFile(path, "w") as packed:
        entry = zipfile.ZipInfo(f"{name}/{name}.php", date_time=(*date, 0, 0, 0))
        packed.writestr(entry, f"<?php\n/*\n * Plugin Name: {name}\n * Version: {version}\n */\n{text}")
    return path.read_bytes()


class Bench:
    """Sources in a folder of their own, with a web that answers from a table."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.store = Store(tmp_path / "store")
        self.said: list[str] = []
        self.asked: list[str] = []
        self.pages: dict[str, httpx.Response | bytes | dict[str, object]] = {}
        self.now = NOW

    def emit(self, event: Event) -> None:
        if isinstance(event, Note):
            self.said.append(event.text)

    def offers(self, *sources: str) -> list[Offer]:
        web = Web(lambda: httpx.Client(transport=httpx.MockTransport(self._answer)))
        return Sources(self.store, self.emit, web, lambda: self.now).offers(sources, {MODULE})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        page = self.pages.get(str(request.url), httpx.Response(404))
        if isinstance(page, dict):
            return httpx.Response(200, text=json.dumps(page))
        return httpx.Response(200, content=page) if isinstance(page, bytes) else page


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_folder_offers_the_modules_of_the_shop_and_tells_what_it_refuses(bench: Bench) -> None:
    folder = bench.folder / "zips"
    (folder / "deeper").mkdir(parents=True)
    package(folder / "a.zip", "1.1.0")
    package(folder / "deeper" / "b.zip", "1.2.0", date=(1980, 1, 1))
    package(folder / "other.zip", "3.0", name="somebody-elses")
    (folder / "broken.zip").write_bytes(b"not a zip")
    with zipfile.ZipFile(folder / "evil.zip", "w") as packed:
        packed.writestr(f"{MODULE}/../../outside.php", "<?php")
    found = {offer.version: offer for offer in bench.offers(str(folder))}
    assert set(found) == {"1.1.0", "1.2.0"}
    assert found["1.1.0"].released == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    assert found["1.2.0"].released is None
    assert len(bench.said) == 2


def test_a_folder_that_is_not_there_is_a_mistake(bench: Bench) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        bench.offers(str(bench.folder / "nowhere"))


def test_an_address_is_pinned_shown_and_kept(bench: Bench) -> None:
    bench.pages["https://vendor.example/stock.zip"] = package(bench.folder / "p.zip", "1.3.0")
    (offer,) = bench.offers("https://vendor.example/stock.zip")
    assert (offer.version, offer.path) == ("1.3.0", bench.store.path(offer.sha256))
    assert any(offer.sha256 in text for text in bench.said)
    (again,) = bench.offers("https://vendor.example/stock.zip")
    assert again.sha256 == offer.sha256
    assert len(bench.asked) == 1


def test_other_bytes_under_the_same_version_are_never_taken(bench: Bench) -> None:
    address = "https://vendor.example/stock.zip"
    bench.pages[address] = package(bench.folder / "p.zip", "1.3.0")
    (first,) = bench.offers(address)
    bench.pages[address] = package(bench.folder / "p.zip", "1.3.0", text="// exchanged")
    bench.now += dt.timedelta(days=2)
    (second,) = bench.offers(address)
    assert second.sha256 == first.sha256
    assert any("other bytes" in text for text in bench.said)
    bench.pages[address] = package(bench.folder / "p.zip", "1.4.0")
    bench.now += dt.timedelta(days=2)
    assert [offer.version for offer in bench.offers(address)] == ["1.3.0", "1.4.0"]


def test_a_source_that_is_gone_still_offers_what_was_kept(bench: Bench) -> None:
    address = "https://vendor.example/stock.zip"
    bench.pages[address] = package(bench.folder / "p.zip", "1.3.0")
    bench.offers(address)
    bench.pages.clear()
    bench.now += dt.timedelta(days=2)
    assert [offer.version for offer in bench.offers(address)] == ["1.3.0"]
    assert any("answered 404" in text for text in bench.said)


def test_wordpress_org_by_slug_takes_the_newest_and_its_date(bench: Bench) -> None:
    bench.pages[f"https://api.wordpress.org/plugins/info/1.2/?action=plugin_information&slug={MODULE}"] = {
        "version": "2.0.1", "last_updated": "2026-11-19 7:12pm GMT",
    }  # fmt: skip
    bench.pages[f"https://downloads.wordpress.org/plugin/{MODULE}.2.0.1.zip"] = package(bench.folder / "p.zip", "2.0.1")
    (offer,) = bench.offers(f"wordpress.org:{MODULE}")
    assert offer.released == dt.datetime(2026, 11, 19, 19, 12, tzinfo=dt.UTC)
    bench.offers(f"wordpress.org:{MODULE}")
    assert sum("downloads" in each for each in bench.asked) == 1


def test_wordpress_org_is_not_asked_for_modules_that_the_shop_has_not(bench: Bench) -> None:
    assert bench.offers("wordpress.org:somebody-elses") == []
    assert bench.asked == []


def test_wordpress_org_with_another_version_than_asked_for_is_refused(bench: Bench) -> None:
    bench.pages[f"https://api.wordpress.org/plugins/info/1.2/?action=plugin_information&slug={MODULE}"] = {
        "version": "9"
    }
    bench.pages[f"https://downloads.wordpress.org/plugin/{MODULE}.2.0.zip"] = package(bench.folder / "p.zip", "2.1")
    assert bench.offers(f"wordpress.org:{MODULE}@2.0") == []
    assert "holds version 2.1" in bench.said[0]


def release(*names: str) -> dict[str, object]:
    assets = [{"name": name, "browser_download_url": f"https://github.com/p/s/{name}"} for name in names]
    return {"tag_name": "v3.0.0", "published_at": "2026-10-01T08:00:00Z", "assets": assets}


def test_a_github_release_asset(bench: Bench) -> None:
    bench.pages["https://api.github.com/repos/p/s/releases/latest"] = release("stock.zip", "notes.txt")
    bench.pages["https://github.com/p/s/stock.zip"] = package(bench.folder / "p.zip", "3.0.0")
    (offer,) = bench.offers("github:p/s")
    assert (offer.version, offer.released) == ("3.0.0", dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC))


def test_a_github_release_with_several_assets_wants_a_name(bench: Bench) -> None:
    page = release("stock.zip", "source.zip")
    bench.pages["https://api.github.com/repos/p/s/releases/tags/v3.0.0"] = page
    bench.pages["https://github.com/p/s/stock.zip"] = package(bench.folder / "p.zip", "3.0.0")
    assert bench.offers("github:p/s@v3.0.0") == []
    assert "stock.zip, source.zip" in bench.said[0]
    assert [offer.version for offer in bench.offers("github:p/s@v3.0.0#stock*")] == ["3.0.0"]


@pytest.mark.parametrize(
    ("released", "days"),
    [
        (NOW - dt.timedelta(days=9), 9),
        (NOW - dt.timedelta(days=1), 3),  # seen for longer than it says
        (NOW + dt.timedelta(days=30), 3),  # dates that are to come say nothing
        (None, 3),
    ],
)
def test_the_age_of_a_release(released: dt.datetime | None, days: int) -> None:
    offer = Offer(MODULE, "1", "0" * 64, Path("x"), "s", released, NOW - dt.timedelta(days=3))
    assert offer.age(NOW).days == days


def test_the_installed_folder_is_kept_once(bench: Bench, scratch: Path) -> None:
    folder = scratch / MODULE
    (folder / "inc").mkdir(parents=True)
    (folder / f"{MODULE}.php").write_text("<?php\n")
    (folder / "inc" / "a.php").write_text("<?php // a\n")
    host = LocalHost("production")
    first = bench.store.keep_installed(host, str(folder), MODULE, "1.0.0")
    assert bench.store.keep_installed(host, str(folder), MODULE, "1.0.0") == first
    with zipfile.ZipFile(bench.store.path(first.sha256)) as packed:
        assert packed.namelist() == [f"{MODULE}/inc/a.php", f"{MODULE}/{MODULE}.php"]
    (folder / "inc" / "a.php").write_text("<?php // patched by hand\n")
    assert bench.store.keep_installed(host, str(folder), MODULE, "1.0.0").sha256 != first.sha256
    assert len(bench.store.known()) == 2
