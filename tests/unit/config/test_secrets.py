"""Secrets are found where their reference says, and a failure never shows a part of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config.inventory import SecretReference
from pipeline.config.secrets import resolve
from pipeline.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    return path


def test_each_source_gives_the_secret_without_its_line_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALIER_TEST_SECRET", "hunter2")
    references = (
        SecretReference(env="PALIER_TEST_SECRET"),
        SecretReference(file=file),
        SecretReference(command=("printf", r"hunter2\r\n")),
    )
    assert [resolve(reference).reveal() for reference in references] == ["hunter2"] * 3


def test_only_one_line_end_is_taken_off(file: Path) -> None:
    file.write_text(" hunter2 \n\n")
    assert resolve(SecretReference(file=file)).reveal() == " hunter2 \n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_command_that_closes_it(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {file}"):
        resolve(SecretReference(file=file))


def test_a_failing_commands_output_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("sh", "-c", "echo hunter2; echo hunter3 >&2; exit 4")
    with pytest.raises(ConfigError, match="failed with status 4") as caught:
        resolve(SecretReference(command=words))
    assert "hunter" not in str(caught.value).replace(" ".join(words), "")
    assert "hunter" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (SecretReference(env="PALIER_TEST_UNSET"), "PALIER_TEST_UNSET is not set"),
        (SecretReference(file=Path("/no/such/file")), "cannot be read"),
        (SecretReference(command=("no-such-program-of-palier",)), "cannot be run"),
        (SecretReference(command=("true",)), "is empty"),
        (SecretReference(command=("printf", r"a\000b")), "NUL"),
        (SecretReference(command=("printf", r"\351")), "not UTF-8"),
    ],
)
def test_a_secret_that_cannot_be_had_is_told(reference: SecretReference, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        resolve(reference)


def test_a_reference_has_exactly_one_source() -> None:
    for wrong in ({}, {"env": "A", "file": "b"}, {"env": "A", "command": ["b"]}):
        with pytest.raises(ValidationError, match="exactly one"):
            SecretReference.model_validate(wrong)
