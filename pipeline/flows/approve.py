"""Approve: a person reads what would be promoted, and signs its digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ApprovalMissing
from pipeline.steps import release
from pipeline.steps.release import Release
from pipeline.steps.site import Shop


@dataclass(frozen=True)
class Pending:
    """A release to be signed, and its text for people."""

    release: Release
    text: str


def pending(shop: Shop, run: str) -> Pending:
    """The release of ``run``. :raises Refused: if there is none, or it was changed."""
    found = release.read(shop, run)
    return Pending(found, release.told(shop, found))


def sign(shop: Shop, found: Pending, key: Path) -> str:
    """Sign with the key in the file ``key``; returns the signer's name.

    :raises ApprovalMissing: if that key may not approve this shop's releases.
    """
    shop.production.prepare_record()
    return release.sign(shop, found.release, key).name


def missing(shop: Shop, run: str) -> str:
    """What the release of ``run`` still lacks before it may be promoted, one or two sentences; empty: nothing."""
    try:
        release.approvals(shop, release.read(shop, run))
    except ApprovalMissing as lack:
        return f"{lack.what} {lack.next_step}"
    return ""
