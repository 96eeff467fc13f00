"""Whether enough people have approved a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pipeline.approvals.manifest import Manifest, read
from pipeline.approvals.signatures import SignatureRefused, Signer, verify
from pipeline.config.inventory import Approvals
from pipeline.errors import ApprovalMissing

NOTHING_MORE = Approvals(required=0, four_eyes=False)
NO_ROLES: Mapping[str, Sequence[str]] = MappingProxyType({})


def stricter(asked: Approvals, least: Approvals) -> Approvals:
    """What satisfies both: what a release asks for, and the least that the shop's inventory does.

    :raises ApprovalMissing: if no role is in both, so that nobody could approve.
    """
    roles = tuple(role for role in asked.roles if role in least.roles or not least.roles) or least.roles
    if asked.roles and least.roles and not set(asked.roles) & set(least.roles):
        raise ApprovalMissing(
            f"The release wants approvals of {', '.join(asked.roles)}, the inventory of {', '.join(least.roles)}: "
            "nobody counts for both.",
            next_step="Correct approvals.roles in the playbook or in the inventory, and run the update again.",
        )
    return Approvals(
        required=max(asked.required, least.required), four_eyes=asked.four_eyes or least.four_eyes, roles=roles
    )


def check(
    manifest: bytes,
    signatures: Sequence[str],
    allowed_signers: Path | None,
    least: Approvals = NOTHING_MORE,
    approvers: Mapping[str, Sequence[str]] = NO_ROLES,
) -> list[Signer]:
    """The people who approved this release: one :class:`Signer` for each.

    How many, and who does not count, is what the signed manifest says, and at least what the inventory does. Two
    signatures are one person's if they share a name or a key. Signatures that do not count are passed over; they are
    told of when too few are left.

    :param least: what the inventory of whoever promotes asks for.
    :param approvers: role -> the names of its people, as allowed_signers has them.
    :raises ManifestRefused: if the manifest itself is not well-formed.
    :raises ApprovalMissing: if too few people have signed exactly this manifest.
    """
    release = read(manifest)
    wanted = stricter(release.approvals, least)
    counted, passed_over = _verified(manifest, signatures, allowed_signers)
    signers: list[Signer] = []
    for signer, marks in _people(counted):
        why = does_not_count(release, wanted, signer.name, marks, approvers)
        if why:
            passed_over.append(why)
        else:
            signers.append(signer)
    if len(signers) < wanted.required:
        missing = wanted.required - len(signers)
        raise ApprovalMissing(
            f"{missing} of {wanted.required} approvals of release {release.run} "
            f"{'is' if missing == 1 else 'are'} missing.",
            why=" ".join([_signed(signers), *passed_over]),
            next_step=f"Ask for: palier approve {release.run}",
        )
    return signers


def does_not_count(
    release: Manifest,
    wanted: Approvals,
    name: str,
    marks: set[str],
    approvers: Mapping[str, Sequence[str]] = NO_ROLES,
) -> str:
    """Why a person's signature does not count, one sentence; empty if it does.

    :param marks: every name of the person, and keys; see :func:`_people`.
    """
    if wanted.four_eyes and ran_it(release.ran_by, marks | {name}):
        return f"{name} ran the update and cannot approve it."
    names = {_key(mark) for mark in marks | {name}}
    allowed = {_key(person) for role in wanted.roles for person in approvers.get(role, ())}
    if wanted.roles and not names & allowed:
        return f"{name} is not of the role {' or '.join(wanted.roles)}."
    return ""


def ran_it(ran_by: str, names: set[str]) -> bool:
    """Whether one of a person's ``names`` is that of ``ran_by``, as far as it goes before its ``@``.

    A run is known by login and host, ``anna@laptop``, a person by address, ``anna@agency.example``. Where in doubt they
    are one: an approval too many is asked for, rather than one too few.
    """
    return _login(ran_by) in {_login(name) for name in names}


def _login(name: str) -> str:
    return _key(name.partition("@")[0].strip())


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
