"""Every mistake in an inventory or a playbook is told at once, with its line, its column and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.config.inventory import Approvals
from pipeline.config.loader import check_pair, find_inventory, load_inventory, load_playbook
from pipeline.errors import ConfigError, ExitCode

ROOT = Path(__file__).parents[3]

INVENTORY = """\
shop: atelier
production:
  url: https://shop.example/
  root: /var/www
  hosts:
    - ssh: deploy@shop.example:2222
      identity: keys/id
staging:
  url: https://staging.example
  root: /var/staging
  hosts:
    - ssh: local
"""

PLAYBOOK = """\
shop: atelier
updates:
  - module: shop-search
    to: "2.10"
    package: packages/shop-search.zip
    reason: {kind: feature, text: finds more}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return write(tmp_path / "inventories" / "atelier.yml", INVENTORY)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    return write(tmp_path / "playbooks" / "june.yml", PLAYBOOK)


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def complaints(path: Path, text: str | bytes) -> list[str]:
    """What is said of ``text`` as the file ``path``, without the file's name."""
    write(path, text)
    load = load_playbook if path.parent.name == "playbooks" else load_inventory
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.exit_code is ExitCode.USAGE
    lines = caught.value.what.splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_paths_start_at_the_folder_of_their_file(inventory: Path, playbook: Path) -> None:
    shop = load_inventory(inventory)
    assert shop.production.hosts[0].identity == inventory.parent / "keys/id"
    assert shop.production.url == "https://shop.example"
    assert load_playbook(playbook).updates[0].package == playbook.parent / "packages/shop-search.zip"


def test_home_is_expanded_and_full_paths_stay(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = INVENTORY + "allowed_signers: /etc/signers\n"
    shop = load_inventory(write(inventory, text.replace("keys/id", "~/.ssh/id")))
    assert (shop.production.hosts[0].identity, shop.allowed_signers) == (Path("/home/me/.ssh/id"), Path("/etc/signers"))


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(inventory: Path) -> None:
    text = INVENTORY.replace("shop: atelier", "shop: a b\nbrnad: x").replace("root: /var/www", "root: www")
    assert complaints(inventory, text + "platform: wordpres\n") == [
        '1:7: shop: must be letters, digits, ".", "_" and "-", beginning with a letter or digit',
        '2:1: brnad: is not a key here; did you mean "brand"?',
        '5:9: production.root: must be a full path, beginning with "/"',
        '14:11: platform: must be one of wordpress, woocommerce, prestashop; did you mean "wordpress"?',
    ]


def test_a_path_inside_the_working_folder_is_shown_from_there(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inventory.parents[1])
    write(inventory, "shop: x\n")
    with pytest.raises(ConfigError, match=r"\ninventories/atelier.yml:1:1: production: is missing"):
        load_inventory(inventory)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "  root: /var/www\n",
            "",
            '2:1: production.root: is missing; add "root: ..." (the document root on the hosts)',
        ),
        ("ssh: local", "sssh: local", '12:7: staging.hosts[0].sssh: is not a key here; did you mean "ssh"?'),
        ("ssh: local", "ssh: -oX=y", "12:12: staging.hosts[0].ssh: is not the address of a host. Write user@host:port"),
        ("https://staging.example", "shop", '9:8: staging.url: must be an http or https address, for example "https:'),
        ("url: https://staging.example", "url:", "9:3: staging.url: is empty; give it a value or remove the key"),
        ("    - ssh: local", "    ssh: local", '11:3: staging.hosts: must be a list; begin each item with "- "'),
        ("staging:\n", "staging: x\nother:\n", '8:10: staging: must be a table of keys, written as "key: value" lines'),
        ("shop: atelier", "shop: 12", '1:7: shop: must be text; put it in quotes ("...")'),
        ("root: /var/staging", "root: /s\n  mail_port: 0", "11:14: staging.mail_port: must be at least 1"),
    ],
)
def test_each_mistake_names_its_place_and_its_fix(inventory: Path, old: str, new: str, said: str) -> None:
    assert old in INVENTORY
    assert any(line.startswith(said) for line in complaints(inventory, INVENTORY.replace(old, new)))


@pytest.mark.parametrize(
    ("written", "shown"), [("4.10", "4.10"), ("4.1", "4.1"), ("4", "4"), ("1e3", "1e3"), ("  2.0   # no", "2.0")]
)
def test_a_version_without_quotes_is_refused_as_it_was_written(playbook: Path, written: str, shown: str) -> None:
    (said,) = complaints(playbook, PLAYBOOK.replace('"2.10"', written))
    assert f'updates[0].to: put the version in quotes: "{shown}"' in said


def test_a_module_updated_twice_is_told_with_the_first_line(playbook: Path) -> None:
    again = PLAYBOOK + PLAYBOOK.partition("updates:\n")[2].replace("2.10", "2.11")
    assert complaints(playbook, again) == [
        "7:13: updates[1].module: shop-search is already updated on line 3; remove one of the two"
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('start: 9\n  end: "17:00"', 'start: must be a time of day in quotes, for example "09:00"'),
        ('start: "25:00"\n  end: "17:00"', 'start: must be a time of day in quotes, for example "09:00"'),
        ('start: "9:00"\n  end: "17:00"\n  timezone: Paris', 'timezone: "Paris" is not a time zone'),
        (
            'start: "09:00"\n  end: "17:00"\n  days: [monday]',
            "days[0]: must be one of mon, tue, wed, thu, fri, sat, sun",
        ),
    ],
)
def test_windows_are_read_strictly(playbook: Path, written: str, said: str) -> None:
    assert any(f"window.{said}" in line for line in complaints(playbook, f"{PLAYBOOK}window:\n  {written}\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: is empty; "),
        ("- a\n", "1:1: is not a table of keys; "),
        ("just text", "1:1: is not a table of keys; "),
        ("shop: x\nproduction:\n\turl: x\n", "3:1: a tab; indent with spaces"),
        ("shop: x\nshop: y\n", '2:1: the key "shop" is given twice; remove one'),
        ('shop: "x\n', "2:1: is not YAML: "),
        ("shop: [x\nbrand: y\n", "2:6: is not YAML: "),
        ("shop: x\n  brand: y\n", "2:8: is not YAML: "),
        (b"shop: x\nbrand: caf\xe9\n", "2:11: is not UTF-8 text; save the file as UTF-8 (byte 0xe9 is not)"),
        ("shop: x\nbrand: a\x07b\n", "2:9: a control character; remove it"),
        ("shop: !!python/object x\n", "1:7: shop: has a YAML tag (!...); remove it"),
        ("shop: x\n---\nshop: y\n", "2:1: is not YAML: "),
        ("a: &a [x]\nb: *c\n", "2:4: is not YAML: "),
    ],
)
def test_what_is_not_yaml_is_told_in_the_same_form(inventory: Path, text: str | bytes, said: str) -> None:
    (line,) = complaints(inventory, text)
    assert line.startswith(said)


def test_a_file_that_cannot_be_read_is_told_in_the_same_form(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.yml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=f"{path}:1:1: cannot be read: {why}"):
            load_inventory(path)


def test_a_file_that_repeats_itself_into_billions_is_refused_at_once(inventory: Path) -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12))
    (line,) = complaints(inventory, f"l0: &l0 [x, x]\n{layers}\n")
    assert "repeats itself too often" in line
    assert complaints(inventory, "a: &a [*a]\n")
    assert complaints(inventory, "shop: &a {b: *a}\n")


def test_anchors_may_be_used(inventory: Path) -> None:
    text = INVENTORY.replace("- ssh: deploy", "- &web\n      ssh: deploy").replace("- ssh: local", "- *web")
    shop = load_inventory(write(inventory, text))
    assert shop.staging.hosts == shop.production.hosts


OWN_ROOT = "root: /var/staging\n  hosts:\n    - ssh: local"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://staging.example", "https://shop.example", "9:8: staging.url: is production's; "),
        (OWN_ROOT, "root: /var/www/\n  hosts:\n    - ssh: me@shop.example:2222", "10:9: staging.root: overlaps"),
        (OWN_ROOT, "root: /var/www/s\n  hosts:\n    - ssh: me@shop.example:2222", "10:9: staging.root: overlaps"),
        (OWN_ROOT, "root: /var\n  hosts:\n    - ssh: me@shop.example:2222", "10:9: staging.root: overlaps"),
    ],
)
def test_staging_must_not_be_production(inventory: Path, old: str, new: str, said: str) -> None:
    assert old in INVENTORY
    (line,) = complaints(inventory, INVENTORY.replace(old, new))
    assert line.startswith(said)


@pytest.mark.parametrize(("root", "ssh"), [("/var/www2", "shop.example:2222"), ("/var/www", "shop.example:22")])
def test_staging_may_be_beside_production_or_alike_on_another_host(inventory: Path, root: str, ssh: str) -> None:
    text = INVENTORY.replace(OWN_ROOT, f"root: {root}\n  hosts:\n    - ssh: {ssh}")
    assert load_inventory(write(inventory, text)).staging.root == root


def test_staging_must_not_have_productions_database(inventory: Path) -> None:
    spec = "  database: {host: db, name: shop, user: a, password: {env: A}}\n"
    text = INVENTORY.replace("staging:\n", f"{spec}staging:\n") + spec
    (line,) = complaints(inventory, text)
    assert line.startswith("14:3: staging.database: is production's")
    other = text.removesuffix(spec) + spec.replace("name: shop", "name: staging")
    assert load_inventory(write(inventory, other)).staging.database


@pytest.mark.parametrize(
    "wrong", ["hunter2", "{value: hunter2}", "[hunter2]", "{env: A, file: hunter2}", "{env: [hunter2]}"]
)
def test_a_secret_in_the_wrong_place_is_not_repeated(inventory: Path, wrong: str) -> None:
    text = INVENTORY.replace(
        "  root: /var/www", f"  root: /var/www\n  database: {{name: x, user: y, password: {wrong}}}"
    )
    write(inventory, text)
    with pytest.raises(ConfigError) as caught:
        load_inventory(inventory)
    assert "production.database.password" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_duplicate_keys_values_are_not_repeated(inventory: Path) -> None:
    (line,) = complaints(inventory, "password: hunter2\npassword: hunter3\n")
    assert "hunter" not in line


def test_a_playbook_belongs_to_one_shop(inventory: Path, playbook: Path) -> None:
    shop, plan = load_inventory(inventory), load_playbook(playbook)
    check_pair(shop, plan)
    with pytest.raises(ConfigError, match='playbook is for the shop "other"'):
        check_pair(shop, plan.model_copy(update={"shop": "other"}))


def test_a_playbook_asks_for_roles_that_the_inventory_knows(inventory: Path, playbook: Path) -> None:
    write(inventory, INVENTORY + "approvers: {merchant: [paul], lead: [anna]}\napprovals: {roles: [lead]}\n")
    shop, plan = load_inventory(inventory), load_playbook(playbook)
    check_pair(shop, plan.model_copy(update={"approvals": Approvals(roles=("lead", "merchant"))}))
    with pytest.raises(ConfigError, match='role "boss"; the inventory\'s approvers know: merchant, lead'):
        check_pair(shop, plan.model_copy(update={"approvals": Approvals(roles=("boss",))}))
    with pytest.raises(ConfigError, match="nobody counts"):
        check_pair(shop, plan.model_copy(update={"approvals": Approvals(roles=("merchant",))}))


@pytest.mark.parametrize(
    ("first", "where"),
    [
        ("    - ssh: deploy@shop.example:2222\n", "8:12: production.hosts"),
        ("    - ssh: local\n", "13:12: staging.hosts"),
    ],
)
def test_a_second_web_node_is_refused_at_its_line(inventory: Path, first: str, where: str) -> None:
    """It would keep the old code while the first one runs the new: nothing is to be tried before that is told."""
    key = "      identity: keys/id\n" if "deploy" in first else ""
    second = "    - ssh: deploy@web2.example\n"
    (line,) = complaints(inventory, INVENTORY.replace(first + key, first + key + second))
    assert line.startswith(f"{where}: has 2 hosts, and several web nodes are not supported yet")


def test_a_role_that_nobody_has_is_a_mistake_at_its_line(inventory: Path) -> None:
    (line,) = complaints(inventory, INVENTORY + "approvers: {lead: [anna]}\napprovals: {roles: [boss]}\n")
    assert line == '14:21: approvals.roles: "boss" is not a role of approvers; known are: lead'


def test_what_an_inventory_asks_for_at_least(inventory: Path) -> None:
    write(inventory, INVENTORY)
    assert load_inventory(inventory).least_approvals.required == 0
    write(inventory, INVENTORY + "allowed_signers: /etc/signers\n")
    assert load_inventory(inventory).least_approvals.required == 1
    write(inventory, INVENTORY + "allowed_signers: /etc/signers\napprovals: {required: 0}\n")
    assert load_inventory(inventory).least_approvals.required == 0


def test_a_shop_is_found_by_its_name_or_its_file(inventory: Path) -> None:
    root = inventory.parents[1]
    write(inventory.with_name("shop.example.yml"), INVENTORY)
    assert find_inventory("atelier", root) == inventory
    assert find_inventory("any/where.yml", root) == Path("any/where.yml")


def test_an_unknown_shop_is_told_with_the_known_ones(inventory: Path) -> None:
    root = inventory.parents[1]
    write(inventory.with_name("maison.yaml"), INVENTORY)
    write(inventory.with_name("shop.example.yml"), INVENTORY)
    with pytest.raises(ConfigError, match=r'no shop "attelier".\nKnown are: atelier, maison.\nDid you mean "atelier"'):
        find_inventory("attelier", root)
    with pytest.raises(ConfigError, match=r"none in .*inventories yet"):
        find_inventory("x", root / "nowhere")


@pytest.mark.parametrize("example", sorted(ROOT.glob("inventories/*.example.yml")), ids=lambda path: path.name)
def test_the_example_inventories_are_valid(example: Path) -> None:
    assert load_inventory(example).shop


@pytest.mark.parametrize("example", sorted(ROOT.glob("playbooks/*.example.yml")), ids=lambda path: path.name)
def test_the_example_playbooks_are_valid(example: Path) -> None:
    assert load_playbook(example).updates


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["shop", "ssh", "url", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(node: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where anything stands in plain data."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [here, *(place for key, value in inner for place in places(value, (*here, key)))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_stands_in_the_file_it_is_read_or_refused_with_a_place(tmp_path: Path, data: st.DataObject) -> None:
    document = YAML(typ="safe").load(INVENTORY)
    *path, last = data.draw(st.sampled_from(places(document)[1:]))
    node = document
    for key in path:
        node = node[key]
    node[last] = data.draw(VALUES)
    target = tmp_path / "shop.yml"
    with target.open("w", encoding="utf-8") as file:
        YAML().dump(document, file)
    try:
        load_inventory(target)
    except ConfigError as error:
        lines = error.what.splitlines()
        assert lines
        assert all(line.startswith(f"{target}:") and line.split(":")[1].isdigit() for line in lines)
