"""Whether enough people have approved a release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.approvals.manifest import read
from pipeline.approvals.signatures import SignatureRefused, Signer, verify
from pipeline.errors import ApprovalMissing


def check(
    manifest: bytes,
    signatures: Sequence[str],
    allowed_signers: Path | None,
    required: int,
    ran_by: str | None = None,
    *,
    four_eyes: bool = False,
) -> list[Signer]:
    """The people who approved this release: one :class:`Signer` for each.

    Two signatures are one person's if they share a name or a key. Signatures that do not count are passed over; they
    are told of when too few are left.

    :param required: how many people must have signed.
    :param ran_by: who ran the update, by the name that the allowed_signers file gives them.
    :param four_eyes: whoever ran the update does not count.
    :raises ManifestRefused: if the manifest itself is not well-formed.
    :raises ApprovalMissing: if too few people have signed exactly this manifest.
    """
    release = read(manifest)
    counted, passed_over = _verified(manifest, signatures, allowed_signers)
    people = _people(counted)
    if four_eyes and ran_by is not None:
        passed_over += [
            f"{one.name} ran the update and cannot approve it." for one, also in people if _key(ran_by) in also
        ]
        people = [person for person in people if _key(ran_by) not in person[1]]
    signers = [signer for signer, _ in people]
    if len(signers) < required:
        missing = required - len(signers)
        raise ApprovalMissing(
            f"{missing} of {required} approvals of release {release.run} {'is' if missing == 1 else 'are'} missing.",
            why=" ".join([_signed(signers), *passed_over]),
            next_step=f"Ask for: palier approve {release.run}",
        )
    return signers


def _verified(
    manifest: bytes, signatures: Sequence[str], allowed_signers: Path | None
) -> tuple[list[Signer], list[str]]:
    if allowed_signers is None:
        return [], ['The inventory names no "allowed_signers", so nobody can approve.'] if signatures else []
    counted: list[Signer] = []
    passed_over: list[str] = []
    for signature in signatures:
        try:
            counted.append(verify(manifest, signature, allowed_signers))
        except SignatureRefused as refusal:
            passed_over.append(refusal.what)
    return counted, passed_over


def _people(signers: Sequence[Signer]) -> list[tuple[Signer, set[str]]]:
    """Each person once, with every name and key of theirs.

    Whoever shares a name or a key, directly or through another signature, is one person.
    """
    people: list[tuple[Signer, set[str]]] = []
    for signer in signers:
        marks = {signer.key, *map(_key, signer.principals)}
        same = [person for person in people if person[1] & marks]
        people = [person for person in people if not person[1] & marks]
        people.append((same[0][0] if same else signer, marks.union(*(known for _, known in same))))
    return people


def _key(name: str) -> str:
    return name.casefold()


def _signed(people: Sequence[Signer]) -> str:
    return f"Signed by {', '.join(person.name for person in people)}." if people else "Nobody has signed it yet."
