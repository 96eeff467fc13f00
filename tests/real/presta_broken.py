"""Packages that break a PrestaShop in ways that real ones have: made at test time from a module of the release tree.

Each is a whole module with the next version's number, so that nothing but running it tells that it is broken.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.demo import paperwork
from tests.real.prestashop import PrestaShopWorld, declared_version


@dataclass(frozen=True)
class Fault:
    """A module's next version that must be set aside, and what shows it."""

    module: str
    version: str
    shown_by: str
    """A word of the sentence that says why it was set aside."""


PAYMENTS = ("ps_cashondelivery", "ps_checkpayment")
"""Modules of payment that a release may ship; 1.7.8 has only the second."""


def faults(core: Path) -> tuple[Fault, Fault]:
    """The two packages for the modules that this core ships."""
    payment = next(name for name in PAYMENTS if (core / "modules" / name).exists())
    return replace(CHECKOUT, module=payment), MIGRATION


CHECKOUT = Fault(PAYMENTS[0], "2.9.9", "checkout")
"""Dies in a hook that the payment step alone calls, after an upgrade that went well and wrote rows and a table."""

MIGRATION = Fault("ps_customersignin", "2.0.9", "upgrade failed")
"""Its migration fails: PrestaShop switches it off, records the new version, and the console ends with success."""

UPGRADE = """<?php
function upgrade_module_{number}($module)
{{
    Configuration::updateGlobalValue('PALIER_RIG_LEFT_BEHIND', '{module}');
    Db::getInstance()->execute('CREATE TABLE `' . _DB_PREFIX_ . 'rig_left_behind_{module}` (id INT PRIMARY KEY)');
    file_put_contents(_PS_ROOT_DIR_ . '/override/classes/RigLeftBehind.php', '<?php // of {module}');
    return {succeeds};
}}
"""


def package(world: PrestaShopWorld, fault: Fault) -> tuple[Path, str]:
    """The zip of ``fault`` in the world's packages, and its SHA-256."""
    source = world.core / "modules" / fault.module
    folder = world.folder / "broken" / fault.module
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    main = folder / f"{fault.module}.php"
    was = declared_version(world.core, fault.module)
    text = main.read_text("utf-8")
    assert was is not None, f"the release tree has no {fault.module}"
    text = text.replace(f"'{was}'", f"'{fault.version}'", 1)
    if fault.shown_by == CHECKOUT.shown_by:
        begun = re.compile(r"function hookPaymentOptions\([^)]*\)\s*\{")
        assert begun.search(text), f"{fault.module} has no such hook any more"
        text = begun.sub(lambda found: found[0] + "\n        $this->aMethodOfTheNextCore();", text, count=1)
    main.write_text(text, "utf-8")
    migration = folder / "upgrade" / f"upgrade-{fault.version}.php"
    migration.parent.mkdir(exist_ok=True)
    migration.write_text(
        UPGRADE.format(
            number=fault.version.replace(".", "_"),
            module=fault.module,
            succeeds="false" if fault == MIGRATION else "true",
        )
    )
    target = world.packages / f"{fault.module}-{fault.version}.zip"
    return target, paperwork.pack(folder, target)


def add_to_playbook(world: PrestaShopWorld, faults: Iterable[Fault], *, after: int) -> None:
    """Offer the broken packages too, behind the first ``after`` updates of the world's playbook."""
    head, *updates = re.split(r"^(?=  - module: )", world.playbook.read_text("utf-8"), flags=re.MULTILINE)
    last, _, rest = updates.pop().partition("suites:")
    updates = [*updates, last]
    updates[after:after] = [_update(world, fault) for fault in faults]
    paperwork._write(world.playbook, f"{head}{''.join(updates)}suites:{rest}")


def _update(world: PrestaShopWorld, fault: Fault) -> str:
    zipped, sha256 = package(world, fault)
    return (
        f"  - module: {fault.module}\n"
        f'    to: "{fault.version}"\n'
        f"    package: {paperwork._word(f'../packages/{zipped.name}')}\n"
        f"    sha256: {sha256}\n"
        "    reason: {kind: feature, text: Broken by the rig on purpose}\n"
    )
