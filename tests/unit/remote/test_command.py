"""Words are quoted once and come out as they went in; secrets are never shown."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import PalierError
from pipeline.remote.command import MASK, Command, Secret, command, masked, script
from pipeline.remote.local import LocalHost

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
HOST = LocalHost()


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=5))
def test_arbitrary_words_come_out_of_a_real_shell_as_they_went_in(words: list[str]) -> None:
    said = HOST.run(command("printf", r"%s\0", *words)).raw
    assert said == b"".join(word.encode() + b"\0" for word in words)


@settings(max_examples=30, deadline=None)
@given(WORDS, WORDS)
def test_arguments_of_a_script_are_never_taken_for_its_text(first: str, second: str) -> None:
    said = HOST.run(script(r'printf "%s\0" "$2" "$1"', first, second)).raw
    assert said == second.encode() + b"\0" + first.encode() + b"\0"


def test_a_file_name_that_is_not_utf8_comes_out_as_it_went_in() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert HOST.run(command("printf", "%s", name)).raw == b"caf\xe9"


def test_a_nul_is_refused_wherever_it_stands() -> None:
    for broken in (command("a\0b"), command("a").within("\0"), command("a").into("x\0"), command("a").as_user("\0")):
        with pytest.raises(PalierError, match="NUL"):
            broken.shell()


def test_a_pipeline_in_folders_is_grouped_so_that_each_part_has_its_own_folder() -> None:
    both = command("pwd").within("/usr").pipe(command("sh", "-c", "cat; pwd").within("/etc"))
    assert HOST.run(both).stdout.split() == ["/usr", "/etc"]


def test_a_folder_whose_name_begins_with_a_dash_is_entered() -> None:
    inside = command("pwd").within("-x")
    assert HOST.run(script('cd "$(mktemp -d)" && mkdir -- -x && ' + inside.shell())).stdout.strip().endswith("/-x")


def test_only_the_head_of_a_pipeline_is_given_the_input() -> None:
    both = command("tr", "a", "b").fed("banana").pipe(command("tr", "n", "m"))
    assert HOST.run(both).stdout == "bbmbmb"


def test_another_user_is_reached_through_sudo_without_a_prompt() -> None:
    assert command("id", "-u").as_user("www-data").shell() == "sudo -n -u www-data -- id -u"


def test_output_goes_into_the_named_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("out") / "a file"
    HOST.run(command("echo", "hello").into(str(target)))
    assert target.read_text() == "hello\n"


@given(st.text(min_size=1))
def test_a_secret_shows_nowhere_but_on_the_wire(value: str) -> None:
    secret = Secret(f"<{value}>")
    fed = command("mariadb").fed("password=", secret, "\n")
    for text in (str(secret), repr(secret), f"{secret}", f"{secret!r:>20}", str(fed), repr(fed), repr((secret,))):
        assert secret.reveal() not in text
    assert fed.input() == f"password=<{value}>\n".encode()


def test_a_command_that_is_fed_a_secret_says_so() -> None:
    fed = command("a").fed(Secret("x")).pipe(command("b"))
    assert str(fed) == f"a | b <<< {MASK}"
    assert str(command("a").fed("x")) == "a"


def test_a_secret_cannot_become_a_word() -> None:
    assert "hunter2" not in command("echo", f"{Secret('hunter2')}").shell()


def test_what_a_program_echoes_of_its_secret_input_is_masked() -> None:
    fed = command("x").fed("user=me\n", Secret("hunter2\n"))
    assert fed.masked("access denied for me, hunter2!") == f"access denied for me, {MASK}!"


def test_a_password_in_the_trace_of_an_error_is_masked_whole_and_as_php_shortens_it() -> None:
    secret = Secret("a-long-password-of-staging")
    said = "PDO->__construct('mysql:...', 'shop', 'a-long-password...') a-long-password-of-staging"
    assert masked(said, secret, Secret("")) == f"PDO->__construct('mysql:...', 'shop', '{MASK}') {MASK}"
    assert masked("the shop", Secret("the")) == "the shop"


def test_a_pipeline_can_be_rendered_by_hand_and_means_the_same() -> None:
    text = command("echo", "a b").pipe(command("cat")).shell()
    assert subprocess.run(["bash", "-c", text], check=True, capture_output=True).stdout == b"a b\n"


def test_commands_are_values() -> None:
    assert command("a", 1) == Command(("a", "1"))
    assert len({command("a"), command("a"), command("b")}) == 2
