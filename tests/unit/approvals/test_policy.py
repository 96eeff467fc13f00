"""So many people, each counted once, must have signed exactly this release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.approvals.manifest import ManifestRefused, canonical
from pipeline.approvals.policy import NO_ROLES, NOTHING_MORE, check, ran_it, stricter
from pipeline.approvals.signatures import sign
from pipeline.config.inventory import Approvals
from pipeline.errors import ApprovalMissing
from tests.unit.approvals.conftest import MakeKey, release

Allow = Callable[..., Path]


ONE = Approvals(required=1, four_eyes=False)
TWO = Approvals(required=2, four_eyes=False)


def names(
    manifest: bytes,
    signatures: list[str],
    allowed: Path | None,
    least: Approvals = NOTHING_MORE,
    approvers: Mapping[str, Sequence[str]] = NO_ROLES,
) -> list[str]:
    return [signer.name for signer in check(manifest, signatures, allowed, least, approvers)]


def test_one_signature_is_enough_where_one_is_asked_for(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    assert names(manifest, [sign(manifest, key)], allow(("alice", key)), ONE) == ["alice"]


def test_two_people_are_two(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    alice, bob = make_key("alice"), make_key("bob")
    signatures = [sign(manifest, alice), sign(manifest, bob)]
    assert names(manifest, signatures, allow(("alice", alice), ("bob", bob)), TWO) == ["alice", "bob"]


def test_no_signature_says_what_is_missing_and_what_to_type(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    with pytest.raises(ApprovalMissing) as missing:
        check(manifest, [], allow(("alice", make_key("alice"))), TWO)
    assert str(missing.value).splitlines() == [
        "Production was not changed.",
        "2 of 2 approvals of release 20261121T190102Z-update-0a1b are missing.",
        "Nobody has signed it yet.",
        "Ask for: palier approve 20261121T190102Z-update-0a1b",
    ]


def test_who_has_signed_is_told_when_others_are_missing(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    with pytest.raises(ApprovalMissing, match=r"1 of 2 approvals .* is missing\.\nSigned by alice\."):
        check(manifest, [sign(manifest, key)], allow(("alice", key)), TWO)


@pytest.mark.parametrize("names_", [("alice", "alice"), ("alice", "ALICE"), ("alice,al", "al"), ("alice", "al,alice")])
def test_two_keys_of_one_person_are_one(
    manifest: bytes, make_key: MakeKey, allow: Allow, names_: tuple[str, str]
) -> None:
    first, second = make_key("first"), make_key("second")
    allowed = allow((names_[0], first), (names_[1], second))
    with pytest.raises(ApprovalMissing, match="1 of 2"):
        check(manifest, [sign(manifest, first), sign(manifest, second)], allowed, TWO)


def test_one_key_under_two_names_is_one_person(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    signature = sign(manifest, key)
    with pytest.raises(ApprovalMissing, match="1 of 2"):
        check(manifest, [signature, signature], allow(("alice", key), ("bob", key)), TWO)


def test_people_joined_by_a_third_signature_are_one(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    one, two, both = make_key("one"), make_key("two"), make_key("both")
    allowed = allow(("alice", one), ("al", two), ("alice,al", both))
    signatures = [sign(manifest, key) for key in (one, two, both)]
    assert names(manifest, signatures, allowed, ONE) == ["alice"]
    with pytest.raises(ApprovalMissing, match="1 of 2"):
        check(manifest, signatures, allowed, TWO)


def test_a_changed_manifest_voids_every_signature(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    signature = sign(manifest, key)
    with pytest.raises(ApprovalMissing, match="signature of alice does not fit this release: it is void"):
        check(canonical(release(head="0" * 40)), [signature], allow(("alice", key)), ONE)


def test_a_manifest_that_is_not_canonical_is_refused_however_signed(
    manifest: bytes, make_key: MakeKey, allow: Allow
) -> None:
    key = make_key("alice")
    with pytest.raises(ManifestRefused):
        check(manifest + b"\n", [sign(manifest + b"\n", key)], allow(("alice", key)), ONE)


def test_a_signature_that_does_not_count_does_no_harm_to_those_that_do(
    manifest: bytes, make_key: MakeKey, allow: Allow
) -> None:
    alice, eve = make_key("alice"), make_key("eve")
    signatures = ["nonsense", sign(manifest, eve), sign(manifest, alice)]
    assert names(manifest, signatures, allow(("alice", alice)), ONE) == ["alice"]


def test_an_expired_key_is_told_of(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    with pytest.raises(ApprovalMissing, match="not allowed to approve, or no longer"):
        check(manifest, [sign(manifest, key)], allow(("alice", key, 'valid-before="20200101"')), ONE)


def test_without_a_file_of_signers_nobody_counts(manifest: bytes, make_key: MakeKey) -> None:
    with pytest.raises(ApprovalMissing, match='names no "allowed_signers"'):
        check(manifest, [sign(manifest, make_key("alice"))], None, ONE)


def test_none_are_needed_where_none_are_asked_for() -> None:
    assert check(canonical(release(approvals=Approvals(required=0))), [], None) == []


def asking(**approvals: object) -> bytes:
    """A release that chloe ran, and that asks for ``approvals`` itself."""
    return canonical(release(approvals=Approvals.model_validate(approvals)))


def test_whoever_ran_the_update_does_not_count(make_key: MakeKey, allow: Allow) -> None:
    manifest = asking()
    mine, theirs = make_key("chloe"), make_key("bob")
    allowed = allow(("chloe@agency.example", mine), ("bob", theirs))
    with pytest.raises(ApprovalMissing, match=r"chloe@agency\.example ran the update and cannot approve it"):
        check(manifest, [sign(manifest, mine)], allowed)
    assert names(manifest, [sign(manifest, mine), sign(manifest, theirs)], allowed) == ["bob"]


def test_one_person_may_run_and_approve_where_the_playbook_says_so(make_key: MakeKey, allow: Allow) -> None:
    manifest, key = asking(four_eyes=False), make_key("chloe")
    assert names(manifest, [sign(manifest, key)], allow(("chloe", key))) == ["chloe"]


def test_the_signed_manifest_says_how_many_must_sign(make_key: MakeKey, allow: Allow) -> None:
    manifest, alice, bob = asking(required=2), make_key("alice"), make_key("bob")
    allowed = allow(("alice", alice), ("bob", bob))
    with pytest.raises(ApprovalMissing, match="1 of 2 approvals"):
        check(manifest, [sign(manifest, alice)], allowed)
    assert names(manifest, [sign(manifest, alice), sign(manifest, bob)], allowed) == ["alice", "bob"]


def test_a_manifest_that_asks_for_less_than_the_inventory_gains_nothing(make_key: MakeKey, allow: Allow) -> None:
    """Whoever can write the record can write a manifest that asks for nothing, and sign it alone."""
    manifest, key = asking(required=0, four_eyes=False), make_key("chloe")
    allowed = allow(("chloe", key))
    with pytest.raises(ApprovalMissing, match="1 of 1 approvals"):
        check(manifest, [], allowed, Approvals())
    with pytest.raises(ApprovalMissing, match="chloe ran the update"):
        check(manifest, [sign(manifest, key)], allowed, Approvals())


def test_only_people_of_the_named_roles_count(make_key: MakeKey, allow: Allow) -> None:
    manifest, alice, bob = asking(roles=["merchant"]), make_key("alice"), make_key("bob")
    allowed, approvers = allow(("alice", alice), ("bob", bob)), {"merchant": ["Bob"], "engineers": ["alice"]}
    with pytest.raises(ApprovalMissing, match="alice is not of the role merchant"):
        check(manifest, [sign(manifest, alice)], allowed, NOTHING_MORE, approvers)
    assert names(manifest, [sign(manifest, alice), sign(manifest, bob)], allowed, NOTHING_MORE, approvers) == ["bob"]
    with pytest.raises(ApprovalMissing, match="bob is not of the role merchant"):
        check(manifest, [sign(manifest, bob)], allowed)


def test_the_stricter_of_two_requirements_holds() -> None:
    asked = Approvals(required=1, four_eyes=True, roles=("merchant", "lead"))
    least = Approvals(required=2, four_eyes=False, roles=("lead",))
    assert stricter(asked, least) == Approvals(required=2, four_eyes=True, roles=("lead",))
    assert stricter(asked, NOTHING_MORE) == asked
    assert stricter(NOTHING_MORE, least) == least
    with pytest.raises(ApprovalMissing, match="nobody counts for both"):
        stricter(Approvals(roles=("merchant",)), least)


@pytest.mark.parametrize("ran_by", ["anna", "Anna@laptop-7", "anna@agency.example", "ANNA@ci"])
def test_a_run_is_somebodys_by_login_or_address(ran_by: str) -> None:
    assert ran_it(ran_by, {"anna@agency.example", "SHA256:abc"})
    assert not ran_it(ran_by, {"joanna@agency.example", "SHA256:abc"})
