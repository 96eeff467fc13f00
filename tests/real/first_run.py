"""A team's first run on a shop that it knows nothing of: the commands as they are typed, and no file edited by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.demo.sshd import Sshd
from pipeline.demo.world import World

PALIER = (sys.executable, "-c", "from pipeline.cli import main; main()")

ADVISORY = """\
advisories:
  - id: TEAM-1
    module: {module}
    affected: "< 2.0.3"
    title: Found by the team itself
"""


@dataclass
class Said:
    """What one command said, and how it ended."""

    words: tuple[str, ...]
    status: int
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class FirstRun:
    """An empty project folder, somebody at a keyboard in it, and a world whose shop is to be updated.

    :param weak: a module that the team knows a weakness of.
    :param own: more words for init that only this world needs, such as where the platform's command-line tool lies.
    """

    world: World
    shop: str
    weak: str
    own: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.world.folder / "team"

    def palier(self, *words: str, ends_with: int = 0) -> Said:
        """Run one command. Nobody sits at a terminal: what is not said on the command line is not known."""
        self.project.mkdir(exist_ok=True)
        began = time.monotonic()
        done = subprocess.run(
            [*PALIER, *words],
            cwd=self.project,
            env={**os.environ, "PALIER_USER": "robin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = Said(words, done.returncode, done.stdout, done.stderr, time.monotonic() - began)
        self.seconds[words[0]] = round(said.seconds, 1)
        assert said.status == ends_with, f"palier {' '.join(words)}: {said.status}\n{said.out}\n{said.err}"
        return said

    def init(self) -> Said:
        """The inventory, all of it from what the host tells and the answers on the command line."""
        here, there = self.world.production, self.world.staging
        answers = {
            "production.record": str(self.world.record),
            "staging.record": str(there.folder / "record"),
            "staging.database.name": there.schema,
            "staging.database.user": there.schema,
            "staging.database.password.file": str(there.password_file),
            "allowed_signers": str(self.world.allowed_signers),
            "packages": str(self.world.packages),
            "advisories": "[{kind: team, at: own-advisories.yml}]",
        }
        self.project.mkdir(exist_ok=True)
        (self.project / "own-advisories.yml").write_text(ADVISORY.format(module=self.weak))
        return self.palier(
            "init", self.shop,
            *("--host", here.sshd.address, "--path", str(here.root), "--identity", str(here.sshd.identity)),
            *("--host-key", fingerprint(here.sshd)),
            *("--staging", there.sshd.address, "--staging-path", str(there.root), "--staging-url", there.url),
            *("--staging-identity", str(there.sshd.identity), "--staging-host-key", fingerprint(there.sshd)),
            *(word for key, value in answers.items() for word in ("--set", f"{key}={value}")),
            *self.own,
        )  # fmt: skip

    def plan(self, modules: Sequence[str]) -> Said:
        """A playbook of these modules' newer packages, which nobody has a reason for but that they are there."""
        include = [word for module in modules for word in ("--include", module)]
        return self.palier("plan", self.shop, "-o", "playbooks/first.yml", *include)

    def update(self) -> str:
        """Clone and try the playbook; returns the run."""
        outcome = self.palier("update", self.shop, "playbooks/first.yml", "--json").json()
        return str(outcome["run"])


def fingerprint(sshd: Sshd) -> str:
    """What the host's administrator gives to those who ask: ``SHA256:…``."""
    words = ["ssh-keygen", "-lf", str(sshd.folder / "host_ed25519.pub")]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]
