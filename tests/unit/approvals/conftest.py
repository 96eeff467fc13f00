"""Real keys, made by the real ssh-keygen, and a release to sign."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.approvals.manifest import Manifest, ReleasedModule, SetAside, SuiteEvidence, canonical
from pipeline.config.inventory import Approvals
from pipeline.config.playbook import Reason

MakeKey = Callable[..., Path]


def release(**changes: object) -> Manifest:
    values: dict[str, object] = {
        "shop": "maison-du-the",
        "run": "20261121T190102Z-update-0a1b",
        "created": "2026-11-21T19:01:02Z",
        "ran_by": "chloe@laptop",
        "approvals": Approvals(),
        "production": "https://shop.example",
        "base": "a" * 40,
        "head": "b" * 40,
        "base_tree": "c" * 64,
        "playbook": "9" * 64,
        "modules": (
            ReleasedModule(
                name="shop-contact", from_="2.3.0", to="2.3.1", sha256="d" * 64, tree="e" * 64,
                reason=Reason(kind="security", text="script stockée dans le formulaire", reference="CVE-2026-1"),
            ),
        ),
        "footprint": {"altered": ["wp_options"], "added": [], "removed": [], "rewritten": []},
        "rows": {"wp_options": {"added": 3, "changed": 1, "removed": 0}},
        "evidence": {"checkout": SuiteEvidence(result="passed", junit="f" * 64)},
        "quarantined": (SetAside(module="shop-stats", to="1.5.0", reason="two orders where one was placed"),),
    }  # fmt: skip
    return Manifest(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def manifest() -> bytes:
    return canonical(release())


@pytest.fixture
def make_key(tmp_path: Path) -> MakeKey:
    def make(name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        key = tmp_path / "keys" / name
        key.parent.mkdir(exist_ok=True)
        size = ["-b", "3072"] if kind == "rsa" else []
        words = ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", name, "-f", str(key)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        return key

    return make


@pytest.fixture
def allow(tmp_path: Path) -> Callable[..., Path]:
    """Writes the allowed_signers file: one line for each (principals, key, options)."""

    def write(*lines: tuple[str, Path] | tuple[str, Path, str]) -> Path:
        file = tmp_path / "allowed_signers"
        text = ""
        for name, key, *options in lines:
            public = key.with_suffix(".pub").read_text().split(" ")[:2]
            text += " ".join([name, *options, *public]) + "\n"
        file.write_text(text)
        return file

    return write
