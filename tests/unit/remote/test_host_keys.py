"""Which host keys are believed, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from pipeline.errors import ConfigError
from pipeline.remote.address import Address
from pipeline.remote.host import HostKeyRefused
from pipeline.remote.host_keys import RefuseUnknown, accepting, trust
from pipeline.remote.ssh_program import Login


@pytest.fixture(scope="module")
def key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login("web1", Address("deploy", "shop.example", 2222), tmp_path / "known hosts")


def known(login: Login, text: str) -> paramiko.HostKeys:
    login.known_hosts.write_text(text)
    client = paramiko.SSHClient()
    trust(client, login)
    return client.get_host_keys()


def line(name: str, key: paramiko.PKey) -> str:
    return f"{name} {key.get_name()} {key.get_base64()}\n"


def test_plain_listed_and_hashed_names_are_known(login: Login, key: paramiko.PKey) -> None:
    hashed = paramiko.HostKeys.hash_host("secret.example")
    keys = known(login, line("a.example,b.example", key) + line(hashed, key))
    assert all(keys.check(name, key) for name in ("a.example", "b.example", "secret.example"))
    assert not keys.check("c.example", key)


def test_lines_that_cannot_be_read_are_passed_over(login: Login, key: paramiko.PKey) -> None:
    text = f"# comment\n\nshort\nx.example ssh-rsa !!!notbase64\nx ssh-ed25519 AAAA\n\xe9\n{line('a.example', key)}"
    assert known(login, text).check("a.example", key)


def test_a_revoked_key_is_not_known_and_said_to_be_revoked(login: Login, key: paramiko.PKey) -> None:
    assert not known(login, line("a.example", key) + "@revoked * " + line("", key).strip()).check("a.example", key)
    policy = RefuseUnknown(login, frozenset({key.get_base64()}))
    with pytest.raises(HostKeyRefused, match="is revoked") as caught:
        policy.missing_host_key(paramiko.SSHClient(), "a.example", key)
    assert "ssh-keyscan" not in str(caught.value)


def test_a_certificate_authority_makes_no_host_known(login: Login, key: paramiko.PKey) -> None:
    assert len(known(login, "@cert-authority * " + line("", key).strip())) == 0


def test_a_file_that_is_not_there_knows_none_and_one_that_cannot_be_read_is_told(login: Login) -> None:
    client = paramiko.SSHClient()
    trust(client, login)
    assert len(client.get_host_keys()) == 0
    with pytest.raises(ConfigError, match="Is a directory"):
        trust(client, replace(login, known_hosts=login.known_hosts.parent))


def test_the_command_that_accepts_a_key_quotes_and_goes_through_the_jump_host(login: Login, key: paramiko.PKey) -> None:
    file = f"'{login.known_hosts}'"
    assert accepting(login, key) == f"ssh-keyscan -p 2222 -t ecdsa shop.example >> {file}"
    jumped = replace(login, jump=Address("me", "bastion.example", 2200))
    scan = "'ssh-keyscan -p 2222 -t ecdsa shop.example'"
    assert accepting(jumped, key) == f"ssh -p 2200 me@bastion.example {scan} >> {file}"
