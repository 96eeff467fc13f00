"""What a shop can be told and asked, platform by platform: pure builders of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config.inventory import Environment
    from pipeline.platforms.platform import Platform


def platform_of(name: str, environment: Environment) -> Platform:
    """The platform that an inventory names, for one of its environments."""
    from pipeline.platforms.prestashop import PrestaShop
    from pipeline.platforms.woocommerce import WooCommerce
    from pipeline.platforms.wordpress import WordPress

    if name == "prestashop":
        return PrestaShop(environment)
    return {"wordpress": WordPress, "woocommerce": WooCommerce}[name](environment)
