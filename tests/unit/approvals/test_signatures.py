"""Signatures of the real ssh-keygen: only a known key's, over exactly this release, counts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.approvals.manifest import canonical, digest
from pipeline.approvals.signatures import NAMESPACE, SignatureRefused, message, sign, verify
from pipeline.errors import ExitCode, PalierError
from tests.unit.approvals.conftest import MakeKey, release

Allow = Callable[..., Path]


def fingerprint(key: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], capture_output=True, text=True, check=True).stdout
    return shown.split()[1]


def test_what_is_signed_can_be_typed_from_the_digest(manifest: bytes) -> None:
    assert message(manifest) == b"palier release manifest\nsha256 " + digest(manifest).encode() + b"\n"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_signature_is_checked_and_names_its_signer(
    manifest: bytes, make_key: MakeKey, allow: Allow, kind: str
) -> None:
    key = make_key("alice", kind)
    signer = verify(manifest, sign(manifest, key), allow(("alice@agency.example", key)))
    assert signer.name == "alice@agency.example"
    assert signer.principals == ("alice@agency.example",)
    assert signer.key == fingerprint(key)


def test_the_right_person_is_found_among_many(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    keys = {name: make_key(name) for name in ("alice", "bob", "carol")}
    file = allow(*keys.items())
    assert [verify(manifest, sign(manifest, key), file).name for key in keys.values()] == ["alice", "bob", "carol"]


def test_a_signature_over_another_release_is_void(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    other = canonical(release(head="0" * 40))
    with pytest.raises(SignatureRefused, match="of alice does not fit this release: it is void") as refused:
        verify(manifest, sign(other, key), allow(("alice", key)))
    assert refused.value.exit_code is ExitCode.APPROVAL


def test_an_unknown_key_does_not_count(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    signature = sign(manifest, make_key("eve"))
    with pytest.raises(SignatureRefused, match="not allowed to approve"):
        verify(manifest, signature, allow(("alice", make_key("alice"))))


@pytest.mark.parametrize(
    "option", ['valid-before="20200101"', 'valid-after="20990101"', 'namespaces="git,file"', "cert-authority"]
)
def test_a_key_that_is_not_allowed_now_or_for_this_does_not_count(
    manifest: bytes, make_key: MakeKey, allow: Allow, option: str
) -> None:
    key = make_key("alice")
    with pytest.raises(SignatureRefused):
        verify(manifest, sign(manifest, key), allow(("alice", key, option)))


def test_a_key_limited_to_releases_counts(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    file = allow(("alice", key, f'namespaces="{NAMESPACE}",valid-after="20200101"'))
    assert verify(manifest, sign(manifest, key), file).name == "alice"


def test_a_signature_made_for_something_else_does_not_count(
    manifest: bytes, make_key: MakeKey, allow: Allow, tmp_path: Path
) -> None:
    key = make_key("alice")
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(key)],
        input=message(manifest),
        capture_output=True,
        check=True,
    )
    with pytest.raises(SignatureRefused, match="void"):
        verify(manifest, made.stdout.decode(), allow(("alice", key)))


@pytest.mark.parametrize(
    "name", ["*", "*@agency.example", "a?ice", "!bob", "-alice", '"alice smith"', "alice,*", "@alice", "_alice"]
)
def test_a_name_that_is_no_one_persons_does_not_count(
    manifest: bytes, make_key: MakeKey, allow: Allow, name: str
) -> None:
    key = make_key("alice")
    with pytest.raises(SignatureRefused):
        verify(manifest, sign(manifest, key), allow((name, key)))


def test_all_names_of_a_key_are_told(manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    assert verify(manifest, sign(manifest, key), allow(("alice,al", key))).principals == ("alice", "al")


def hostile(signature: str) -> dict[str, str]:
    lines = signature.splitlines(keepends=True)
    return {
        "nothing": "",
        "a sentence": "I, alice, approve.\n",
        "only the frame": lines[0] + lines[-1],
        "no end": "".join(lines[:-1]),
        "text before": "alice approves\n" + signature,
        "text after": signature + "and more\n",
        "twice": signature * 2,
        "windows line ends": signature.replace("\n", "\r\n"),
        "a changed byte": signature.replace(lines[2][5], "A" if lines[2][5] != "A" else "B", 1),
        "a missing line": lines[0] + "".join(lines[2:]),
        "another alphabet": signature.replace(lines[1][3], "é", 1),
        "a great deal": lines[0] + "A" * 100_000 + "\n" + lines[-1],
        "a NUL": signature.replace("\n", "\0\n", 1),
        "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    }


@pytest.mark.parametrize("kind", hostile("begin\nline one\nline two\nend\n"))
def test_what_is_no_signature_is_refused(manifest: bytes, make_key: MakeKey, allow: Allow, kind: str) -> None:
    key = make_key("alice")
    broken = hostile(sign(manifest, key))[kind]
    with pytest.raises(SignatureRefused):
        verify(manifest, broken, allow(("alice", key)))


@pytest.mark.parametrize("text", ["", "# nobody\n", "alice\n", "alice ssh-ed25519 AAAA\n", "\0\n"])
def test_a_file_that_allows_nobody_lets_nobody_approve(
    manifest: bytes, make_key: MakeKey, tmp_path: Path, text: str
) -> None:
    signature = sign(manifest, make_key("alice"))
    (tmp_path / "allowed").write_text(text)
    with pytest.raises(SignatureRefused):
        verify(manifest, signature, tmp_path / "allowed")


def test_a_missing_file_is_named(manifest: bytes, make_key: MakeKey, tmp_path: Path) -> None:
    with pytest.raises(SignatureRefused, match="does not exist"):
        verify(manifest, sign(manifest, make_key("alice")), tmp_path / "none")


def test_a_file_whose_name_begins_with_a_dash_is_a_file(
    manifest: bytes, make_key: MakeKey, allow: Allow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key("-alice")
    file = allow(("alice", key)).rename(tmp_path / "-O")
    monkeypatch.chdir(tmp_path)
    assert verify(manifest, sign(manifest, Path(os.path.relpath(key))), Path(file.name)).name == "alice"


def test_a_key_that_cannot_sign_is_told_of(
    manifest: bytes, make_key: MakeKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    (tmp_path / "text").write_text("no key\n")
    alice, bob = make_key("alice"), make_key("bob", passphrase="which nobody here can type")
    alice.unlink()
    for key in (tmp_path / "none", tmp_path / "text", alice.with_suffix(".pub"), bob):
        with pytest.raises(PalierError, match="did not sign"):
            sign(manifest, key)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        yield
    finally:
        process.terminate()
        process.communicate()


def test_a_key_that_only_the_agent_holds_signs(agent: None, manifest: bytes, make_key: MakeKey, allow: Allow) -> None:
    key = make_key("alice")
    file = allow(("alice", key))
    subprocess.run(["ssh-add", "-q", str(key)], check=True)
    key.unlink()
    assert verify(manifest, sign(manifest, key.with_suffix(".pub")), file).name == "alice"
