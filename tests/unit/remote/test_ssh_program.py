"""The ssh program is told of a login exactly what our own connection would do."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.remote.address import Address
from pipeline.remote.ssh_program import Login, configured


@pytest.fixture
def login(tmp_path: Path) -> Login:
    folder = tmp_path / "à part 100%h"
    return Login("web1", Address("deploy", "shop.example", 2222), folder / "known hosts", folder / "id")


def understood(login: Login, alias: str = "palier") -> dict[str, str]:
    """What ssh itself makes of the configuration."""
    with configured(palier=login) as ssh:
        said = subprocess.run([*ssh, "-G", alias], check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def test_the_host_its_user_and_its_port_are_named(login: Login) -> None:
    found = understood(login)
    assert (found["user"], found["hostname"], found["port"]) == ("deploy", "shop.example", "2222")


def test_only_known_keys_pass_and_only_the_named_key_is_shown(login: Login) -> None:
    found = understood(login)
    assert found["stricthostkeychecking"] in {"true", "yes"}
    assert found["globalknownhostsfile"] == "/dev/null"
    assert found["identityagent"] == "none"
    assert found["identitiesonly"] == "yes"
    assert (found["batchmode"], found["forwardagent"], found["updatehostkeys"]) == ("yes", "no", "false")


def test_odd_paths_reach_ssh_whole(login: Login) -> None:
    found = understood(login)
    assert found["userknownhostsfile"].replace("%%", "%").strip('"') == str(login.known_hosts)
    assert found["identityfile"].replace("%%", "%").strip('"') == str(login.identity)


def test_without_a_named_key_the_agent_may_be_asked(login: Login) -> None:
    found = understood(replace(login, identity=None))
    assert found.get("identitiesonly", "no") == "no"
    assert found.get("identityagent") != "none"


def test_a_jump_host_is_reached_under_the_same_rules(login: Login) -> None:
    jumped = replace(login, jump=Address("me", "2001:db8::1", 22))
    assert understood(jumped)["proxyjump"] == "palier-jump"
    found = understood(jumped, "palier-jump")
    assert (found["user"], found["hostname"], found["stricthostkeychecking"]) == ("me", "2001:db8::1", "true")
    assert found["identityfile"].replace("%%", "%").strip('"') == str(login.identity)


def test_nothing_is_left_behind(login: Login) -> None:
    with configured(palier=login) as ssh:
        file = Path(ssh[-1])
        assert file.exists()
    assert not file.parent.exists()
