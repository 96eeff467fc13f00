"""``palier init`` on a host that was never seen: over real SSH, on a real shop, changing nothing there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipeline.config.answers import Answers
from pipeline.config.draft import Blank, Question
from pipeline.config.loader import load_inventory
from pipeline.demo.sshd import Sshd
from pipeline.demo.wordpress import WP_CLI
from pipeline.demo.world import World
from pipeline.errors import ConfigError, Refused
from pipeline.events import silent
from pipeline.flows import init
from pipeline.remote.address import parse_address
from pipeline.remote.first_contact import host_key
from pipeline.remote.host import HostKeyRefused, HostUnreachable
from pipeline.steps.drafting import Ask
from pipeline.steps.site import opened_site


def fingerprint(sshd: Sshd) -> str:
    words = ["ssh-keygen", "-lf", str(sshd.folder / "host_ed25519.pub")]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


def nobody(address: str, key: str) -> bool:
    raise AssertionError(f"{address} {key} was to be accepted by a person")


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")}


def ask(sshd: Sshd, path: Path, *, url: str = "", wp_cli: str = "") -> Ask:
    return Ask(sshd.address, str(path), sshd.identity, host_key=fingerprint(sshd), url=url, wp_cli=wp_cli)


def test_the_key_is_that_of_the_host(sshd: Sshd) -> None:
    found = host_key(parse_address(sshd.address))
    assert found.fingerprint == fingerprint(sshd)
    assert sshd.known_hosts.read_text().strip() == found.line
    assert host_key(parse_address(sshd.address), expected=found.fingerprint.removeprefix("SHA256:")) == found


def test_another_fingerprint_than_the_given_one_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    wrong = Ask(sshd.address, "/", identity=sshd.identity, host_key="SHA256:" + "A" * 43)
    with pytest.raises(HostKeyRefused, match="not the one that was given"):
        init.run("shop", wrong, None, tmp_path, accept=nobody, emit=silent)
    assert not (tmp_path / "inventories" / "shop.known_hosts").exists()


@pytest.mark.parametrize("accepts", [True, False])
def test_people_are_shown_the_fingerprint_and_decide(sshd: Sshd, tmp_path: Path, accepts: bool) -> None:
    shown: list[str] = []

    def decide(address: str, key: str) -> bool:
        shown.append(f"{address} {key}")
        return accepts

    unknown = Ask(sshd.address, str(tmp_path), identity=sshd.identity)
    with pytest.raises(Refused if accepts else HostKeyRefused):
        init.run("shop", unknown, None, tmp_path, accept=decide, emit=silent)
    assert shown == [f"{sshd.address} ssh-ed25519 {fingerprint(sshd)}"]
    assert (tmp_path / "inventories" / "shop.known_hosts").exists() == accepts
    assert not list(tmp_path.rglob("*.yml"))


def test_a_port_without_ssh_is_said(tmp_path: Path, mariadb: object) -> None:
    port = getattr(mariadb, "port")  # noqa: B009  # any server that is not SSH
    with pytest.raises(HostUnreachable):
        init.run("shop", Ask(f"root@127.0.0.1:{port}", "/"), None, tmp_path, accept=nobody, emit=silent)


def initiated(
    world: World,
    folder: Path,
    staging: Ask | None = None,
    given: Sequence[str] = (),
    answer: init.Answer = init.nobody,
) -> init.Outcome:
    production = ask(world.production.sshd, world.production.root, wp_cli=str(WP_CLI))
    return init.run("atelier", production, staging, folder, accept=nobody, emit=silent, given=given, answer=answer)


def test_a_shop_is_described_and_its_host_left_alone(pristine_world: World, tmp_path: Path) -> None:
    before = tree(pristine_world.production.root)
    outcome = initiated(pristine_world, tmp_path)
    assert tree(pristine_world.production.root) == before
    assert not Path("~/.palier/atelier-production").expanduser().exists()
    inventory = load_inventory(outcome.path)
    assert inventory.platform == "wordpress"
    assert str(inventory.production.url) == pristine_world.production.url
    assert inventory.brand == "Maison Palier"
    text = outcome.path.read_text()
    assert pristine_world.production.password not in text
    assert f"Database {pristine_world.production.schema} at" in text
    assert fingerprint(pristine_world.production.sshd) in text
    assert [question for question in outcome.questions if "staging" in question]
    with opened_site("production", inventory) as site:
        assert site.modules()["shop-contact"].version == "2.3.0"


def test_where_php_reports_its_errors_is_read_from_the_web_server(pristine_world: World, tmp_path: Path) -> None:
    inventory = load_inventory(initiated(pristine_world, tmp_path).path)
    assert inventory.production.php_error_log == str(pristine_world.production.php_error_log)


def staging_of(world: World) -> Ask:
    return ask(world.staging.sshd, world.staging.root, url=world.staging.url, wp_cli=str(WP_CLI))


def every_answer(world: World) -> list[str]:
    answers = {
        "production.web_user": "www-data",
        "staging.database.name": world.staging.schema,
        "staging.database.user": world.staging.schema,
        "staging.database.password.file": str(world.staging.password_file),
        "allowed_signers": str(world.allowed_signers),
        "packages": str(world.packages),
        "advisories": "[{kind: friends-of-presta}]",
        "journeys.search_term": "bol",
    }
    return [f"{key}={value}" for key, value in answers.items()]


def test_with_every_answer_given_nothing_is_left_to_edit(pristine_world: World, tmp_path: Path) -> None:
    staging = staging_of(pristine_world)
    outcome = initiated(pristine_world, tmp_path, staging, every_answer(pristine_world))
    assert outcome.asked == ()
    text = outcome.path.read_text()
    assert "# ?" not in text
    inventory = load_inventory(outcome.path)
    assert inventory.staging.database is not None
    assert inventory.staging.database.port == pristine_world.mariadb.port, "the server is production's"
    assert inventory.packages == (str(pristine_world.packages),)
    with opened_site("staging", inventory) as site, site.database.connected() as db:
        assert db.name == pristine_world.staging.schema


def test_people_are_asked_what_is_open_and_may_leave_it_so(pristine_world: World, tmp_path: Path) -> None:
    said = {"allowed_signers": "signers", "staging.database.name": "", "journeys.search_term": "bol"}
    asked: list[str] = []

    def answer(_question: Question, blank: Blank, read: Callable[[str], Answers]) -> Answers:
        asked.append(blank.key)
        return read(said[blank.key]) if said.get(blank.key) else {}

    staging = staging_of(pristine_world)
    given = ["packages=zips", "production.web_user=www-data"]
    outcome = initiated(pristine_world, tmp_path, staging, given, answer)
    assert asked == ["staging.database.name", "journeys.search_term", "allowed_signers", "advisories"]
    inventory = load_inventory(outcome.path)
    assert inventory.journeys.search_term == "bol"
    assert inventory.allowed_signers is not None
    assert [question.text[:14] for question in outcome.asked] == ["Which database", "Where are know"]


def test_a_wrong_key_is_told_before_any_host_is_met(tmp_path: Path) -> None:
    unreachable = Ask("deploy@192.0.2.1", "/var/www")
    with pytest.raises(ConfigError, match=r"Did you mean staging\.database\.name"):
        init.run(
            "shop", unreachable, None, tmp_path, accept=nobody, emit=silent, given=["staging.databse.name=x"]
        )  # fmt: skip


def test_answers_that_make_staging_production_are_refused(pristine_world: World, tmp_path: Path) -> None:
    given = [f"staging.url={pristine_world.production.url}"]
    with pytest.raises(ConfigError, match="is production's") as refused:
        initiated(pristine_world, tmp_path, given=given)
    assert "partial" not in refused.value.what
    assert not list((tmp_path / "inventories").glob("*.yml"))


def test_a_known_host_that_shows_another_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "inventories").mkdir()
    other = (sshd.folder / "client_ed25519.pub").read_text().split()[1]
    port = parse_address(sshd.address).key_name
    (tmp_path / "inventories" / "shop.known_hosts").write_text(f"{port} ssh-ed25519 {other}\n")
    unknown = Ask(sshd.address, "/", identity=sshd.identity)
    with pytest.raises(HostKeyRefused, match="has changed"):
        init.run("shop", unknown, None, tmp_path, accept=nobody, emit=silent)


def test_what_was_accepted_once_does_not_outweigh_the_given_fingerprint(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "shop.known_hosts").write_text(sshd.known_hosts.read_text())
    other = Ask(sshd.address, "/", identity=sshd.identity, host_key="SHA256:" + "A" * 43)
    with pytest.raises(HostKeyRefused, match="not the one that was given"):
        init.run("shop", other, None, tmp_path, accept=nobody, emit=silent)


def test_an_inventory_is_never_written_over(pristine_world: World, tmp_path: Path) -> None:
    path = initiated(pristine_world, tmp_path).path
    path.write_text("mine")
    with pytest.raises(Refused, match="never written over"):
        initiated(pristine_world, tmp_path)
    assert path.read_text() == "mine"


def test_staging_is_added_with_its_own_host(pristine_world: World, tmp_path: Path) -> None:
    staging = ask(pristine_world.staging.sshd, pristine_world.staging.root, url=pristine_world.staging.url)
    inventory = load_inventory(initiated(pristine_world, tmp_path, staging).path)
    assert str(inventory.staging.url) == pristine_world.staging.url
    assert inventory.staging.root == str(pristine_world.staging.root)
    assert inventory.staging.hosts[0].identity == pristine_world.staging.sshd.identity
    lines = (tmp_path / "inventories" / "atelier.known_hosts").read_text().splitlines()
    assert len(lines) == 2


@pytest.mark.parametrize("spoil", ["empty", "missing"])
def test_a_folder_without_a_shop_is_refused(sshd: Sshd, tmp_path: Path, spoil: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match="neither a WordPress nor a PrestaShop") as refused:
        init.run("shop", ask(sshd, tmp_path / spoil), None, tmp_path, accept=nobody, emit=silent)
    assert ("empty" in refused.value.why) == (spoil == "empty")


def test_where_nobody_can_answer_no_key_is_accepted(sshd: Sshd, tmp_path: Path) -> None:
    words = ["init", "shop", "--host", sshd.address, "--path", "/", "--identity", str(sshd.identity)]
    done = subprocess.run(
        [sys.executable, "-c", "from pipeline.cli import main; main()", "--project", str(tmp_path), *words],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f'--host-key "{fingerprint(sshd)}"' in done.stderr
    assert done.stderr.startswith("Production was not changed.")
