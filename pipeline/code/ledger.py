"""The ledger: a local git repository of the shop's code, the only place that knows git.

It is bare. Nothing is ever checked out or added from a work tree, so no attribute, filter, ignore file, line-ending
rule or nested repository of the shop's own can change what is recorded: contents go in through ``git fast-import`` as
the bytes that they are. No hook, signature, template or setting of whoever runs Palier has a say either.

Not recorded: empty folders, owners, times, modes but the executable bit, and anything named ``.git``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from pipeline.code.tree import LINK, Exclusion, Tree, walk
from pipeline.errors import PalierError

if TYPE_CHECKING:
    from git import Commit, Repo

BRANCH = "main"
NEVER = (".git", "*/.git")
"""What no ledger holds; leave it out of the other side too before comparing (see :meth:`Ledger.files`)."""

_REF = f"refs/heads/{BRANCH}"
_IDENTITY = "Palier <palier@localhost>"
_TRAILER = re.compile(r"^([A-Z][A-Za-z0-9-]{0,39}): (.*)$")
_SHA = re.compile(r"[0-9a-f]{40}")
_CHUNK = 1 << 20
_LINK_MODE = 0o120000

_NOT_WRITTEN = "The ledger {} cannot be written; it is as it was."

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tautocrlf = false
\tsafecrlf = false
\tprotectNTFS = false
\tprotectHFS = false
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tlogAllRefUpdates = false
[commit]
\tgpgSign = false
[gc]
\tauto = 0
[i18n]
\tcommitEncoding = UTF-8
"""
"""Auto-gc is off because what was set aside is evidence; odd names are the shop's and are kept."""

_ATTRIBUTES = "* -text -filter -ident !diff !merge !eol !working-tree-encoding -export-subst -export-ignore\n"
"""Stronger than any ``.gitattributes``, so that no file of the shop hides its own changes from a reviewer."""


class LedgerError(PalierError):
    """The ledger cannot be read or written; nothing was recorded."""


@dataclass(frozen=True)
class Entry:
    """One commit of the ledger. ``when`` is in UTC."""

    commit: str
    subject: str
    trailers: Mapping[str, str]
    when: dt.datetime


@dataclass
class Ledger:
    """The ledger in the folder ``path``, made there if it is missing.

    :raises LedgerError: if there is something else, or git cannot read it.
    """

    path: Path
    _repo: Repo = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from git import InvalidGitRepositoryError, Repo

        self.path = self.path.absolute()
        if not (self.path / "HEAD").exists():
            self._create()
        try:
            self._repo = Repo(self.path, expand_vars=False)
        except InvalidGitRepositoryError as error:
            raise LedgerError(
                f"The folder {self.path} is no ledger.", next_step="Move it away, and clone again."
            ) from error
        self._repo.git.update_environment(**_environment(self.path))

    def _create(self) -> None:
        """What ``git init --bare`` makes, without the templates, hooks and settings that it would bring along."""
        if self.path.exists() and any(self.path.iterdir()):
            raise LedgerError(f"The folder {self.path} is no ledger.", next_step="Move it away, and clone again.")
        partial = self.path.with_name(f".{self.path.name}.partial-{os.getpid()}")
        try:
            for folder in ("objects", "refs/heads", "info"):
                (partial / folder).mkdir(parents=True)
            (partial / "HEAD").write_text(f"ref: {_REF}\n", encoding="utf-8")
            (partial / "config").write_text(_CONFIG, encoding="utf-8")
            (partial / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
            partial.replace(self.path)
        except OSError as error:
            raise LedgerError(f"The ledger {self.path} cannot be made.", why=str(error)) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def close(self) -> None:
        """End the git processes behind this ledger."""
        self._repo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    @property
    def head(self) -> str | None:
        """The newest commit, or ``None`` in a new ledger."""
        return self._repo.head.commit.hexsha if self._repo.head.is_valid() else None

    def record(
        self, folder: Path, message: str, trailers: Mapping[str, str] | None = None, *, exclude: Iterable[str] = ()
    ) -> str:
        """Commit the code in ``folder`` as the whole content of the ledger, and return the commit.

        :param exclude: patterns of what is not code: media, caches, logs, secrets (see :class:`Exclusion`).
        :raises LedgerError: if the folder cannot be read, or git fails; the ledger is as before.
        """
        return self._commit("", folder, message, trailers, exclude)

    def commit_module(
        self,
        module_path: str,
        folder: Path | None,
        message: str,
        trailers: Mapping[str, str] | None = None,
        *,
        exclude: Iterable[str] = (),
    ) -> str:
        """Commit ``folder`` as the new content of one module, all else unchanged, and return the commit.

        :param module_path: the module's folder, relative to the shop's (``wp-content/plugins/NAME``).
        :param folder: ``None`` removes the module.
        :param exclude: patterns relative to ``folder``.
        :raises LedgerError: as :meth:`record`.
        """
        parts = module_path.split("/")
        if any(part in ("", ".", "..", ".git") for part in parts) or "\0" in module_path:
            raise LedgerError(f"{module_path!a} is no path of a module in the ledger.")
        return self._commit(module_path, folder, message, trailers, exclude)

    def _commit(
        self, place: str, folder: Path | None, message: str, trailers: Mapping[str, str] | None, exclude: Iterable[str]
    ) -> str:
        excluded = Exclusion((*exclude, *NEVER))
        with self._importing() as (into, answers):
            into.write(f"commit {_REF}\nmark :1\ncommitter {_IDENTITY} {_now()} +0000\n".encode())
            into.write(_data(_message(message, trailers or {})))
            if self.head:
                into.write(f"from {self.head}\n".encode())
            into.write(b"D " + _quoted(place) + b"\n" if place else b"deleteall\n")
            for path, entry in walk(folder, excluded) if folder else ():
                _write_file(into, f"{place}/{path}" if place else path, entry)
            into.write(b"\nget-mark :1\n")
            into.flush()
            return answers.readline().decode().strip()

    def reset(self, commit: str) -> None:
        """Go back to ``commit``. What is left behind stays readable: it is evidence, kept under ``refs/set-aside/``.

        :raises LedgerError: if the ledger has no such commit.
        """
        self._known(commit)
        with self._importing() as (into, _):
            if self.head and self.head != commit:
                into.write(f"reset refs/set-aside/{self.head}\nfrom {self.head}\n\n".encode())
            into.write(f"reset {_REF}\nfrom {commit}\n\n".encode())

    def files(self, commit: str) -> Tree:
        """The code of one commit, to compare with a folder's or a host's tree made with the same exclusions and
        :data:`NEVER`.

        :raises LedgerError: if the ledger has no such commit.
        """
        listed = self._repo.git.ls_tree("-r", "-z", "--full-tree", self._known(commit), stdout_as_string=False)
        entries: dict[str, str] = {}
        for line in bytes(listed).split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.split()
            content = self._repo.odb.stream(bytes.fromhex(blob.decode()))
            is_link = int(mode, 8) == _LINK_MODE
            entries[os.fsdecode(path)] = LINK + os.fsdecode(content.read()) if is_link else _hash(content)
        return Tree(entries)

    def patch(self, commit: str) -> str:
        """What a reviewer reads: the differences of ``commit`` to the one before, as text, binary files only named.

        :raises LedgerError: if the ledger has no such commit.
        """
        shown = self._repo.git.diff_tree(
            "--root", "--patch", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-commit-id",
            self._known(commit), stdout_as_string=False,
        )  # fmt: skip
        return bytes(shown).decode("utf-8", "replace")

    def log(self) -> list[Entry]:
        """Every commit, newest first."""
        return [_entry(commit) for commit in self._repo.iter_commits(BRANCH)] if self.head else []

    def _known(self, commit: str) -> str:
        """``commit`` itself, once the ledger is known to have it: never a name, an option or an expression."""
        from git import BadObject

        with suppress(BadObject, ValueError):
            if _SHA.fullmatch(commit) and self._repo.odb.info(bytes.fromhex(commit)).type == b"commit":
                return commit
        raise LedgerError(f"The ledger {self.path} has no commit {commit!a}.")

    @contextmanager
    def _importing(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """A running ``git fast-import``: refs move only when it is told, at the end, that all is done."""
        running = self._repo.git.fast_import(
            "--quiet", "--done", "--force", "--date-format=raw", as_process=True, istream=subprocess.PIPE
        )
        process = running.proc  # git is ended when the last reference to ``running`` goes
        try:
            yield process.stdin, process.stdout
            process.stdin.write(b"done\n")
            process.stdin.close()
            if process.wait() != 0:
                raise LedgerError(_NOT_WRITTEN.format(self.path), why=_last(process.stderr))
        except OSError as error:
            process.kill()
            raise LedgerError(_NOT_WRITTEN.format(self.path), why=f"{error} {_last(process.stderr)}".strip()) from error
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                with suppress(OSError):  # what was still to be flushed has nowhere to go
                    pipe.close()


def _environment(path: Path) -> dict[str, str]:
    """What git runs with: this repository, and neither settings nor objects from elsewhere."""
    return {
        "GIT_DIR": str(path),
        "GIT_COMMON_DIR": str(path),
        "GIT_OBJECT_DIRECTORY": str(path / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_PAGER": "cat",
    }


def _now() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp())


def _message(message: str, trailers: Mapping[str, str]) -> bytes:
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers.items()]
    if wrong := [line for line in lines if not _TRAILER.match(line)]:
        raise LedgerError(f"{wrong[0]!a} is no trailer of a commit.")
    parts = [message.strip(), *(["\n".join(lines)] if lines else [])]
    return ("\n\n".join(parts) + "\n").replace("\0", "").encode("utf-8", "backslashreplace")


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: str) -> bytes:
    """A path as fast-import reads it, whatever bytes it is made of."""
    return b'"' + b"".join(b"\\%03o" % byte for byte in os.fsencode(path)) + b'"'


def _write_file(into: IO[bytes], path: str, entry: os.DirEntry[str]) -> None:
    if entry.is_symlink():
        target = os.readlink(entry.path)  # noqa: PTH115 - Path would rewrite the target ("./a" to "a")
        into.write(b"M 120000 inline %b\n%b" % (_quoted(path), _data(os.fsencode(target))))
        return
    with Path(entry.path).open("rb") as source:
        status = os.fstat(source.fileno())
        left = status.st_size
        mode = b"100755" if status.st_mode & stat.S_IXUSR else b"100644"
        into.write(b"M %b inline %b\ndata %d\n" % (mode, _quoted(path), left))
        while left and (chunk := source.read(min(left, _CHUNK))):
            into.write(chunk)
            left -= len(chunk)
        if left or source.read(1):
            raise LedgerError(f"The file {entry.path!a} changed while it was recorded.")
        into.write(b"\n")


def _hash(stream: IO[bytes]) -> str:
    total = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        total.update(chunk)
    return total.hexdigest()


def _entry(commit: Commit) -> Entry:
    text = commit.message if isinstance(commit.message, str) else commit.message.decode("utf-8", "replace")
    body = text.strip().split("\n\n")
    found = [_TRAILER.match(line) for line in body[-1].splitlines()] if len(body) > 1 else []
    trailers = {match[1]: match[2] for match in found if match} if all(found) else {}
    return Entry(commit.hexsha, body[0].splitlines()[0], trailers, commit.committed_datetime.astimezone(dt.UTC))


def _last(stderr: IO[bytes]) -> str:
    lines = stderr.read().decode("utf-8", "replace").strip().splitlines()
    return lines[0][:400] if lines else ""
