"""A real PrestaShop in a world of this machine: installed from a release tree that the caller supplies, offline.

The release tree is copied, never changed; nothing of it is part of this project. Where the installer would look at the
network or refuse a newer PHP than it knew, the copy is told otherwise.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import zipfile
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.demo import paperwork
from pipeline.demo.apache import Apache
from pipeline.demo.ports import LOOPBACK
from pipeline.demo.process import ServiceFailed, program
from pipeline.demo.world import Site, World

SHOP = "presta"
PREFIX = "ps_"
ADMIN_FOLDER = "backoffice"
ALL_SUITES = ("home", "search", "checkout", "contact")
LANGUAGE_PACKS = ("sf-en-US.zip", "emails-en-US.zip")
A_TRANSLATION = """\
<?xml version="1.0" encoding="UTF-8"?>
<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2">
  <file original="rig" source-language="en-US" target-language="en-US" datatype="plaintext">
    <body><trans-unit id="rig"><source>Palier</source><target>Palier</target></trans-unit></body>
  </file>
</xliff>
"""
"""Without any, PrestaShop writes its catalogue anew at every request, and two requests at once die of it (500)."""
NOT_SERVED = ("install", "docs", "tests", ".github", "Makefile", "INSTALL.txt", "phpstan.neon.dist")
_VERSION = re.compile(r"\$this->version\s*=\s*['\"]([^'\"]+)['\"]")
_AUTOLOADER = re.compile(r"vendor/autoload\.php")

INVENTORY = """\
shop: {shop}
brand: Maison Palier
platform: prestashop

production:
  url: {production.url}
  hosts:
    - ssh: {production.sshd.address}
      identity: {production_identity}
      known_hosts: {production_known_hosts}
  root: {production_root}
  record: {production_record}
  php: {php}
  php_error_log: {production_log}

staging:
  url: {staging.url}
  hosts:
    - ssh: {staging.sshd.address}
      identity: {staging_identity}
      known_hosts: {staging_known_hosts}
  root: {staging_root}
  record: {staging_record}
  php: {php}
  php_error_log: {staging_log}
  mail_port: {mail_port}
  database:
    port: {database_port}
    name: {staging.schema}
    user: {staging.schema}
    password: {{file: {staging_password}}}

allowed_signers: {allowed_signers}

journeys:
  pages: prestashop
  search_term: mug
"""


@dataclass(frozen=True)
class ModuleUpdate:
    """A module that both trees have, in different versions."""

    name: str
    old: str
    new: str


def declared_version(tree: Path, module: str) -> str | None:
    """The version in a module's main file; ``None`` if the tree does not have it."""
    main = tree / "modules" / module / f"{module}.php"
    found = _VERSION.search(main.read_text("utf-8", "replace")) if main.exists() else None
    return found[1] if found else None


def updates(old: Path, new: Path) -> tuple[ModuleUpdate, ...]:
    """What differs between two trees, by name. Modules that a tree has without their libraries are left out."""
    names = sorted(folder.name for folder in (old / "modules").iterdir() if folder.is_dir())
    versions = ((name, declared_version(old, name), declared_version(new, name)) for name in names)
    return tuple(
        ModuleUpdate(name, before, after)
        for name, before, after in versions
        if before and after and before != after and runs(old, name) and runs(new, name)
    )


def runs(tree: Path, module: str) -> bool:
    """Whether a module can run from ``tree``: a source tree carries modules without the libraries that they need.

    What the core's own autoloader knows does not need a ``vendor`` folder of its own.
    """
    folder = tree / "modules" / module
    if (folder / "vendor" / "autoload.php").exists():
        return True
    return module not in LACKING


LACKING = ("ps_googleanalytics",)
"""Modules whose libraries are in their ``vendor`` folder alone, which release tags do not carry."""


def tree_of(variable: str) -> Path | None:
    """The release tree that the environment names; ``None`` if it names none.

    :raises ServiceFailed: if what it names is no release of PrestaShop that can run.
    """
    named = os.environ.get(variable)
    if not named:
        return None
    for needed in ("config/config.inc.php", "vendor/autoload.php", "install/index_cli.php"):
        if not (Path(named) / needed).exists():
            raise ServiceFailed(f"{variable} names {named}, which has no {needed}: it is no PrestaShop release.")
    return Path(named)


class PrestaShopWorld(World):
    """The demo's servers with a PrestaShop on production: the core of ``core``, the modules of ``modules``.

    ``PRESTASHOP_PHP`` names the version of PHP where it is not the newest one: 1.7 does not run on PHP 8.
    """

    def __init__(self, folder: Path, core: Path, modules: Path) -> None:
        super().__init__(folder)
        version = os.environ.get("PRESTASHOP_PHP", "")
        self.apache = Apache(self.folder / "apache", version)
        self.php = program(f"php{version}", f"php{version}-cli")
        self.core = core
        self.modules = modules
        self.inventory = self.folder / "inventories" / f"{SHOP}.yml"
        self.playbook = self.folder / "playbooks" / "modules.yml"

    @property
    def updates(self) -> tuple[ModuleUpdate, ...]:
        """What can be updated: installed here, and of another version in the core's own tree."""
        installed = self.mariadb.admin(f"SELECT name FROM `{self.production.schema}`.{PREFIX}module").split()
        return tuple(each for each in updates(self.modules, self.core) if each.name in installed)

    def _install(self) -> None:
        self._save(orders=None)
        site = self.production
        self.mariadb.admin(f"DROP DATABASE IF EXISTS `{site.schema}`")
        self.mariadb.create(site.schema, site.schema, site.password)
        copy_tree(self.core, self.modules, site.root)
        prepare_installer(site.root)
        run_installer(site, self.mariadb.port, self.php)
        for name in NOT_SERVED:
            _remove(site.root / name)
        (site.root / "admin").rename(site.root / ADMIN_FOLDER)

    def _seed(self, orders: int) -> None:  # noqa: ARG002  (the installer brings its own)
        """The installer's own catalogue and orders are there; the merchant's settings are not."""
        self.mariadb.admin(f"USE `{self.production.schema}`; {merchant_settings(self.mail.port)}")

    def _write_papers(self) -> None:
        paperwork.make_approver(self)
        write_inventory(self)
        write_playbook(self)


def copy_tree(core: Path, modules: Path, root: Path) -> None:
    """The core as document root, with the modules of another tree in place of its own."""
    shutil.rmtree(root, ignore_errors=True)
    left_out = shutil.ignore_patterns(".git", "node_modules")
    shutil.copytree(core, root, symlinks=True, ignore=left_out)
    if modules != core:
        shutil.rmtree(root / "modules")
        shutil.copytree(modules / "modules", root / "modules", symlinks=True)
    for name in LACKING:
        _remove(root / "modules" / name)


def prepare_installer(root: Path) -> None:
    """Let the installer run here: on this PHP, and without language packs from the network."""
    stated = root / "install" / "install_version.php"
    stated.write_text(re.sub(r"(MAXIMUM_PHP_VERSION_ID_',\s*)\d+", r"\g<1>99999", stated.read_text()))
    for name in LANGUAGE_PACKS:
        with zipfile.ZipFile(root / "translations" / name, "w") as pack:
            pack.writestr(*(("en-US/ShopRig.en-US.xlf", A_TRANSLATION) if name.startswith("sf-") else ("en-US/", "")))
    (root / "translations" / "en.gzip").write_bytes(b"")
    for name in ("cache", "logs"):
        (root / "var" / name).mkdir(parents=True, exist_ok=True)


def run_installer(site: Site, database_port: int, php: str) -> None:
    """PrestaShop's own installation. :raises ServiceFailed: with the end of what it said."""
    options = {
        "domain": f"{LOOPBACK}:{site.port}",
        "db_server": f"{LOOPBACK}:{database_port}",
        "db_name": site.schema,
        "db_user": site.schema,
        "db_password": site.password,
        "prefix": PREFIX,
        "name": "Maison Palier",
        "country": "ie",
        "language": "en",
        "firstname": "Camille",
        "lastname": "Palier",
        "email": "patron@maison-palier.example",
        "password": secrets.token_urlsafe(16),
        "ssl": "0",
        "rewrite": "1",
    }
    words = [
        php,
        *("-d", "memory_limit=1G", "-d", "error_reporting=0", "-d", "display_errors=0"),
        "index_cli.php",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    environment = {**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    result = subprocess.run(
        words, cwd=site.root / "install", env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    (site.folder / "install.log").write_text(result.stdout + result.stderr)
    if result.returncode or "successful" not in result.stdout:
        raise ServiceFailed("PrestaShop could not be installed.", why=(result.stdout + result.stderr)[-3000:])


def merchant_settings(mail_port: int) -> str:
    """SQL: mail goes to the customers' server, and every payment is offered in every country that is served."""
    values = {"PS_MAIL_METHOD": "2", "PS_MAIL_SERVER": LOOPBACK, "PS_MAIL_SMTP_PORT": str(mail_port)}
    update = f"UPDATE {PREFIX}configuration SET value = '%s' WHERE name = '%s';"
    settings = [update % (value, name) for name, value in values.items()]
    return "".join(settings) + (
        f"INSERT INTO {PREFIX}configuration (name, value, date_add, date_upd)"
        " VALUES ('CONTACTFORM_SEND_NOTIFICATION_EMAIL', '1', NOW(), NOW());"
        f"INSERT IGNORE INTO {PREFIX}module_country (id_module, id_shop, id_country)"
        f" SELECT DISTINCT p.id_module, p.id_shop, c.id_country FROM {PREFIX}module_country p"
        f" JOIN {PREFIX}country c ON c.active = 1;"
    )


def write_inventory(world: PrestaShopWorld) -> None:
    """The inventory, with the ports of today: what a team would write for this shop."""
    text = INVENTORY.format(
        shop=SHOP,
        php=world.php,
        production=world.production,
        staging=world.staging,
        **paperwork._places("production", world.production),
        **paperwork._places("staging", world.staging),
        production_record=paperwork._word(world.record),
        staging_record=paperwork._word(world.staging.folder / "record"),
        staging_password=paperwork._word(world.staging.password_file),
        mail_port=world.mail_port,
        database_port=world.mariadb.port,
        allowed_signers=paperwork._word(world.allowed_signers),
    )
    paperwork._write(world.inventory, text)


def write_playbook(
    world: PrestaShopWorld,
    only: Iterable[str] = (),
    suites: Iterable[str] = ALL_SUITES,
    without: Container[str] = (),
) -> None:
    """One update for each module whose version differs, or for those of ``only``; packages are zipped folders.

    :param suites: those that are run after each update; at the end all are.
    """
    chosen = tuple(only)
    lines = [f"shop: {SHOP}", "updates:"]
    for update in world.updates:
        if (chosen and update.name not in chosen) or update.name in without:
            continue
        package = world.packages / f"{update.name}-{update.new}.zip"
        sha256 = paperwork.pack(world.core / "modules" / update.name, package)
        lines += [
            f"  - module: {update.name}",
            f'    to: "{update.new}"',
            f"    package: {paperwork._word(f'../packages/{package.name}')}",
            f"    sha256: {sha256}",
            "    reason: {kind: feature, text: The versions that go with this core}",
        ]
    told = [
        f"suites: [{', '.join(suites)}]",
        f"final_suites: [{', '.join(ALL_SUITES)}]",
        "approvals: {required: 1}",
        "",
    ]
    paperwork._write(world.playbook, "\n".join([*lines, *told]))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
