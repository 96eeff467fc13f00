"""References to secrets, resolved at the moment they are needed and never shown."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pipeline.config.inventory import SecretReference
from pipeline.errors import ConfigError
from pipeline.remote.command import Secret

TIMEOUT = 60
"""Seconds that a command may take to print a secret; a person may have to unlock something first."""


def resolve(reference: SecretReference) -> Secret:
    """The secret that ``reference`` leads to, without the line end that files and programs add.

    :raises ConfigError: if it is not there, is empty, or is a file that others may read. What a failing command
        printed is never shown: it may be half of the secret.
    """
    if reference.env is not None:
        raw, source = _of_environment(reference.env), f"the environment variable {reference.env}"
    elif reference.file is not None:
        raw, source = _of_file(reference.file), f"the file {reference.file}"
    else:
        words = reference.command or ()
        raw, source = _of_command(words), f"the command {words[0] if words else ''}"
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"The secret from {source} is not UTF-8 text.") from None
    value = text.removesuffix("\n").removesuffix("\r")
    if not value or "\0" in value:
        raise ConfigError(f"The secret from {source} is empty or holds a NUL character.")
    return Secret(value)


def _of_environment(name: str) -> bytes:
    value = os.environb.get(name.encode())
    if value is None:
        raise ConfigError(
            f"The environment variable {name} is not set.",
            next_step=f"Set it, for example: read -rs {name}; export {name}",
        )
    return value


def _of_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read(1_000_000)
    except OSError as problem:
        raise ConfigError(f"The secret's file {path} cannot be read.", why=f"{problem.strerror}.") from None
    if mode & 0o077:
        raise ConfigError(
            f"The secret's file {path} is open to others (mode {mode:04o}).",
            next_step=f"Close it: chmod 600 {path}",
        )
    return raw


def _of_command(words: tuple[str, ...]) -> bytes:
    program = words[0] if words else ""
    try:
        ended = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"The command {program} did not give the secret within {TIMEOUT} s.") from None
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or "its words cannot be run"
        raise ConfigError(f"The command {program} for a secret cannot be run.", why=f"{why}.") from None
    if ended.returncode:
        raise ConfigError(
            f"The command {program} for a secret failed with status {ended.returncode}.",
            why="What it printed is not shown: it may hold a part of the secret.",
            next_step="Run it by hand.",
        )
    return ended.stdout
