"""The release manifest: what will be promoted, as one text with one digest. Its SHA-256 is what approvers sign.

The canonical form is JSON in UTF-8 with sorted keys, no spaces, no floats and no default left out, so that one release
has exactly one text. :func:`read` takes nothing else: a manifest that could be read in two ways cannot be signed.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, JsonValue, ValidationError

from pipeline import __version__
from pipeline.config.inventory import IDENTIFIER, Approvals, Model
from pipeline.config.playbook import Reason
from pipeline.errors import Refused

FORMAT: Literal[2] = 2
LARGEST = 8 << 20
"""Bytes; a larger manifest is refused unread."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""UTC, to the second: ``2026-11-21T19:01:02Z``."""


class ManifestRefused(Refused):
    """A manifest is not canonical, or says something that it may not."""


def _exact(value: JsonValue) -> JsonValue:
    """JSON without numbers that two programs could write differently."""
    if isinstance(value, float):
        raise ValueError("numbers must be whole: a fraction can be written in many ways")  # noqa: TRY004 - pydantic collects this one
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _exact(part)
    return value


Exact = Annotated[JsonValue, AfterValidator(_exact)]


class Part(Model):
    """A part of the manifest: nothing unknown in it, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class ReleasedModule(Part):
    """One module that goes up. ``tree`` is the digest of its folder's files as they must lie on the host."""

    name: str = Field(pattern=IDENTIFIER)
    from_: str | None = Field(
        validation_alias=AliasChoices("from", "from_"), serialization_alias="from", description="None: newly added"
    )
    to: str
    sha256: Sha256
    tree: Sha256
    reason: Reason


class SetAside(Part):
    """One update that did not pass, and why."""

    module: str = Field(pattern=IDENTIFIER)
    to: str
    reason: str


class SuiteEvidence(Part):
    """What one smoke suite said of the kept set, with the digests of the files that show it."""

    result: Literal["passed", "failed"]
    junit: Sha256
    files: dict[str, Sha256] = Field(default_factory=dict)


class Manifest(Part):
    """One release of one shop. ``format`` goes up when a field's meaning changes, so that an older Palier refuses.

    What an approval takes is in it, and so is who ran the update: whoever can write the record on the host cannot
    lower the one or change the other without making every signature void.
    """

    format: Literal[2] = FORMAT
    palier: str = __version__
    shop: str = Field(pattern=IDENTIFIER)
    run: str = Field(min_length=1)
    created: Moment
    ran_by: str = Field(min_length=1, description="who ran the update")
    approvals: Approvals = Field(description="who must sign this manifest before it is promoted")
    production: str = Field(description="the address of the shop that is promoted")
    base: Commit = Field(description="the ledger's commit of production as found")
    head: Commit = Field(description="the ledger's commit of what goes up")
    base_tree: Sha256 = Field(description="digest of production's code as found")
    playbook: Sha256 = Field(description="digest of the playbook's settings: approvals, suites, budgets")
    modules: tuple[ReleasedModule, ...]
    footprint: dict[str, Exact] = Field(description="tables that the updates changed")
    rows: dict[str, Exact] = Field(default_factory=dict, description="what changed in them, for people")
    evidence: dict[str, SuiteEvidence]
    quarantined: tuple[SetAside, ...] = ()
    left_out: tuple[str, ...] = Field((), description="suites that failed before any update, and so were not run")
    noted: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="module → what was seen of it that did not set it aside"
    )


def canonical(manifest: Manifest) -> bytes:
    """The one text of a manifest."""
    value = manifest.model_dump(mode="json", by_alias=True)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ManifestRefused("The release manifest holds text that UTF-8 cannot write.") from error


def digest(manifest: bytes) -> str:
    """The SHA-256 that is signed, in hexadecimal."""
    return hashlib.sha256(manifest).hexdigest()


def read(content: bytes) -> Manifest:
    """The manifest that ``content`` is the canonical text of.

    :raises ManifestRefused: if it is anything else, if only by a space, a double key or a missing default.
    """
    if len(content) > LARGEST:
        raise ManifestRefused(f"The release manifest is larger than {LARGEST} bytes.")
    _demand_format(content)
    try:
        manifest = Manifest.model_validate_json(content, strict=True)
    except (ValidationError, RecursionError) as error:
        raise ManifestRefused("The release manifest cannot be read.", why=_mistakes(error)) from error
    if canonical(manifest) != content:
        raise ManifestRefused(
            "The release manifest is not in its canonical form, so it is not what was written.",
            next_step="Run the update again; do not edit a manifest.",
        )
    return manifest


def _demand_format(content: bytes) -> None:
    """:raises ManifestRefused: if another Palier wrote it, whose fields may mean something else."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return  # what is wrong is told by whoever reads it next
    found = told.get("format") if isinstance(told, dict) else None
    if type(found) is int and found != FORMAT:
        raise ManifestRefused(
            f"The release manifest is of format {found}; this Palier ({__version__}) reads and writes format {FORMAT}.",
            why="What its fields mean has changed, so neither it nor its signatures can be taken over.",
            next_step="Run the update again with this Palier, and have it approved again.",
        )


def _mistakes(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "It is nested too deeply."
    found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)[:3]]
    return "; ".join(found)
