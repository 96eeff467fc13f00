"""A WooCommerce shop out of a release tree that the caller supplies, in a world of its own, as the demo has one."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.demo import paperwork, wordpress
from pipeline.demo.process import ServiceFailed
from pipeline.demo.world import World

SHOP = "woo"
PARTS = Path(__file__).parent / "woocommerce_shop"
THEMES = "wp-content/themes"

INVENTORY = """\
shop: {shop}
brand: Maison Palier
platform: woocommerce
production:
  url: {production.url}
  hosts:
    - {{ssh: {production.sshd.address}, identity: {production_identity}, known_hosts: {production_known_hosts}}}
  root: {production_root}
  record: {production_record}
  wp_cli: {wp_cli}
  php_error_log: {production_log}
staging:
  url: {staging.url}
  hosts:
    - {{ssh: {staging.sshd.address}, identity: {staging_identity}, known_hosts: {staging_known_hosts}}}
  root: {staging_root}
  record: {staging_record}
  wp_cli: {wp_cli}
  php_error_log: {staging_log}
  mail_port: {mail_port}
  database:
    port: {database_port}
    name: {staging.schema}
    user: {staging.schema}
    password: {{file: {staging_password}}}
allowed_signers: {allowed_signers}
journeys:
  pages: woocommerce
  search_term: bleu
"""

PLAYBOOK = """\
shop: {shop}
updates:
  - module: woocommerce
    to: "{version}"
    package: {package}
    reason: {{kind: malfunction, text: The shop's own code grows old}}
approvals: {{required: 1}}
"""


@dataclass(frozen=True)
class Variant:
    """How a shop shows its cart and checkout, and where it keeps its orders. Both kinds of both are common."""

    checkout: Literal["blocks", "shortcodes"]
    orders: Literal["hpos", "posts"]

    def __str__(self) -> str:
        return f"{self.checkout}-{self.orders}"


VARIANTS = tuple(Variant(checkout, orders) for checkout in ("blocks", "shortcodes") for orders in ("hpos", "posts"))


def tree_of(variable: str) -> Path | None:
    """The release tree that the environment names; ``None`` if it names none.

    :raises ServiceFailed: if what it names is no release of WooCommerce.
    """
    named = os.environ.get(variable)
    if not named:
        return None
    version(Path(named))
    return Path(named)


def version(tree: Path) -> str:
    """The version that a release tree says it is. :raises ServiceFailed: if it is no release tree."""
    main = tree / "woocommerce.php"
    found = re.search(r"^ \* Version: (\S+)$", main.read_text("utf-8"), re.MULTILINE) if main.exists() else None
    if found is None or not (tree / "vendor" / "autoload.php").exists():
        raise ServiceFailed(
            f"{tree} is no release of WooCommerce.",
            why="A release has woocommerce.php with a version, and its libraries in vendor/; a checkout has not.",
            next_step="Unpack the zip of the release and name its folder.",
        )
    return found[1]


def copy_release(tree: Path, target: Path) -> Path:
    """A release as its zip unpacks; ``tree`` stays as it is.

    A tree that came through a file system without case may name a file otherwise than WooCommerce asks for it.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(tree, target)
    listed = (target / "vendor" / "composer" / "jetpack_autoload_classmap.php").read_text("utf-8")
    for name in re.findall(r"\$baseDir \. '(/src/[^']+)'", listed):
        wanted = target / name.lstrip("/")
        if not wanted.exists() and wanted.parent.is_dir():
            for found in wanted.parent.iterdir():
                if found.name.lower() == wanted.name.lower():
                    found.rename(wanted)
    return target


def _own_files(configuration: Path) -> None:
    """WordPress writes its files itself although PHP is another user here: else it would ask for an FTP account."""
    text = configuration.read_text("utf-8")
    configuration.write_text(text.replace("<?php\n", "<?php\ndefine( 'FS_METHOD', 'direct' );\n", 1), "utf-8")


class WooCommerceWorld(World):
    """A world whose shop is WooCommerce, with the same servers, the same record and the same way back as the demo's.

    :param tree: the release that production runs.
    :param newer: the release that it is offered.
    """

    def __init__(self, folder: Path, tree: Path, variant: Variant, newer: Path | None = None) -> None:
        super().__init__(folder)
        self.tree, self.newer, self.variant = tree, newer, variant
        self.inventory = self.folder / "inventories" / f"{SHOP}.yml"
        self.playbook = self.folder / "playbooks" / "woocommerce.yml"

    def _install(self) -> None:
        """WordPress, the release, a theme and a contact form; then what a merchant would click together."""
        wordpress.require_core()
        self._save(orders=None)
        site, cache = self.production, self.folder / "wp-cli"
        account = wordpress.Account(site.schema, site.schema, site.password, self.mariadb.port)
        self.mariadb.admin(f"DROP DATABASE IF EXISTS `{site.schema}`")
        self.mariadb.create(site.schema, site.schema, site.password)
        wordpress.copy_core(site.root)
        wordpress.write_configuration(site.root, account)
        _own_files(site.root / "wp-config.php")
        shutil.copytree(PARTS / "maison-classic", site.root / THEMES / "maison-classic")
        release = copy_release(self.tree, self.folder / "release" / "woocommerce")
        plugins = [release, PARTS / "maison-contact"]
        wordpress.install(site.root, site.url, plugins, title="Maison Palier", cache=cache)
        said = wordpress.wp(
            site.root, cache, "eval-file", str(PARTS / "setup.php"), self.variant.checkout, self.variant.orders
        )
        if json.loads(said.splitlines()[-1])["orders"] != self.variant.orders:
            raise ServiceFailed("The WooCommerce shop was not set up.", why=said[-1000:])
        wordpress.wp(site.root, cache, "action-scheduler", "run")
        wordpress.wp(site.root, cache, "rewrite", "flush")

    def _seed(self, orders: int) -> None:
        """The shop was stocked when it was installed: by WooCommerce itself, which alone knows its tables."""

    def _write_papers(self) -> None:
        paperwork.make_approver(self)
        word = paperwork._word
        text = INVENTORY.format(
            shop=SHOP,
            production=self.production,
            staging=self.staging,
            **paperwork._places("production", self.production),
            **paperwork._places("staging", self.staging),
            production_record=word(self.record),
            staging_record=word(self.staging.folder / "record"),
            staging_password=word(self.staging.password_file),
            mail_port=self.mail_port,
            database_port=self.mariadb.port,
            wp_cli=word(wordpress.WP_CLI),
            allowed_signers=word(self.allowed_signers),
        )
        self.inventory.parent.mkdir(parents=True, exist_ok=True)
        self.inventory.write_text(text, "utf-8")
        if self.newer is not None:
            self._write_playbook(self.newer)

    def _write_playbook(self, newer: Path) -> None:
        package = self.packages / f"woocommerce-{version(newer)}.zip"
        if not package.exists():
            paperwork.pack(copy_release(newer, self.folder / "newer" / "woocommerce"), package)
        self.playbook.parent.mkdir(parents=True, exist_ok=True)
        text = PLAYBOOK.format(shop=SHOP, version=version(newer), package=f"../packages/{package.name}")
        self.playbook.write_text(text, "utf-8")
