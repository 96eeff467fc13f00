"""What a shop can be told and asked, platform by platform: pure builders of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config.inventory import Environment
    from pipeline.platforms.platform import Platform


def platform_of(name: str, environment: Environment, payment: str = "") -> Platform:
    """The platform that an inventory names, for one of its environments.

    :param payment: a payment method that a clone keeps on, although it is no offline one.
    """
    from pipeline.platforms.prestashop import PrestaShop
    from pipeline.platforms.woocommerce import WooCommerce
    from pipeline.platforms.wordpress import WordPress

    if name == "prestashop":
        return PrestaShop(environment, payment=payment)
    return {"wordpress": WordPress, "woocommerce": WooCommerce}[name](environment, payment=payment)
