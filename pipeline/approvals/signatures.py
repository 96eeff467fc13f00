"""Signatures over a manifest's digest, made and checked by OpenSSH's own ``ssh-keygen -Y`` (8.9 or newer).

People sign with the key that they log in with, so there is nothing to enrol; the team's ``allowed_signers`` file says
who is who, from when and until when. No key and no passphrase passes through Palier.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.approvals.manifest import digest
from pipeline.errors import ApprovalMissing, PalierError

NAMESPACE = "palier-release@palier"
"""Keeps a signature made for something else, such as a git commit, from counting here."""

_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n[A-Za-z0-9+/=\n]{1,32768}-----END SSH SIGNATURE-----\n?")
_GOOD = re.compile(r'Good "([^"\n]+)" signature for ([^\n]+) with (\S+) key (SHA256:\S+)\n?')
_PERSON = re.compile(r"[^\W_][\w.@+-]{0,127}")
"""No blanks, no patterns (``*@agency`` names nobody in particular), nothing that could pass for an option."""
_TIMEOUT = 30.0
_TIMEOUT_SIGNING = 300.0
"""Seconds; signing may wait for a passphrase or for a finger on a security key."""


class SignatureRefused(ApprovalMissing):
    """A signature does not count; the sentence says why."""


@dataclass(frozen=True)
class Signer:
    """Who signed. ``principals`` are the names on the first line that allows the key, ``name`` the first of them."""

    name: str
    principals: tuple[str, ...]
    key: str
    """The key's fingerprint, ``SHA256:...``."""


def message(manifest: bytes) -> bytes:
    """The text that is signed: it can be typed from the digest on a screen, without the manifest."""
    return f"palier release manifest\nsha256 {digest(manifest)}\n".encode("ascii")


def sign(manifest: bytes, key: Path) -> str:
    """A signature over the manifest's digest.

    :param key: a private key file, or the public one of a key that the agent holds. A passphrase is asked for by
        ssh-keygen itself, on the terminal.
    :raises PalierError: if the key cannot sign.
    """
    words = ("-Y", "sign", "-n", NAMESPACE, "-f", str(key.absolute()))
    made = _ssh_keygen(words, message(manifest), _TIMEOUT_SIGNING)
    signature = made.stdout.decode("ascii", "replace")
    if made.returncode != 0 or not _ARMOUR.fullmatch(signature):
        raise PalierError(
            f"The key {key} did not sign.",
            why=_said(made),
            next_step="Give a private key file, or the .pub file of a key that ssh-add -l lists.",
        )
    return signature


def verify(manifest: bytes, signature: str, allowed_signers: Path) -> Signer:
    """Who made this signature over this manifest, by the team's file as it is now.

    :raises SignatureRefused: if it is none, is over another manifest, is not for releases, or was made by a key that
        the file does not know, no longer allows, or does not give to exactly one line of people.
    """
    if not _ARMOUR.fullmatch(signature):
        raise SignatureRefused("This is not an SSH signature.")
    if not allowed_signers.is_file():
        raise SignatureRefused(
            f"The file of those who may approve, {allowed_signers}, does not exist.",
            next_step='Name it in the inventory as "allowed_signers".',
        )
    with _kept(signature) as file:
        principals = _principals(file, allowed_signers)
        key = _check(manifest, file, allowed_signers, principals[0])
    return Signer(principals[0], principals, key)


def _principals(signature: Path, allowed_signers: Path) -> tuple[str, ...]:
    """The names of the key that made the signature; a key that is expired or unknown has none."""
    found = _ssh_keygen(("-Y", "find-principals", "-s", str(signature), "-f", str(allowed_signers.absolute())))
    lines = found.stdout.decode("utf-8", "replace").splitlines()
    if found.returncode != 0 or not lines:
        raise SignatureRefused("The key that signed is not allowed to approve, or no longer.", why=_said(found))
    names = tuple(dict.fromkeys(name for line in lines for name in line.split(",")))
    if strange := [name for name in names if not _PERSON.fullmatch(name)]:
        raise SignatureRefused(
            f"The key that signed belongs to {strange[0]!a}, which does not name one person.",
            next_step=f"Give it a plain name or address in {allowed_signers}.",
        )
    return names


def _check(manifest: bytes, signature: Path, allowed_signers: Path, name: str) -> str:
    words = ("-Y", "verify", "-n", NAMESPACE, "-I", name, "-s", str(signature), "-f", str(allowed_signers.absolute()))
    checked = _ssh_keygen(words, message(manifest))
    good = _GOOD.fullmatch(checked.stdout.decode("utf-8", "replace"))
    if checked.returncode != 0 or good is None or (good[1], good[2]) != (NAMESPACE, name):
        raise SignatureRefused(
            f"The signature of {name} does not fit this release: it is void.",
            why="The manifest has changed since, or the signature was made for something else.",
        )
    return good[4]


@contextmanager
def _kept(signature: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="palier-") as folder:
        file = Path(folder) / "signature"
        file.write_text(signature, encoding="ascii")
        yield file


def _ssh_keygen(
    words: Sequence[str], given: bytes = b"", timeout: float = _TIMEOUT
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", *words], input=given, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise PalierError(
            "ssh-keygen is not installed.", next_step="Install OpenSSH's client (8.9 or newer)."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PalierError(f"ssh-keygen did not answer within {timeout:g} s.") from error


def _said(ended: subprocess.CompletedProcess[bytes]) -> str:
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
