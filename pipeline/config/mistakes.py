"""What Pydantic found wrong, as sentences that say what to write instead.

Values are not repeated, except where the choice is among a few words: one may be a secret in the wrong place.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.config.document import Document, Location, Mistake, dotted
from pipeline.config.inventory import IDENTIFIER, SecretReference

_PATTERNS = {
    IDENTIFIER: 'must be letters, digits, ".", "_" and "-", beginning with a letter or digit',
    "^/": 'must be a full path, beginning with "/"',
    "^[0-9a-f]{64}$": "must be 64 hexadecimal digits in lower case, as sha256sum prints them",
}

_REFERENCE = 'must say where the secret is found; write "env: NAME", "file: PATH" or "command: [PROGRAM, ...]"'


def mistakes_of(errors: Sequence[ErrorDetails], model: type[BaseModel], document: Document) -> list[Mistake]:
    """Every error, at its line and column."""
    # Pydantic calls a list too short when its items are wrong.
    return [_mistake(error, model, document) for error in errors if error["type"] != "too_short" or not error["input"]]


def _mistake(error: ErrorDetails, model: type[BaseModel], document: Document) -> Mistake:
    location: Location = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == "missing":
        line, column = document.key_at(location[:-1])
    elif error["type"] == "extra_forbidden":
        line, column = document.key_at(location)
    else:
        line, column = document.value_at(location)
    where = f"{dotted(location)}: " if location else ""
    return Mistake(line, column, where + _sentence(error, location, model, document))


def _sentence(error: ErrorDetails, location: Location, model: type[BaseModel], document: Document) -> str:
    kind = error["type"]
    if kind == "missing":
        return _missing(location, model)
    if kind == "extra_forbidden":
        return _unknown(str(location[-1]), annotation_at(model, location[:-1]))
    if error["input"] is None and kind.endswith("_type"):
        return "is empty; give it a value or remove the key"
    if kind == "value_error" and "version" in error["msg"]:
        # The data have lost what was written.
        written = document.source(location)
        return f'put the version in quotes: "{written}"; YAML reads an unquoted 4.10 as the number 4.1'
    return _about_value(error, annotation_at(model, location))


def _about_value(error: ErrorDetails, wanted: Any) -> str:
    kind = error["type"]
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return _REFERENCE if wanted is SecretReference else 'must be a table of keys, written as "key: value" lines'
    if kind == "literal_error":
        return _choice(str(error["input"]), get_args(wanted))
    if kind.startswith("url_"):
        return 'must be an http or https address, for example "https://shop.example"'
    rule = _RULES.get(kind)
    return rule(error.get("ctx", {})) if rule is not None else error["msg"][:1].lower() + error["msg"][1:]


_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "value_error": lambda context: str(context["error"]),
    "string_type": lambda _: 'must be text; put it in quotes ("...")',
    "string_pattern_mismatch": lambda context: _PATTERNS.get(
        context["pattern"], f"does not have the right form ({context['pattern']})"
    ),
    "string_too_short": lambda _: "is too short; write a few words",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "tuple_type": lambda _: 'must be a list; begin each item with "- " or write [a, b]',
    "too_short": lambda _: "must have at least one item",
    "path_type": lambda _: "must be a path",
    "time_parsing": lambda _: 'must be a time of day in quotes, for example "09:00"',
    "time_type": lambda _: 'must be a time of day in quotes, for example "09:00"',
}


def _missing(location: Location, model: type[BaseModel]) -> str:
    parent = annotation_at(model, location[:-1])
    field = parent.model_fields.get(str(location[-1])) if is_model(parent) else None
    about = f" ({field.description})" if field is not None and field.description else ""
    return f'is missing; add "{location[-1]}: ..."{about}'


def _unknown(key: str, parent: Any) -> str:
    known = list(parent.model_fields) if is_model(parent) else []
    near = nearest(key, known)
    return f'is not a key here; did you mean "{near}"?' if near else f"is not a key here; known are: {', '.join(known)}"


def _choice(value: str, allowed: Sequence[object]) -> str:
    names = [str(name) for name in allowed]
    near = nearest(value, names)
    return f"must be one of {', '.join(names)}" + (f'; did you mean "{near}"?' if near else "")


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that was probably meant, if one is near."""
    plain = {name.lower().replace("-", "_"): name for name in known}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), list(plain), n=1)
    return plain[found[0]] if found else None


def is_model(annotation: Any) -> bool:
    """Whether a type is a table of the files."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def bare(annotation: Any) -> Any:
    """A type without ``| None`` and without annotations."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return bare(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def annotation_at(model: type[BaseModel], location: Location) -> Any:
    """The type that the models want at ``location``; ``None`` if nothing may stand there."""
    wanted: Any = model
    for part in location:
        if is_model(wanted):
            field = wanted.model_fields.get(str(part))
            wanted = field.annotation if field is not None else None
        else:
            arguments = get_args(wanted)
            wanted = (arguments[1] if get_origin(wanted) is dict else arguments[0]) if arguments else None
        wanted = bare(wanted)
    return wanted
