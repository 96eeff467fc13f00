"""So many people, each counted once, must have signed exactly this release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.approvals.manifest import ManifestRefused, canonical
from pipeline.approvals.policy import check
from pipeline.approvals.signatures import sign
from pipeline.errors import ApprovalMissing
from tests.unit.approvals.conftest import MakeKey, release

Allow = Callable[..., Path]


def names(manifest: bytes, signatures: list[str], allowed: Path | None, required: int, **options: object) -> list[str]:
    return [signer.name for signer in check(manifest, signatures, allowed, required, **options)]  # type: ignore[arg-type]


def test_one_signature_is_enough_where_one_is_asked_for(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    assert names(manifest, [sign(manifest, key)], allow(("alice", key)), 1) == ["alice"]


def test_two_people_are_two(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    alice, bob = make_key("alice"), make_key("bob")
    signatures = [sign(manifest, alice), sign(manifest, bob)]
    assert names(manifest, signatures, allow(("alice", alice), ("bob", bob)), 2) == ["alice", "bob"]


def test_no_signature_says_what_is_missing_and_what_to_type(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    with pytest.raises(ApprovalMissing) as missing:
        check(manifest, [], allow(("alice", make_key("alice"))), 2)
    assert str(missing.value).splitlines() == [
        "Production was not changed.",
        "2 of 2 approvals of release 20261121T190102Z-update-0a1b are missing.",
        "Nobody has signed it yet.",
        "Ask for: palier approve 20261121T190102Z-update-0a1b",
    ]


def test_who_has_signed_is_told_when_others_are_missing(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    with pytest.raises(ApprovalMissing, match=r"1 of 2 approvals .* is missing\.\nSigned by alice\."):
        check(manifest, [sign(manifest, key)], allow(("alice", key)), 2)


@pytest.mark.parametrize("names_", [("alice", "alice"), ("alice", "ALICE"), ("alice,al", "al"), ("alice", "al,alice")])
def test_two_keys_of_one_person_are_one(
    manifest: bytes, make_key: MakeKey, allow: Allow, names_: tuple[str, str]
) -> None:
    first, second = make_key("first"), make_key("second")
    allowed = allow((names_[0], first), (names_[1], second))
    with pytest.raises(ApprovalMissing, match="1 of 2"):
        check(manifest, [sign(manifest, first), sign(manifest, second)], allowed, 2)


def test_one_key_under_two_names_is_one_person(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    signature = sign(manifest, key)
    with pytest.raises(ApprovalMissing, match="1 of 2"):
        check(manifest, [signature, signature], allow(("alice", key), ("bob", key)), 2)


def test_people_joined_by_a_third_signature_are_one(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    one, two, both = make_key("one"), make_key("two"), make_key("both")
    allowed = allow(("alice", one), ("al", two), ("alice,al", both))
    signatures = [sign(manifest, key) for key in (one, two, both)]
    assert names(manifest, signatures, allowed, 1) == ["alice"]
    with pytest.raises(ApprovalMissing, match="1 of 2"):
        check(manifest, signatures, allowed, 2)


def test_a_changed_manifest_voids_every_signature(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    signature = sign(manifest, key)
    with pytest.raises(ApprovalMissing, match="signature of alice does not fit this release: it is void"):
        check(canonical(release(head="0" * 40)), [signature], allow(("alice", key)), 1)


def test_a_manifest_that_is_not_canonical_is_refused_however_signed(
    manifest: bytes, make_key: MakeKey, allow: Allow
) -> None:
    key = make_key("alice")
    with pytest.raises(ManifestRefused):
        check(manifest + b"\n", [sign(manifest + b"\n", key)], allow(("alice", key)), 1)


def test_a_signature_that_does_not_count_does_no_harm_to_those_that_do(
    manifest: bytes, make_key: MakeKey, allow: Allow
) -> None:
    alice, eve = make_key("alice"), make_key("eve")
    signatures = ["nonsense", sign(manifest, eve), sign(manifest, alice)]
    assert names(manifest, signatures, allow(("alice", alice)), 1) == ["alice"]


def test_an_expired_key_is_told_of(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    with pytest.raises(ApprovalMissing, match="not allowed to approve, or no longer"):
        check(manifest, [sign(manifest, key)], allow(("alice", key, 'valid-before="20200101"')), 1)


def test_without_a_file_of_signers_nobody_counts(manifest: bytes, make_key: MakeKey) -> None:
    with pytest.raises(ApprovalMissing, match='names no "allowed_signers"'):
        check(manifest, [sign(manifest, make_key("alice"))], None, 1)


def test_none_are_needed_where_none_are_asked_for(manifest: bytes) -> None:
    assert check(manifest, [], None, 0) == []


def test_whoever_ran_the_update_counts_unless_four_eyes_are_asked_for(
    manifest: bytes, make_key: MakeKey, allow: Allow
) -> None:
    alice, bob = make_key("alice"), make_key("bob")
    allowed = allow(("alice,al", alice), ("bob", bob))
    mine, theirs = sign(manifest, alice), sign(manifest, bob)
    assert names(manifest, [mine], allowed, 1, ran_by="Al") == ["alice"]
    with pytest.raises(ApprovalMissing, match="alice ran the update and cannot approve it"):
        check(manifest, [mine], allowed, 1, "Al", four_eyes=True)
    assert names(manifest, [mine, theirs], allowed, 1, ran_by="Al", four_eyes=True) == ["bob"]
