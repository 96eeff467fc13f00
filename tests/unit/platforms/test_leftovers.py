"""Dumps, archives, exports and logs in a document root: neither in the ledger nor on staging, by any way of copying."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.code.tree import as_exclusions, local, on_host
from pipeline.config.inventory import Environment
from pipeline.platforms import platform_of
from pipeline.platforms.platform import Platform, copied
from pipeline.remote import trees
from pipeline.remote.local import LocalHost
from pipeline.steps import copying

ANYWHERE = (
    *("dump.sql", "shop.SQL", "site.sql.gz", "www.zip", "old.tar.gz", "customers.csv", "error_log", "backups/x/db.sql"),
    *("my-backup-2024/all.txt", ".git/config", ".env", "exports/orders.json", "Sauvegardes/a.php", "logs/access.txt"),
)
PLANTED = {
    "woocommerce": (
        *ANYWHERE,
        *(
            "wp-config.php.bak",
            "wp-config.php_old",
            "wp-config-backup.php",
            "wp-content/debug.log",
            "wp-content/db.sql",
        ),
        *(
            "wp-content/updraft/backup-db.gz",
            "wp-content/ai1wm-backups/shop.wpress",
            "wp-content/backups-dup-lite/a.zip",
        ),
        *("wp-content/object-cache.php", "wp-content/advanced-cache.php", "wp-content/db.php", "wp-snapshots/a.txt"),
        *("wp-content/uploads/wc-logs/stripe.txt", "wp-content/uploads/woocommerce_uploads/2024/ebook.epub"),
        *("wp-content/uploads/backwpup-backups/a.php", "wp-content/uploads/2024/orders.XLSX", "wp-admin/error_log"),
    ),
    "prestashop": (
        *ANYWHERE,
        *(
            "backoffice/backups/1700000000-ab12.sql.bz2",
            "admin123/export/customers.csv",
            "admin123/import/clients.xlsx",
        ),
        *("admin123/autoupgrade/backup/auto-backupdb_V8.sql.bz2", "upload/id-card.jpg", "download/0a1b2c3d"),
        *("config/settings.inc.php", "app/config/parameters.php.bak", "var/logs/prod.log", "modules/m/error_log"),
    ),
}
CODE = {
    "woocommerce": (
        *("index.php", "wp-config-sample.php", "wp-content/plugins/p/data/demo.sql", "wp-content/plugins/p/demo.zip"),
        *("wp-content/plugins/backup-buddy/backup.php", "wp-content/themes/t/exports/a.php", "wp-content/index.php"),
    ),
    "prestashop": (
        *("index.php", "modules/m/sql/install.sql", "modules/autoupgrade/autoupgrade.php", "modules/m/data/states.csv"),
        *("admin123/backups/index.php", "admin123/export/index.php", "app/config/parameters.yml.dist"),
        *("src/Core/Backup/Backup.php", "mails/themes/a.zip", "admin123/autoupgrade/index.php"),
    ),
}
MEDIA = {"woocommerce": ("wp-content/uploads/2024/bowl.jpg",), "prestashop": ("img/p/1/1.jpg",)}


def environment(root: str = "/srv/shop") -> Environment:
    return Environment.model_validate({"url": "https://shop.example", "hosts": [{"ssh": "local"}], "root": root})


def platform(name: str, root: str = "/srv/shop") -> Platform:
    return platform_of(name, environment(root))


@pytest.fixture(params=["woocommerce", "prestashop"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path, name: str) -> Path:
    for path in (*PLANTED[name], *CODE[name], *MEDIA[name]):
        (tmp_path / "www" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "www" / path).write_text(path)
    return tmp_path / "www"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("way", ["rsync", "tar"])
def test_none_of_them_is_copied_to_staging_and_everything_else_is(
    name: str, root: Path, tmp_path: Path, way: str
) -> None:
    host, there, exclude = LocalHost("here"), tmp_path / "staging", copied(platform(name))
    there.mkdir()
    if way == "rsync":
        host.run(trees.rsync(f"{root}/", f"{there}/", exclude=exclude))
    else:
        host.run(trees.pack(str(root), exclude).pipe(trees.unpack(str(there))))
    assert files(there) == {*CODE[name], *MEDIA[name]}


def test_none_of_them_is_code_here_or_on_a_host(name: str, root: Path) -> None:
    left_out = as_exclusions(platform(name).not_code)
    assert set(local(root, left_out).entries) == set(CODE[name])
    assert on_host(LocalHost("here"), str(root), left_out) == local(root, left_out)


def test_what_an_earlier_clone_brought_is_found_on_staging_and_nothing_of_the_shop(name: str, root: Path) -> None:
    there = platform(name, str(root))
    LocalHost("here").run(copying.leftovers(there, "-exec", "rm", "-rf", "--", "{}", "+"))
    kept = files(root)
    assert {".env", ".git/config", "error_log", "logs/access.txt"} <= kept, "these are the host's own"
    assert {*CODE[name], *MEDIA[name]} <= kept
    assert not {path for path in kept - {*CODE[name], *MEDIA[name]} if path.endswith(("sql", "gz", "bak", "wpress"))}
    assert "wp-content/object-cache.php" not in kept
