"""Which platform stands in a folder, told from its files alone: questions in plain shell, and readers of the answers.

Nothing is booted: a shop that is broken, or whose code is not to be trusted yet, is recognised all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

from pipeline.platforms.platform import Configuration
from pipeline.platforms.wordpress.configuration import address
from pipeline.remote.command import Command, Secret, script

PlatformName = Literal["wordpress", "woocommerce", "prestashop"]
_SCRIPT = (files("pipeline.platforms") / "recognise.sh").read_text("utf-8")
_DEFINE = re.compile(
    r"""^[^\n#/*]*?\bdefine\s*\(\s*(['"])(?P<name>[A-Z_]+)\1\s*,\s*(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\$]|\\.)*"|[A-Za-z0-9.+-]+)\s*\)""",
    re.MULTILINE,
)
_PARAMETER = re.compile(
    r"""^\s*'(?P<name>database_\w+)'\s*=>\s*(?P<value>'(?:[^'\\]|\\.)*'|NULL|null|[0-9]+)\s*,""", re.MULTILINE
)
_YAML_PARAMETER = re.compile(
    r"""^\s+(?P<name>database_\w+):[ \t]*(?P<value>'[^'\n]*'|"[^"\n]*"|[^\s#]*)""", re.MULTILINE
)


@dataclass(frozen=True)
class Facts:
    """What the host told about a folder; a key may have been answered several times."""

    told: Mapping[str, tuple[str, ...]]

    def one(self, key: str) -> str:
        """The first answer, or empty."""
        return self.told.get(key, ("",))[0]

    def all(self, key: str) -> tuple[str, ...]:
        return self.told.get(key, ())

    def has(self, file: str) -> bool:
        return file in self.all("has")

    @property
    def platform(self) -> PlatformName | None:
        """What stands there, or ``None``."""
        if self.one("wordpress"):
            return "woocommerce" if self.one("woocommerce") else "wordpress"
        return "prestashop" if self.one("prestashop") else None

    @property
    def version(self) -> str:
        name = self.platform
        return self.one("prestashop" if name == "prestashop" else "wordpress")

    @property
    def shown(self) -> str:
        """The platform and its version, as people say it."""
        if self.platform == "prestashop":
            return f"PrestaShop {self.one('prestashop')}"
        with_shop = f" with WooCommerce {self.one('woocommerce')}" if self.one("woocommerce") else ""
        return f"WordPress {self.one('wordpress')}{with_shop}"

    @property
    def configuration_file(self) -> str:
        """The file that names the database, relative to the document root; empty if there is none."""
        known = {
            "prestashop": ("app/config/parameters.php", "app/config/parameters.yml", "config/settings.inc.php"),
        }.get(self.platform or "", ("wp-config.php", "../wp-config.php"))
        return next((file for file in known if self.has(file)), "")

    @property
    def web_users(self) -> tuple[str, ...]:
        """Users that PHP may run as, the likeliest first: those whose files it writes."""
        running = dict.fromkeys(line.split()[0] for line in self.all("web"))
        writers = [user for user in dict.fromkeys(self.all("writer")) if user in running]
        return tuple(dict.fromkeys([*writers, *running]))


def questions(root: str) -> Command:
    """Asks everything about the folder ``root``; read the answer with :func:`read`."""
    return script(_SCRIPT, root)


def read(output: str) -> Facts:
    """Read what :func:`questions` printed."""
    told: dict[str, list[str]] = {}
    for line in output.splitlines():
        key, tab, value = line.partition("\t")
        if tab and value.strip():
            told.setdefault(key, []).append(value.strip())
    return Facts({key: tuple(values) for key, values in told.items()})


@dataclass(frozen=True)
class Settings:
    """What the configuration file says. ``configuration`` is ``None`` where it computes what it should state."""

    configuration: Configuration | None
    constants: Mapping[str, str] = field(default_factory=dict)


def settings(facts: Facts, text: str) -> Settings:
    """Read the shop's configuration file as text; a value that is computed there is not guessed."""
    return _prestashop(text) if facts.platform == "prestashop" else _wordpress(text)


def _wordpress(text: str) -> Settings:
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    constants = {found["name"]: _php(found["value"]) for found in _DEFINE.finditer(plain)}
    prefix = re.search(r"""^\s*\$table_prefix\s*=\s*(['"])(\w+)\1\s*;""", plain, re.MULTILINE)
    if prefix is None or not {"DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST"} <= constants.keys():
        return Settings(None, constants)
    host, port, socket = address(constants["DB_HOST"])
    password = Secret(constants.pop("DB_PASSWORD"))
    own = Configuration(constants["DB_NAME"], constants["DB_USER"], password, host, port, socket, prefix[2])
    return Settings(own, constants)


def _prestashop(text: str) -> Settings:
    form = _PARAMETER if "<?php" in text[:200] else _YAML_PARAMETER
    told = {found["name"]: _php(found["value"]) for found in form.finditer(text)}
    old = {found["name"]: _php(found["value"]) for found in _DEFINE.finditer(text)}
    if "_DB_NAME_" in old:
        names = {
            "name": "_DB_NAME_",
            "user": "_DB_USER_",
            "password": "_DB_PASSWD_",
            "host": "_DB_SERVER_",
            "prefix": "_DB_PREFIX_",
        }
        told = {f"database_{key}": old.get(name, "") for key, name in names.items()}
    if not {"database_name", "database_user", "database_host"} <= told.keys():
        return Settings(None)
    host, port, socket = address(told["database_host"])
    if told.get("database_port", "").isdigit():
        port = int(told["database_port"])
    password, prefix = Secret(told.get("database_password", "")), told.get("database_prefix", "")
    if not re.fullmatch(r"\w*", prefix):  # it becomes part of statements
        return Settings(None)
    return Settings(Configuration(told["database_name"], told["database_user"], password, host, port, socket, prefix))


def _php(literal: str) -> str:
    """The value of a plain PHP (or YAML) literal."""
    if literal[:1] in {"'", '"'}:
        return re.sub(r"\\(['\"\\])", r"\1", literal[1:-1])
    return "" if literal.lower() in {"null", "~"} else literal


def said_by_database(platform: PlatformName, prefix: str) -> dict[str, str]:
    """What the shop's tables are asked: question → SQL that answers with one value."""
    if platform == "prestashop":
        setting = f"SELECT value FROM `{prefix}configuration` WHERE name = '{{}}' ORDER BY id_shop IS NOT NULL LIMIT 1"  # noqa: S608
        shop = f"FROM `{prefix}shop_url` WHERE main = 1 AND active = 1 ORDER BY id_shop LIMIT 1"
        return {
            "domain": f"SELECT domain {shop}",
            "domain_ssl": f"SELECT domain_ssl {shop}",
            "path": f"SELECT CONCAT(physical_uri, virtual_uri) {shop}",
            "ssl": setting.format("PS_SSL_ENABLED"),
            "brand": setting.format("PS_SHOP_NAME"),
            "contact": setting.format("PS_SHOP_EMAIL"),
            "sites": f"SELECT COUNT(*) FROM `{prefix}shop` WHERE active = 1 AND deleted = 0",  # noqa: S608
            "theme": f"SELECT theme_name FROM `{prefix}shop` WHERE active = 1 AND deleted = 0 ORDER BY id_shop LIMIT 1",  # noqa: S608
            **_prestashop_goods(prefix),
        }
    option = f"SELECT option_value FROM `{prefix}options` WHERE option_name = '{{}}'"  # noqa: S608
    return {
        "home": option.format("home"),
        "siteurl": option.format("siteurl"),
        "brand": option.format("blogname"),
        "theme": option.format("stylesheet"),
        "plugins": option.format("active_plugins"),
        "hpos": option.format("woocommerce_custom_orders_table_enabled"),
        "product": f"SELECT post_title FROM `{prefix}posts` WHERE post_type = 'product' AND post_status = 'publish' "  # noqa: S608
        "ORDER BY ID LIMIT 1",
        **(_woocommerce_goods(prefix) if platform == "woocommerce" else {}),
    }


OFFLINE = {
    "prestashop": ("ps_wirepayment", "ps_checkpayment", "ps_cashondelivery"),
    "woocommerce": ("bacs", "cheque", "cod"),
}
"""Payments that need nobody outside the shop, as the shop's forms call them."""


def _prestashop_goods(prefix: str) -> dict[str, str]:
    """A product that anybody can buy, most of it in stock; the words that it is found by; payments that are on."""
    simple = (
        "p.active = 1 AND p.visibility = 'both' AND p.available_for_order = 1 AND p.price > 0 AND p.customizable = 0 "
        "AND p.cache_default_attribute = 0 AND p.is_virtual = 0 AND p.cache_is_pack = 0 AND p.minimal_quantity <= 1"
    )
    names = ", ".join(f"'{name}'" for name in OFFLINE["prestashop"])
    goods = (
        f"FROM `{prefix}product` p JOIN `{prefix}product_lang` l USING (id_product) JOIN `{prefix}stock_available` s "
        "ON s.id_product = p.id_product AND s.id_product_attribute = 0 "
        f"WHERE {simple} AND (s.quantity > 0 OR s.out_of_stock = 1) "
        "ORDER BY s.quantity DESC, l.id_shop, l.id_lang, p.id_product LIMIT 1"
    )
    return {
        "product": f"SELECT name FROM `{prefix}product_lang` l JOIN `{prefix}product` p USING (id_product) "  # noqa: S608
        "WHERE p.active = 1 AND p.visibility = 'both' ORDER BY l.id_shop, l.id_lang, l.id_product LIMIT 1",
        "goods": f"SELECT CONCAT(p.id_product, ' ', l.name) {goods}",
        "words": f"SELECT GROUP_CONCAT(DISTINCT w.word SEPARATOR ' ') FROM `{prefix}search_word` w "  # noqa: S608
        f"JOIN `{prefix}search_index` i USING (id_word) JOIN (SELECT p.id_product {goods}) g USING (id_product)",
        "offline": f"SELECT GROUP_CONCAT(DISTINCT m.name ORDER BY m.name SEPARATOR ' ') FROM `{prefix}module` m "  # noqa: S608
        f"JOIN `{prefix}module_shop` s USING (id_module) WHERE m.active = 1 AND m.name IN ({names})",
    }


def _woocommerce_goods(prefix: str) -> dict[str, str]:
    """As :func:`_prestashop_goods`; and the pages, whose addresses the shop's language decides."""

    def has(taxonomy: str, *slugs: str) -> str:
        listed = ", ".join(f"'{slug}'" for slug in slugs)
        return (
            f"EXISTS (SELECT 1 FROM `{prefix}term_relationships` r JOIN `{prefix}term_taxonomy` x "  # noqa: S608
            f"USING (term_taxonomy_id) JOIN `{prefix}terms` t USING (term_id) WHERE r.object_id = p.ID "
            f"AND x.taxonomy = '{taxonomy}' AND t.slug IN ({listed}))"
        )

    def page(option: str) -> str:
        return (
            f"SELECT CONCAT(p.ID, ' ', p.post_name) FROM `{prefix}posts` p JOIN `{prefix}options` o "  # noqa: S608
            f"ON o.option_value = p.ID WHERE o.option_name = 'woocommerce_{option}_page_id' LIMIT 1"
        )

    simple = has("product_type", "simple")
    hidden = has("product_visibility", "exclude-from-search", "exclude-from-catalog")
    return {
        "goods": f"SELECT CONCAT(p.ID, ' ', p.post_title) FROM `{prefix}posts` p "  # noqa: S608
        f"JOIN `{prefix}wc_product_meta_lookup` l ON l.product_id = p.ID WHERE p.post_type = 'product' "
        "AND p.post_status = 'publish' AND p.post_password = '' AND l.stock_status = 'instock' AND l.min_price > 0 "
        f"AND l.`virtual` = 0 AND l.downloadable = 0 AND {simple} AND NOT {hidden} "
        "ORDER BY l.stock_quantity DESC, p.ID LIMIT 1",
        "offline": "SELECT GROUP_CONCAT(REPLACE(REPLACE(option_name, 'woocommerce_', ''), '_settings', '') "  # noqa: S608
        f"SEPARATOR ' ') FROM `{prefix}options` WHERE option_name IN "
        "('woocommerce_bacs_settings', 'woocommerce_cheque_settings', 'woocommerce_cod_settings') "
        'AND option_value LIKE \'%"enabled";s:3:"yes"%\'',
        "cart": page("cart"),
        "account": page("myaccount"),
        "contact_page": f"SELECT CONCAT(ID, ' ', post_name) FROM `{prefix}posts` WHERE post_type = 'page' "  # noqa: S608
        "AND post_status = 'publish' AND (post_content LIKE '%[contact-form-7%' "
        "OR post_content LIKE '%wp:contact-form-7%' OR post_name = 'contact') "
        "ORDER BY post_content LIKE '%contact-form-7%' DESC, post_name = 'contact' DESC, ID LIMIT 1",
    }


def url_of(platform: PlatformName, told: Mapping[str, str], constants: Mapping[str, str]) -> str:
    """The address that visitors type, or empty."""
    if platform == "prestashop":
        secure = told.get("ssl") == "1"
        domain = told.get("domain_ssl" if secure else "domain", "")
        return f"{'https' if secure else 'http'}://{domain}{told.get('path', '/')}".rstrip("/") if domain else ""
    return (constants.get("WP_HOME") or told.get("home") or told.get("siteurl", "")).rstrip("/")


def numbered(told: str) -> tuple[str, str]:
    """``"6 Mug"`` → its number and its name; both empty if nothing was told."""
    number, _, name = told.partition(" ")
    return (number, name) if number.isdigit() else ("", "")


def search_term(product: str, known: str = "") -> str:
    """A word that a search must find a product by: the longest of its name that the shop's index knows.

    :param known: the words of that index, where the platform has one.
    """
    indexed = set(known.split())
    found = [word for word in re.findall(r"\w{3,}", product) if word.lower() in indexed]
    words = found or re.findall(r"\w{4,}", product) or re.findall(r"\w{3,}", product)
    return max(words, key=len).lower() if words else ""
