"""The demo world is an honest shop: it sells, it mails, its hosts are reached by SSH, and it goes without a trace."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
import zipfile
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from pipeline.demo import paperwork
from pipeline.demo.mailserver import MailServer
from pipeline.demo.process import ServiceFailed, family, marked
from pipeline.demo.world import World


def over_ssh(world: World, text: str, *, staging: bool = False) -> str:
    server = (world.staging if staging else world.production).sshd
    words = ["ssh", "-F", "none", "-i", str(server.identity), "-o", f'UserKnownHostsFile="{server.known_hosts}"']
    words += ["-o", "BatchMode=yes", "-p", str(server.port), f"{server.user}@127.0.0.1", text]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout


def arrived(mail: MailServer, recipient: str) -> list[EmailMessage]:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not mail.messages(recipient):
        time.sleep(0.05)
    return mail.messages(recipient)


@pytest.mark.parametrize("path", ["/", "/shop/", "/search/?q=bol", "/cart/", "/contact/"])
def test_production_answers_under_its_pretty_addresses(world: World, path: str) -> None:
    answer = httpx.get(world.production.url + path)
    assert answer.status_code == 200
    assert "Maison Palier" in answer.text


def test_production_is_seeded_with_the_old_modules_active(world: World) -> None:
    count = world.mariadb.admin(f"SELECT COUNT(*) FROM {world.production.schema}.wp_shop_orders")
    assert int(count) == 300
    listing = world.production.root / "wp-content" / "plugins"
    for module in paperwork.MODULES:
        assert f"Version: {module.old}" in (listing / module.name / f"{module.name}.php").read_text()
        query = (
            f"SELECT option_value FROM {world.production.schema}.wp_options WHERE option_name='{module.version_option}'"
        )
        assert world.mariadb.admin(query).strip() == module.old


def test_the_seeded_pictures_are_served(world: World) -> None:
    page = httpx.get(world.production.url + "/shop/").text
    picture = re.search(r'src="([^"]+\.png)"', page)
    assert picture is not None
    assert httpx.get(picture[1]).content.startswith(b"\x89PNG")


def test_staging_is_an_empty_host_with_a_schema_of_its_own(world: World, tmp_path: Path) -> None:
    assert httpx.get(world.staging.url).status_code in (403, 404)
    spec = f"-h127.0.0.1 -P{world.mariadb.port} -u{world.staging.schema}"
    settings = tmp_path / "client.cnf"
    settings.touch(mode=0o600)
    settings.write_text(f"[client]\npassword={world.staging.password}\n")
    asked = over_ssh(world, f"mariadb --defaults-file={settings} {spec} -Ne 'SHOW DATABASES'", staging=True)
    assert set(asked.split()) == {"information_schema", world.staging.schema}


def mail_both_ways(world: World, role: str) -> list[str]:
    """Let the web server's PHP and the command line's of one site send a mail; what each says of it."""
    site = world.staging if role == "staging" else world.production
    probe = site.root / "probe.php"
    probe.write_text(
        "<?php var_dump(mail($argv[1] ?? $_GET['to'], 'Été', \"un\\n.\\ndeux\\n\", 'From: a@example.com'));"
    )
    try:
        web = httpx.get(f"{site.url}/probe.php", params={"to": f"web-{role}@example.com"}, timeout=30).text
        words = f"php '{probe}' shell-{role}@example.com || true"
        return [web.strip(), over_ssh(world, words, staging=role == "staging").strip()]
    finally:
        probe.unlink()


def test_mail_of_the_web_server_and_of_the_command_line_reaches_the_customers(world: World) -> None:
    assert mail_both_ways(world, "production") == ["bool(true)", "bool(true)"]
    for way in ("web", "shell"):
        (message,) = arrived(world.mail, f"{way}-production@example.com")
        assert message["Subject"] == "Été"
        assert message.get_content().split() == ["un", ".", "deux"]


def test_mail_of_staging_goes_nowhere_unless_the_world_leaks(pristine_world: World) -> None:
    world = pristine_world
    assert mail_both_ways(world, "staging") == ["bool(false)", "bool(false)"]
    world.leaky = True
    try:
        world.reset()
        assert mail_both_ways(world, "staging") == ["bool(true)", "bool(true)"]
        assert arrived(world.mail, "web-staging@example.com")
        assert arrived(world.mail, "shell-staging@example.com")
    finally:
        world.leaky = False
        world.reset()


def test_php_writes_in_folders_that_were_made_over_ssh(world: World) -> None:
    folder = world.production.root / "wp-content" / "made-over-ssh"
    over_ssh(world, f"mkdir -p '{folder}' && chmod 700 '{folder}'")
    probe = world.production.root / "probe.php"
    probe.write_text(f"<?php var_dump(is_writable('{folder}'), file_put_contents('{folder}/x', 'y'));")
    try:
        assert httpx.get(f"{world.production.url}/probe.php").text.split() == ["bool(true)", "int(1)"]
    finally:
        probe.unlink()
    assert over_ssh(world, f"cat '{folder}/x'; rm -r '{folder}'") == "y"


def test_php_errors_are_logged_with_the_site_and_not_shown(pristine_world: World) -> None:
    probe = pristine_world.production.root / "probe.php"
    probe.write_text("<?php echo 'before'; undefined_function_of_the_test();")
    answer = httpx.get(f"{pristine_world.production.url}/probe.php")
    probe.unlink()
    assert answer.status_code == 500
    assert "undefined_function" not in answer.text
    assert "undefined_function_of_the_test" in pristine_world.production.php_error_log.read_text()
    assert "undefined_function" not in pristine_world.staging.php_error_log.read_text()


def test_the_playbook_names_packages_by_their_true_hash(world: World) -> None:
    text = world.playbook.read_text()
    for module in paperwork.MODULES:
        package = world.packages / paperwork.package_name(module)
        assert f"sha256: {hashlib.sha256(package.read_bytes()).hexdigest()}" in text
        with zipfile.ZipFile(package) as archive:
            assert {name.split("/")[0] for name in archive.namelist()} == {module.name}
            assert f"Version: {module.new}" in archive.read(f"{module.name}/{module.name}.php").decode()


def test_packing_the_same_files_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "mod"
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "b.php").write_text("b")
        (folder / "a.php").write_text("a")
    first = paperwork.pack(tmp_path / "one" / "mod", tmp_path / "1.zip")
    time.sleep(0.01)
    assert paperwork.pack(tmp_path / "two" / "mod", tmp_path / "2.zip") == first


def test_inventory_and_playbook_are_what_palier_reads(world: World) -> None:
    from pipeline.config.loader import check_pair, load_inventory, load_playbook

    inventory, playbook = load_inventory(world.inventory), load_playbook(world.playbook)
    check_pair(inventory, playbook)
    assert inventory.production.url == world.production.url
    assert [update.module for update in playbook.updates] == [module.name for module in paperwork.MODULES]


def test_the_approvers_signature_is_accepted_by_allowed_signers(world: World) -> None:
    key, signers = str(world.approver_key), str(world.allowed_signers)
    signed = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "t"], input=b"text", capture_output=True, check=True
    ).stdout
    signature = world.folder / "probe.sig"
    signature.write_bytes(signed)
    words = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", paperwork.APPROVER, "-n", "t", "-s", str(signature)]
    verified = subprocess.run(words, input=b"text", capture_output=True, check=False)
    signature.unlink()
    assert verified.returncode == 0, verified.stderr


def test_reset_takes_back_files_rows_and_detached_processes(world: World) -> None:
    over_ssh(world, "setsid sleep 300 >/dev/null 2>&1 & echo started")
    extra = world.production.root / "extra.txt"
    extra.write_text("x")
    world.mariadb.admin(f"DELETE FROM {world.production.schema}.wp_shop_orders LIMIT 5")
    world.mariadb.admin(f"CREATE TABLE {world.staging.schema}.left_over (a INT)")
    world.reset()
    assert not extra.exists()
    assert int(world.mariadb.admin(f"SELECT COUNT(*) FROM {world.production.schema}.wp_shop_orders")) == 300
    assert world.mariadb.admin(f"SHOW TABLES FROM {world.staging.schema}") == ""
    assert not [pid for pid in marked(world.folder) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_world_that_was_stopped_comes_back_at_the_same_addresses(pristine_world: World) -> None:
    before, listing = pristine_world.production.url, pristine_world.inventory.read_text()
    pristine_world.stop()
    assert marked(pristine_world.folder) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(before)
    again = World(pristine_world.folder)
    again.start()
    assert again.inventory.read_text() == listing
    assert httpx.get(before).status_code == 200


def test_state_names_every_server(world: World) -> None:
    state = json.loads((world.folder / "state.json").read_text())
    assert set(state["ports"]) == {"production", "staging", "trap"}
    assert all(family([pid]) for pid in state["pids"].values())


def test_destroying_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    short = World(tmp_path / "world of its own")
    short.start(orders=5)
    assert int(short.mariadb.admin(f"SELECT COUNT(*) FROM {short.production.schema}.wp_shop_orders")) == 5
    over_ssh(short, "setsid sleep 300 >/dev/null 2>&1 & echo started")
    short.destroy()
    assert not short.folder.exists()
    assert marked(short.folder) == []


def test_a_folder_that_is_no_world_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(ServiceFailed, match=r"state\.json"):
        World(tmp_path).destroy()
    assert (tmp_path / "thesis.odt").exists()


def test_a_folder_that_no_configuration_can_name_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match="plainer name"):
        World(tmp_path / "50% off").start()
    assert list(tmp_path.iterdir()) == []
