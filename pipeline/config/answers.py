"""Answers for an inventory from the command line, ``KEY=VALUE``: each key is looked up in the model."""

from __future__ import annotations

import difflib
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.config.document import Document, Location, dotted
from pipeline.config.inventory import PACKAGE_SOURCE, Inventory
from pipeline.config.mistakes import annotation_at, bare, is_model, mistakes_of
from pipeline.errors import ConfigError

NEAR = 3
"""How many keys that may have been meant are named."""

Answers = dict[Location, Any]
"""What was answered: a place in the inventory, and its value as YAML would give it."""


def read(words: Sequence[str], folder: Path) -> Answers:
    """``staging.database.name=shop`` and the like. A list's key may be given several times.

    Paths on this machine are as the shell sees them, from the working folder; the inventory in ``folder`` names them
    from there.

    :raises ConfigError: at once for all that are wrong, each with the keys that may have been meant.
    """
    found: Answers = {}
    wrong: list[str] = []
    for word in words:
        key, _, text = word.partition("=")
        if not text:
            wrong.append(f'"{word}" does not answer anything; write KEY=VALUE, as staging.database.name=shop.')
            continue
        try:
            location = _location(key)
            value = _value(text, location, folder)
        except ConfigError as error:
            wrong.append(error.what)
            continue
        listed = isinstance(value, list) and location in found
        found[location] = [*found[location], *value] if listed else value
    wrong += _mistakes(found, folder)
    if wrong:
        raise ConfigError("\n".join(wrong), next_step="Every key is described in docs/reference.md.")
    return found


def given(answers: Answers, key: str) -> bool:
    """Whether a key, a part of it, or a table around it was answered."""
    wanted = _parts(key)
    return any(location[: len(wanted)] == wanted or wanted[: len(location)] == location for location in answers)


def merged(data: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    """The data of an inventory with the answers put in; what was there stays as it is elsewhere."""
    whole: dict[str, Any] = _copied(data)
    for location, value in answers.items():
        at: Any = whole
        for part, following in itertools.pairwise(location):
            at = _entered(at, part, [] if isinstance(following, int) else {}, location)
        _put(at, location[-1], _copied(value), location)
    return whole


def _entered(at: Any, part: str | int, empty: Any, location: Location) -> Any:
    """What stands at ``part``; ``empty``, put there, if nothing does that could hold more."""
    there = at.get(part) if isinstance(at, dict) else at[part] if int(part) < len(at) else None
    if not isinstance(there, (dict, list)):
        there = empty
        _put(at, part, there, location)
    return there


def _put(at: Any, part: str | int, value: Any, location: Location) -> None:
    if isinstance(at, list) and int(part) > len(at):
        raise ConfigError(f"{dotted(location)}: number {len(at)} of that list was not given yet.")
    if isinstance(at, list) and int(part) == len(at):
        at.append(value)
    else:
        at[part] = value


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, (list, tuple)) else value


def _parts(key: str) -> Location:
    plain = re.sub(r"\[(\d+)\]", r".\1", key.strip())
    return tuple(int(part) if part.isdigit() else part for part in plain.split("."))


def _location(key: str) -> Location:
    """:raises ConfigError: if an inventory has no such key, with those that may have been meant."""
    location = _parts(key)
    wanted: Any = Inventory
    for depth, part in enumerate(location):
        if isinstance(part, int) != (get_origin(wanted) is tuple):
            wanted = None
        elif wanted is not None:
            wanted = bare(annotation_at(Inventory, location[: depth + 1]))
        if wanted is None:
            near = _near(key)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ConfigError(f'An inventory has no key "{key}".{hint}')
    if location == ("shop",):
        raise ConfigError('The key "shop" is the name that init is given; it cannot be set.')
    return location


def _near(key: str) -> list[str]:
    known = list(_keys(Inventory))
    last = re.split(r"[.\]]", key.strip("]"))[-1]
    same = [each for each in known if each.rpartition(".")[2] == last]
    close = difflib.get_close_matches(key, known, n=NEAR, cutoff=0.6)
    return list(dict.fromkeys([*close, *same]))[:NEAR]


def _keys(model: Any, before: str = "") -> Iterator[str]:
    """Every key of the files, dotted; what lists and free tables hold stands as ``[0]`` and is not followed twice."""
    for name, field in model.model_fields.items():
        key, wanted = f"{before}{name}", bare(field.annotation)
        yield key
        if get_origin(wanted) is tuple and is_model(bare(get_args(wanted)[0])):
            yield from _keys(bare(get_args(wanted)[0]), f"{key}[0].")
        elif is_model(wanted):
            yield from _keys(wanted, f"{key}.")


def _value(text: str, location: Location, folder: Path) -> Any:
    wanted = bare(annotation_at(Inventory, location))
    table = is_model(wanted) or get_origin(wanted) is dict
    if (table and text.startswith("{")) or (get_origin(wanted) is tuple and text.startswith("[")):
        try:
            return _placed(YAML(typ="safe").load(text), location, folder)
        except YAMLError as error:
            reason = str(error).strip().splitlines()[0]
            raise ConfigError(f"{dotted(location)}: what was given is not YAML ({reason}).") from None
    if table:
        keys = list(wanted.model_fields) if is_model(wanted) else ["NAME"]
        example = f"{dotted(location)}.{keys[0]}=…"
        raise ConfigError(f"{dotted(location)} is a table; answer one of its keys ({', '.join(keys)}), as {example}.")
    if get_origin(wanted) is tuple:
        item = bare(get_args(wanted)[0])
        # A list of tables takes the first key of one: the kind of an advisory, the address of a host.
        one = {next(iter(item.model_fields)): text} if is_model(item) else text
        return [_placed(one, (*location, 0), folder)]
    if wanted is int and re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    return _placed(text, location, folder)


def _placed(value: Any, location: Location, folder: Path) -> Any:
    """A value, its paths on this machine named from the inventory's folder."""
    if isinstance(value, Mapping):
        return {key: _placed(each, (*location, key), folder) for key, each in value.items()}
    if isinstance(value, list):
        return [_placed(each, (*location, index), folder) for index, each in enumerate(value)]
    if isinstance(value, str) and _is_path(value, location):
        return from_folder(value, folder)
    return value


def _is_path(value: str, location: Location) -> bool:
    names = tuple(part for part in location if isinstance(part, str))
    if names in {("packages",), ("advisories", "at")}:
        return "://" not in value and PACKAGE_SOURCE.fullmatch(value) is None
    return bare(annotation_at(Inventory, location)) is Path


def from_folder(path: str | Path, folder: Path) -> str:
    """A path as an inventory in ``folder`` names it: below its project from there, below the home with ``~``."""
    if str(path).startswith("~"):
        return str(path)
    whole = Path(os.path.normpath(Path(path).absolute()))
    if whole.is_relative_to(folder.absolute().parent):
        return os.path.relpath(whole, folder.absolute())
    return f"~/{whole.relative_to(Path.home())}" if whole.is_relative_to(Path.home()) else str(whole)


def _mistakes(answers: Answers, folder: Path) -> list[str]:
    """What the model says against the answers themselves; what else an inventory needs is not their fault."""
    data = merged({}, {place: value for place, value in answers.items() if not any(isinstance(p, int) for p in place)})
    try:
        Inventory.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        ours = [
            each
            for each in error.errors()
            if each["type"] != "missing" and any(each["loc"][: len(place)] == place for place in answers)
        ]
        return [mistake.text for mistake in mistakes_of(ours, Inventory, Document(Path("--set"), "", data))]
    return []
