"""The demo's inventory, playbook, packages and approver: what a team would write for its own shop."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.demo.sshd import make_key
from pipeline.demo.wordpress import WP_CLI

if TYPE_CHECKING:
    from pipeline.demo.world import Site, World

SHOP = "demo"
APPROVER = "camille@maison-palier.example"
SHOP_FOLDER = Path(__file__).parent / "shop"
PLUGIN = SHOP_FOLDER / "palier-shop"


@dataclass(frozen=True)
class Module:
    """One updatable module of the demo: the version that production has, the one it is offered, and the reason."""

    name: str
    old: str
    new: str
    kind: str
    text: str
    reference: str = ""

    @property
    def version_option(self) -> str:
        return f"{self.name.replace('-', '_')}_version"

    def folder(self, version: str) -> Path:
        return SHOP_FOLDER / "modules" / self.name / version / self.name


MODULES = (
    Module(
        "shop-loyalty", "1.0.0", "1.1.0", "feature", "The loyalty programme that marketing announced for the season"
    ),
    Module(
        "shop-contact", "2.3.0", "2.3.1", "security", "The contact form let a sender add mail headers", "MP-SEC-2026-04"
    ),
    Module("shop-invoice", "3.1.0", "3.2.0", "feature", "Payment by invoice shows its due date"),
    Module("shop-stats", "1.4.0", "1.5.0", "feature", "The weekly report that the merchant asked for", "MP-181"),
    Module("shop-search", "2.0.0", "2.1.0", "malfunction", "Searches with an accent miss products", "MP-174"),
    Module("shop-filters", "1.2.0", "1.3.0", "feature", "Filters by price on the search page"),
)

INVENTORY = """\
# The demo's shop, written by `palier demo`. One's own needs about ten of these lines; see the README.
shop: {shop}
brand: Maison Palier
contact: bonjour@maison-palier.example
platform: wordpress

production:
  url: {production.url}
  hosts:
    - ssh: {production.sshd.address}
      identity: {production_identity}
      known_hosts: {production_known_hosts}
  root: {production_root}
  record: {production_record}
  wp_cli: {wp_cli}
  php_error_log: {production_log}

staging:
  url: {staging.url}
  hosts:
    - ssh: {staging.sshd.address}
      identity: {staging_identity}
      known_hosts: {staging_known_hosts}
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

# What the shop's own tables hold; WordPress's own are known.
tables:
  business: [shop_customers, shop_carts, shop_cart_lines, shop_orders, shop_order_lines, shop_messages, shop_loyalty]
  mixed: [shop_products]
  throwaway: [shop_sessions, shop_log]
  counters: {{shop_products: [stock]}}
  personal:
    shop_customers:
      email: email
      name: name
      phone: phone
      address: address
      postcode: address
      city: address
      country: keep
    shop_orders:
      email: email
      name: name
      phone: phone
      address: address
      postcode: address
      city: address
      country: keep
      note: text
      cart_token: secret
    shop_order_lines: {{sku: keep, name: keep}}
    shop_carts: {{token: secret}}
    shop_messages: {{name: name, email: email, message: text}}

journeys:
  pages: demo
  search_term: bol

modules:
{modules}
"""

PLAYBOOK = """\
# Six updates of the demo's shop, each with its reason. Three of them are not what they seem.
shop: {shop}
updates:
{updates}
approvals:
  required: 1
"""

UPDATE = """\
  - module: {module.name}
    to: "{module.new}"
    package: {package}
    sha256: {sha256}
    reason:
      kind: {module.kind}
      text: {text}
"""


def pack(folder: Path, target: Path) -> str:
    """Zip ``folder`` as a vendor would, the folder itself on top; equal files give equal bytes. Returns the SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(
                f"{folder.name}/{path.relative_to(folder).as_posix()}", date_time=(2026, 1, 1, 0, 0, 0)
            )
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes())
    return hashlib.sha256(target.read_bytes()).hexdigest()


def write_packages(folder: Path) -> dict[str, str]:
    """The new version of every module as ``<folder>/<name>-<version>.zip``; returns module -> SHA-256."""
    return {module.name: pack(module.folder(module.new), folder / package_name(module)) for module in MODULES}


def package_name(module: Module) -> str:
    return f"{module.name}-{module.new}.zip"


def write_playbook(world: World) -> None:
    """The playbook and its packages, each pinned by its hash."""
    hashes = write_packages(world.packages)
    updates = "".join(_update(module, hashes[module.name]) for module in MODULES)
    _write(world.playbook, PLAYBOOK.format(shop=SHOP, updates=updates.rstrip("\n")))


def write_inventory(world: World) -> None:
    """The inventory, with the ports of today."""
    modules = "\n".join(f"  {module.name}: {{version_option: {module.version_option}}}" for module in MODULES)
    text = INVENTORY.format(
        shop=SHOP,
        production=world.production,
        staging=world.staging,
        **_places("production", world.production),
        **_places("staging", world.staging),
        production_record=_word(world.record),
        staging_record=_word(world.staging.folder / "record"),
        staging_password=_word(world.staging.password_file),
        mail_port=world.mail_port,
        database_port=world.mariadb.port,
        wp_cli=_word(WP_CLI),
        allowed_signers=_word(world.allowed_signers),
        modules=modules,
    )
    _write(world.inventory, text)


def make_approver(world: World) -> None:
    """A person's SSH key, and the file that says whose signature counts."""
    world.approver_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_key(world.approver_key, APPROVER)
    kind, key = world.approver_key.with_suffix(".pub").read_text().split()[:2]
    _write(world.allowed_signers, f"{APPROVER} {kind} {key}\n")


def _update(module: Module, sha256: str) -> str:
    text = UPDATE.format(
        module=module, package=_word(f"../packages/{package_name(module)}"), sha256=sha256, text=_word(module.text)
    )
    return text + (f"      reference: {_word(module.reference)}\n" if module.reference else "")


def _places(role: str, site: Site) -> dict[str, str]:
    return {
        f"{role}_identity": _word(site.sshd.identity),
        f"{role}_known_hosts": _word(site.sshd.known_hosts),
        f"{role}_root": _word(site.root),
        f"{role}_log": _word(site.php_error_log),
    }


def _word(value: str | Path) -> str:
    """A YAML scalar: JSON's strings are YAML's, and survive every path."""
    return json.dumps(str(value), ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
