"""The one error base, and the exit codes that every command answers with.

A :class:`PalierError` means: tell the user these sentences and stop. Its text begins with whether production was
changed, then what happened, why, and the next command to type. Anything else that escapes is a defect of Palier.
"""

from __future__ import annotations

from enum import IntEnum

UNTOUCHED = "Production was not changed."


class ExitCode(IntEnum):
    """What a command's exit status says; scripts and CI jobs branch on it."""

    DONE = 0
    FAILED = 1
    """Failed; production is as it was before."""
    USAGE = 2
    """The command line, an inventory or a playbook is wrong."""
    SMOKE = 3
    APPROVAL = 4
    REFUSED = 5
    """A check refused before anything was touched."""
    LOCKED = 6
    ROLLED_BACK = 7
    HOLD = 8
    """A human is needed: production is closed, or its state is not known."""
    INCONCLUSIVE = 9
    SET_ASIDE = 10
    """An update run set something aside, and what it kept may be promoted. Nothing kept at all: ``SMOKE``."""
    INTERRUPTED = 130
    """Interrupted; whatever had begun was undone."""


class PalierError(Exception):
    """A failure that is told in sentences and never as a traceback.

    :param what: what happened, one sentence.
    :param why: the cause, if known; one or more sentences.
    :param next_step: the next thing to type or to do.
    :param production: the first sentence: whether production was changed.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, why: str = "", next_step: str = "", production: str = UNTOUCHED) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step
        self.production = production

    def __str__(self) -> str:
        return "\n".join(part for part in (self.production, self.what, self.why, self.next_step) if part)


class ConfigError(PalierError):
    """An inventory, a playbook or the command line is wrong. ``what`` holds one line for each mistake."""

    exit_code = ExitCode.USAGE


class Refused(PalierError):
    """A check refused to go on before anything was touched."""

    exit_code = ExitCode.REFUSED


class SmokeFailed(PalierError):
    """A smoke suite failed."""

    exit_code = ExitCode.SMOKE


class ApprovalMissing(PalierError):
    """Too few valid signatures, or the manifest is not what was signed."""

    exit_code = ExitCode.APPROVAL


class Locked(PalierError):
    """Another run holds the shop."""

    exit_code = ExitCode.LOCKED


class RolledBack(PalierError):
    """A step on production failed and everything was taken back."""

    exit_code = ExitCode.ROLLED_BACK


class Hold(PalierError):
    """Production is closed or in an unknown state, and a human must decide."""

    exit_code = ExitCode.HOLD


class Inconclusive(PalierError):
    """The outcome could not be established."""

    exit_code = ExitCode.INCONCLUSIVE


class Interrupted(PalierError):
    """Ctrl-C or SIGTERM; what had begun was undone."""

    exit_code = ExitCode.INTERRUPTED
