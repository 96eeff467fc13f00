"""A team's own advisories: a YAML file beside the inventory, for what no public list has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from pipeline.advisories.advisory import Advisory
from pipeline.advisories.ranges import parse_range
from pipeline.config.document import Mistake, read_document, refusal
from pipeline.config.inventory import IDENTIFIER, Model
from pipeline.config.mistakes import mistakes_of
from pipeline.config.playbook import Version

SOURCE = "the team"


def _text(value: object) -> object:
    if isinstance(value, (int, float)):
        raise ValueError(f'write the versions in quotes, for example "< {value}"')  # noqa: TRY004  # for Pydantic
    return value


class TeamAdvisory(Model):
    """One advisory of the team's own."""

    id: str = Field(min_length=3, description="what the team calls it: a ticket's number, for example")
    module: str = Field(pattern=IDENTIFIER, description="the module, by its folder's name")
    affected: Annotated[str, BeforeValidator(_text)] = Field(
        description='the affected versions in quotes: "< 2.3.1", ">= 1.2 and < 1.4", "all versions"'
    )
    fixed: Version | None = Field(None, description="the version that mends it, in quotes")
    title: str = Field(min_length=3, description="what can happen, in a few words")
    severity: str = Field("", description="for people: critical, high, ...")
    reference: str = Field("", description="an address or a ticket")


class TeamAdvisories(Model):
    """The whole file."""

    advisories: tuple[TeamAdvisory, ...] = Field(min_length=1, description="the advisories")


def read(path: Path) -> list[Advisory]:
    """Read the file.

    :raises ConfigError: with every mistake, its line and its column; also where a range cannot be read, because who
        wrote it can be asked.
    """
    document = read_document(path)
    try:
        written = TeamAdvisories.model_validate(document.data)
    except ValidationError as error:
        raise refusal(path, mistakes_of(error.errors(), TeamAdvisories, document)) from None
    found = [_advisory(each) for each in written.advisories]
    mistakes = [
        Mistake(
            *document.value_at(("advisories", index, "affected")),
            f'advisories[{index}].affected: is not a range; write it like "< 2.3.1" or ">= 1.2 and < 1.4"',
        )
        for index, advisory in enumerate(found)
        if not advisory.affected.readable
    ]
    if mistakes:
        raise refusal(path, mistakes)
    return found


def _advisory(written: TeamAdvisory) -> Advisory:
    return Advisory(
        identifier=written.id,
        title=written.title,
        modules=frozenset({written.module.lower()}),
        affected=parse_range(written.affected, fixed=[written.fixed] if written.fixed else []),
        source=SOURCE,
        reference=written.reference,
        severity=written.severity,
    )
