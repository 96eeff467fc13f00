"""The reference page is written from the models, and is current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.inventory import Inventory, Model
from pipeline.config.playbook import Playbook
from pipeline.config.reference import _models, main, reference

ROOT = Path(__file__).parents[3]


def models(model: type[Model]) -> Iterator[type[Model]]:
    yield model
    for field in model.model_fields.values():
        for inner, _ in _models(field.annotation):
            yield from models(inner)


@pytest.mark.parametrize("top", [Inventory, Playbook])
def test_every_key_is_described(top: type[Model]) -> None:
    page = reference()
    for model in models(top):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
            assert f"| `{name}` |" in page
            assert field.description.replace("``", "`") in page


def test_the_page_in_the_repository_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--check"]) == 0


def test_a_page_that_is_not_current_is_told_with_the_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    page = tmp_path / "docs" / "reference.md"
    page.write_text(page.read_text().replace("the document root", "the root"))
    assert main(["--check"]) == 1
    assert "-| `root` | text | **required** | the root on the hosts |" in capsys.readouterr().err
