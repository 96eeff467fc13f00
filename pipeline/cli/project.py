"""The folder that Palier is started in: its inventories, its playbooks, and ``.palier`` where it keeps its own."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config.inventory import Inventory
    from pipeline.config.playbook import Playbook
    from pipeline.events import Emit
    from pipeline.steps.site import Shop


@dataclass(frozen=True)
class Project:
    """Where inventories are found, who is asking, and how much is shown."""

    root: Path
    verbose: bool = False

    @staticmethod
    def at(root: str, *, verbose: bool) -> Project:
        return Project(Path(root).absolute(), verbose)

    @property
    def home(self) -> Path:
        """``.palier``: ledgers, packages and evidence on this machine."""
        return self.root / ".palier"

    @property
    def who(self) -> str:
        """The person, as locks, records and releases name them; in a job of GitLab or GitHub, who started it."""
        told = (os.environ.get(name) for name in ("PALIER_USER", "GITLAB_USER_EMAIL", "GITHUB_ACTOR"))
        name = next(filter(None, told), "") or getpass.getuser()
        return name if "@" in name else f"{name}@{socket.gethostname()}"

    def inventory(self, shop: str) -> Inventory:
        """The inventory of ``shop``. :raises ConfigError: if there is none, or it has mistakes."""
        from pipeline.config.loader import find_inventory, load_inventory

        return load_inventory(find_inventory(shop, self.root))

    def playbook(self, inventory: Inventory, path: str) -> Playbook:
        """A playbook for ``inventory``. :raises ConfigError: if it has mistakes or is another shop's."""
        from pipeline.config.loader import check_pair, load_playbook

        playbook = load_playbook(Path(path))
        check_pair(inventory, playbook)
        return playbook

    def shop_of(self, run: str) -> str:
        """The shop whose run ``run`` is, by what this machine knows."""
        shops = sorted(path.stem for path in (self.root / "inventories").glob("*.yml"))
        known = [path.parts[-3] for path in self.home.glob(f"*/runs/{run}")]
        if len(known) == 1:
            return known[0]
        if len(shops) == 1:
            return shops[0]
        raise ConfigError(f"Which shop's run is {run}?", next_step=f"Say it: palier approve {run} --shop SHOP")

    @contextmanager
    def opened(self, shop: str, *, staging_may_be_away: bool = False) -> Iterator[Shop]:
        """The shop, connected."""
        from pipeline.steps.site import opened

        with opened(self.inventory(shop), self.home, staging_may_be_away=staging_may_be_away) as found:
            yield found

    def emit(self) -> Emit:
        """How events are shown here."""
        from pipeline.cli.draw import Drawing

        return Drawing(verbose=self.verbose)
