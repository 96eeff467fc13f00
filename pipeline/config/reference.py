"""``python -m pipeline.config.reference [--check]`` writes docs/reference.md from the models, or compares the two."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import AnyUrl
from pydantic.fields import FieldInfo

from pipeline.config.inventory import Inventory, Model
from pipeline.config.mistakes import bare, is_model
from pipeline.config.playbook import Playbook

PAGE = Path("docs/reference.md")

INTRODUCTION = """\
# Reference of inventories and playbooks

<!-- Written by `python -m pipeline.config.reference` from the models in pipeline/config/. Do not edit it here. -->

Both are YAML. Relative paths start at the folder of the file that they are written in; `~` is your home folder.
Unknown keys are refused. Write versions in quotes: YAML reads an unquoted `4.10` as the number 4.1.
"""

_NAMES = {"str": "text", "int": "whole number", "bool": "true or false", "time": "time of day", "Path": "path"}


def reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, path, model in (
        ("Inventory", "inventories/SHOP.yml", Inventory),
        ("Playbook", "playbooks/NAME.yml", Playbook),
    ):
        parts.append(f"## {title}: `{path}`\n")
        seen: set[type[Model]] = set()
        parts += _tables(model, "", seen)
    return "\n".join(parts)


def _tables(model: type[Model], where: str, seen: set[type[Model]]) -> Iterator[str]:
    """The table of one model, then those of the models in it; each once, where it comes first."""
    seen.add(model)
    heading = f"### `{where}`\n\n" if where else ""
    lines = [f"{heading}{_summary(model)}\n", "| key | value | default | meaning |", "|---|---|---|---|"]
    lines += [_row(name, field) for name, field in model.model_fields.items()]
    yield "\n".join(lines) + "\n"
    for name, field in model.model_fields.items():
        for inner, steps in _models(field.annotation):
            if inner not in seen:
                yield from _tables(inner, f"{where}.{name}".removeprefix(".") + steps, seen)


def _summary(model: type[Model]) -> str:
    return " ".join((model.__doc__ or "").split()).replace("``", "`")


def _row(name: str, field: FieldInfo) -> str:
    cells = f"`{name}`", kind(field.annotation), _default(field), field.description or ""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("``", "`") for cell in cells) + " |"


def kind(annotation: Any) -> str:
    """A type in the words of someone who writes YAML."""
    wanted = bare(annotation)
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in {tuple, list}:
        return f"list of {kind(arguments[0])}"
    if origin is dict:
        return f"table of {kind(arguments[1])}"
    if is_model(wanted):
        return "table"
    if isinstance(wanted, type) and issubclass(wanted, AnyUrl):
        return "address"
    return _NAMES.get(getattr(wanted, "__name__", ""), str(wanted))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}, "") or isinstance(value, Model):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"


def _models(annotation: Any) -> list[tuple[type[Model], str]]:
    """The models that a type leads to, with what is written behind the key to get there."""
    wanted = bare(annotation)
    if is_model(wanted):
        return [(wanted, "")]
    arguments = get_args(wanted)
    if get_origin(wanted) in {tuple, list}:
        return [(inner, f"[]{steps}") for inner, steps in _models(arguments[0])]
    if get_origin(wanted) is dict:
        return [(inner, f".NAME{steps}") for inner, steps in _models(arguments[1])]
    return []


def main(words: list[str]) -> int:
    """Write the page, or with ``--check`` show how the page differs; 1 if it does."""
    wanted = reference()
    if words != ["--check"]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if found == wanted:
        return 0
    difference = difflib.unified_diff(found.splitlines(), wanted.splitlines(), str(PAGE), "the models", lineterm="")
    sys.stderr.write("\n".join([*difference, f"{PAGE} is not current: run python -m pipeline.config.reference", ""]))
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
