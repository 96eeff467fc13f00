"""Answers on the command line: each is looked up in the model, and what is wrong is said with what may be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import answers
from pipeline.errors import ConfigError

FOLDER = Path("/team/inventories")


def one(word: str) -> object:
    return answers.merged({}, answers.read([word], FOLDER))


@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("brand=L'Été: à #1", {"brand": "L'Été: à #1"}),
        ("staging.database.port=3307", {"staging": {"database": {"port": 3307}}}),
        ("staging.database.name=a=b", {"staging": {"database": {"name": "a=b"}}}),
        ("journeys.search_term=123", {"journeys": {"search_term": "123"}}),
        ("production.hosts[0].jump=u@jump.example", {"production": {"hosts": [{"jump": "u@jump.example"}]}}),
        ("staging.database.password.env=STAGING", {"staging": {"database": {"password": {"env": "STAGING"}}}}),
        ("packages=wordpress.org:akismet", {"packages": ["wordpress.org:akismet"]}),
        ("packages=[https://a.example/x.zip]", {"packages": ["https://a.example/x.zip"]}),
        ("advisories=[{kind: friends-of-presta}]", {"advisories": [{"kind": "friends-of-presta"}]}),
        ("advisories=friends-of-presta", {"advisories": [{"kind": "friends-of-presta"}]}),
        ("journeys.selectors.add-to-cart=#buy", {"journeys": {"selectors": {"add-to-cart": "#buy"}}}),
        ("modules={m: {folder: n}}", {"modules": {"m": {"folder": "n"}}}),
    ],
)
def test_a_key_and_its_value(word: str, data: object) -> None:
    assert one(word) == data


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("staging.databse.name=x", r'no key "staging.databse.name". Did you mean .*staging\.database\.name'),
        ("search_term=mug", r"Did you mean journeys\.search_term"),
        ("production.hosts.ssh=a@b", r'no key "production.hosts.ssh".*production\.hosts\[0\]\.ssh'),
        ("brand.name=x", r'no key "brand.name"'),
        ("staging.database=x", "is a table; answer one of its keys .*staging.database.host=…"),
        ("advisories=[{kind", "not YAML"),
        ("staging.mail_port=many", "staging.mail_port: must be a whole number"),
        ("platform=prestashp", 'must be one of .* did you mean "prestashop"'),
        ("packages=ftp://x.example", "must begin with https://"),
        ("shop=other", "the name that init is given"),
        ("brand", "write KEY=VALUE"),
        ("brand=", "write KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_said(word: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        answers.read([word], FOLDER)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        answers.read(["brnad=x", "staging.mail_port=many", "contact=ok"], FOLDER)
    assert len(refused.value.what.splitlines()) == 2


def test_a_list_grows_with_each_answer() -> None:
    found = answers.read(["packages=https://a.example", "packages=https://b.example"], FOLDER)
    assert answers.merged({}, found)["packages"] == ["https://a.example", "https://b.example"]


def test_paths_are_as_the_shell_sees_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    monkeypatch.chdir(tmp_path / "team")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    words = [
        "allowed_signers=signers",
        "packages=zips",
        "advisories=[{kind: team, at: own.yml}]",
        f"staging.database.password.file={tmp_path}/home/.secrets/x",
        "journeys.own_tests=/opt/tests",
        "production.php_error_log=php.log",
    ]
    found = answers.merged({}, answers.read(words, tmp_path / "team" / "inventories"))
    assert found["allowed_signers"] == "../signers"
    assert found["packages"] == ["../zips"]
    assert found["advisories"][0]["at"] == "../own.yml"
    assert found["staging"]["database"]["password"]["file"] == "~/.secrets/x"
    assert found["journeys"]["own_tests"] == "/opt/tests"
    assert found["production"]["php_error_log"] == "php.log", "that path is the host's"


def test_answers_change_nothing_else() -> None:
    data = {"production": {"url": "a", "hosts": [{"ssh": "x", "identity": "k"}]}}
    found = answers.merged(data, answers.read(["production.hosts[0].ssh=local"], FOLDER))
    assert found == {"production": {"url": "a", "hosts": [{"ssh": "local", "identity": "k"}]}}
    assert data["production"]["hosts"] == [{"ssh": "x", "identity": "k"}]


def test_a_table_around_a_key_or_a_part_of_it_answers_it() -> None:
    found = answers.read(["staging.database.password.env=X", "modules={m: {folder: n}}"], FOLDER)
    assert not answers.given(found, "staging.database.password.file")
    assert answers.given(found, "staging.database.password")
    assert answers.given(found, "modules.m.folder")
