"""How new code takes the place of old code on a host: builders of commands, and of the shell text that takes it back.

*In place* (the default): a module's folder is renamed aside and the new one renamed in. *Releases*: a whole release is
built beside the current one and a symbolic link is switched. Both only rename within one file system, so each command
happens whole or not at all, and the undo can tell from what lies where how far the switch came.

Two renames leave an instant without the folder: the in-place switch belongs behind the maintenance page.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass
from textwrap import dedent

from pipeline.code.archive import shown_name
from pipeline.errors import Refused
from pipeline.remote.command import Command, command, script
from pipeline.remote.host import Host

DENY = "Require all denied\n"
"""For the ``.htaccess`` of a folder that had to be made inside the document root."""

_PRESENT = 'present() { [ -e "$1" ] || [ -L "$1" ]; }\n'
"""A dangling link is there too: ``-e`` alone would not see it."""

_FREE = dedent("""\
    free() {
        candidate=$1
        count=1
        while present "$candidate"; do
            count=$((count + 1))
            candidate=$1.$count
        done
        printf '%s' "$candidate"
    }
    """)
"""A name like the one given that nothing has yet: evidence is never written over."""


def choose_aside(host: Host, parent: str, run: str) -> str:
    """The folder that new and old code shall wait in: on the file system of ``parent``, closed to the web.

    That is ``RUN/code``, outside the document root, where a rename can get from there to ``parent``; otherwise a hidden
    folder in ``parent``. Nothing is made in the document root yet: see :func:`make_aside`.

    :param parent: the folder that the switched folder lies in.
    :param run: the run's folder on the host.
    :raises CommandFailed: if the run's folder cannot be written.
    """
    code = posixpath.join(host.expand(run), "code")
    host.run(command("mkdir", "-p", "-m", "700", code))
    if host.run(same_file_system(parent, code)).stdout.strip() == "same":
        return code
    return posixpath.join(parent, f".palier-{posixpath.basename(run.rstrip('/'))}")


def make_aside(host: Host, aside: str) -> None:
    """Make the chosen folder if it is missing; in the document root with mode 0700 and a deny file.

    :func:`remove_aside` takes it away in the end.

    :raises CommandFailed: if it cannot be written.
    """
    host.run(command("mkdir", "-p", "-m", "700", aside))
    if posixpath.basename(aside).startswith(".palier-"):
        host.write(posixpath.join(aside, ".htaccess"), DENY, mode=0o644)


def aside_folder(host: Host, parent: str, run: str) -> str:
    """The folder that new and old code wait in, chosen and made."""
    aside = choose_aside(host, parent, run)
    make_aside(host, aside)
    return aside


def same_file_system(one: str, other: str) -> Command:
    """Prints ``same`` or ``other``. A bind mount counts as other: renames do not cross it."""
    text = (
        'a=$(stat -L -c "%d %m" -- "$1"); b=$(stat -L -c "%d %m" -- "$2"); [ "$a" = "$b" ] && echo same || echo other'
    )
    return script(text, one, other)


@dataclass(frozen=True)
class InPlace:
    """One module's folder that is switched by two renames.

    :param folder: the module's folder on the host, absolute.
    :param aside: where old and new wait (see :func:`aside_folder`).
    :param existed: whether the folder was there before; a module that the update adds is removed by the undo.
    """

    module: str
    folder: str
    aside: str
    existed: bool = True

    def __post_init__(self) -> None:
        _absolute(self.folder)
        _absolute(self.aside)
        if not self.module or "/" in self.module or self.module.startswith("."):
            raise Refused(f"{shown_name(self.module)} cannot be the name of a module's folder.")

    @property
    def new(self) -> str:
        """Where the new folder is uploaded to."""
        return posixpath.join(self.aside, f"{self.module}.new")

    @property
    def old(self) -> str:
        """Where the old folder waits after the switch. It exists exactly while the old folder is not in its place."""
        return posixpath.join(self.aside, f"{self.module}.old")

    @property
    def undone(self) -> str:
        """Where the undo leaves the new folder, as evidence."""
        return posixpath.join(self.aside, f"{self.module}.undone")

    @property
    def begun(self) -> str:
        """A file that says that the switch was begun: only then is a new module's folder ours to take away."""
        return posixpath.join(self.aside, f"{self.module}.begun")

    def clear(self) -> tuple[Command, ...]:
        """Before the upload: nothing of an earlier try is in the way."""
        return (command("rm", "-rf", "--", self.new),)

    def dress(self) -> tuple[Command, ...]:
        """After the upload: modes for a web server to read, and the owner of what it replaces as far as allowed."""
        model = self.folder if self.existed else posixpath.dirname(self.folder)
        return (
            command("find", self.new, "-type", "d", "-exec", "chmod", "755", "{}", "+"),
            command("find", self.new, "-type", "f", "-exec", "chmod", "644", "{}", "+"),
            script('chmod --reference="$1" -- "$2"', model, self.new),
            script('chown -R --reference="$1" -- "$2" 2>/dev/null || :', model, self.new),
        )

    def switch(self) -> tuple[Command, ...]:
        """The old folder out, the new one in. Fails, without touching anything, where it has been done before."""
        begin = script('[ -d "$1" ] && [ ! -e "$2" ] && [ ! -L "$2" ] && : > "$3"', self.new, self.old, self.begun)
        out = (command("mv", "-T", "--", self.folder, self.old),) if self.existed else ()
        into = script(
            f'{_PRESENT}present "$2" && exit 1; mv -T -- "$1" "$2"; [ -d "$2" ] && [ ! -e "$1" ]', self.new, self.folder
        )
        return (begin, *out, into)

    def undo(self) -> str:
        """A POSIX shell text that puts the old folder back, however far the switch came; it may be run again.

        It fails, and leaves everything as it is, only if the old folder is nowhere to be found.
        """
        names = _variables(folder=self.folder, new=self.new, old=self.old, undone=self.undone, begun=self.begun)
        return f"set -eu\n{names}{_PRESENT}{_FREE}" + (_UNDO_REPLACED if self.existed else _UNDO_ADDED)


_UNDO_REPLACED = dedent("""\
    if present "$old"; then
        if present "$folder"; then
            mv -T -- "$folder" "$(free "$undone")"
        fi
        mv -T -- "$old" "$folder"
    fi
    if ! present "$folder"; then
        echo "$folder is missing, and $old is not there to put back." >&2
        exit 1
    fi
    rm -f -- "$begun"
    """)

_UNDO_ADDED = dedent("""\
    if present "$begun" && ! present "$new" && present "$folder"; then
        mv -T -- "$folder" "$(free "$undone")"
    fi
    rm -f -- "$begun"
    """)


def remove_aside(aside: str, run: str) -> tuple[Command, ...]:
    """After a promotion: what waited inside the document root moves to the run's record (absolute path)."""
    _absolute(run)
    code = posixpath.join(run, "code")
    return () if posixpath.normpath(aside) == posixpath.normpath(code) else (script(_REMOVE_ASIDE, aside, code),)


def undo_aside(aside: str, run: str) -> str:
    """The same as a POSIX shell text, to be the last that an undo runs."""
    return "\n".join(["set -eu", *(step.shell() for step in remove_aside(aside, run)), ""])


_REMOVE_ASIDE = dedent("""\
    [ -d "$1" ] || exit 0
    mkdir -p -m 700 -- "$2"
    cp -a -- "$1/." "$2/"
    rm -rf -- "$1"
    """)


@dataclass(frozen=True)
class Releases:
    """``BASE/current`` is a symbolic link to ``BASE/releases/ID``; a promotion builds a release and switches the link.

    A release is a full copy (shared blocks where the file system can), not hard links: a shop that writes into one of
    its own files would write into the release that one rolls back to. It is made before the maintenance page goes up.

    :param base: the folder that holds ``releases`` and ``current``, absolute.
    :param release: the new release's name, such as the run's id.
    :param before: the text of the link ``current`` as it was found (see :func:`current_target`).
    """

    base: str
    release: str
    before: str

    def __post_init__(self) -> None:
        _absolute(self.base)
        if not self.release or "/" in self.release or self.release.startswith("."):
            raise Refused(f"{shown_name(self.release)} cannot be the name of a release.")

    @property
    def current(self) -> str:
        return posixpath.join(self.base, "current")

    @property
    def partial(self) -> str:
        """The release while it is built: modules are uploaded below it."""
        return posixpath.join(self.base, "releases", f".{self.release}.partial")

    @property
    def place(self) -> str:
        return posixpath.join(self.base, "releases", self.release)

    @property
    def after(self) -> str:
        """The link's new text, relative where the old one was."""
        return self.place if self.before.startswith("/") else f"releases/{self.release}"

    @property
    def _link(self) -> str:
        return posixpath.join(self.base, f".current.{self.release}")

    def build(self) -> tuple[Command, ...]:
        """A copy of the current release under :attr:`partial`."""
        copied = command("cp", "-a", "--reflink=auto", "-T", "--", posixpath.join(self.base, self.before), self.partial)
        return (command("rm", "-rf", "--", self.partial), copied)

    def clear(self, module_path: str) -> Command:
        """Makes room below :attr:`partial` for the upload of one module."""
        return command("rm", "-rf", "--", self.module(module_path))

    def module(self, module_path: str) -> str:
        """Where a module (path relative to the shop's root) is uploaded to."""
        if any(part in ("", ".", "..") for part in module_path.split("/")):
            raise Refused(f"{shown_name(module_path)} is no path of a module.")
        return posixpath.join(self.partial, module_path)

    def finish(self) -> tuple[Command, ...]:
        """The built release gets its name. Fails if there is one of that name."""
        return (script('[ ! -e "$2" ] && mv -T -- "$1" "$2"', self.partial, self.place),)

    def switch(self) -> tuple[Command, ...]:
        """Point the link at the new release, in one rename: no request ever finds it missing."""
        link = script('rm -f -- "$2"; ln -s -- "$1" "$2"', self.after, self._link)
        turn = script(
            '[ -d "$1" ]; mv -T -- "$2" "$3"; [ "$(readlink -- "$3")" = "$4" ]',
            self.place,
            self._link,
            self.current,
            self.after,
        )
        return (link, turn)

    def undo(self) -> str:
        """A POSIX shell text that points the link back; the new release stays under a hidden name, as evidence.

        It fails, and leaves the link alone, if somebody has pointed it at a third release since.
        """
        names = _variables(
            current=self.current, link=self._link, before=self.before, after=self.after,
            old=posixpath.join(self.base, self.before),
            place=self.place, partial=self.partial,
            undone=posixpath.join(self.base, "releases", f".{self.release}.undone"),
        )  # fmt: skip
        return f"set -eu\n{names}{_PRESENT}{_FREE}{_UNDO_LINK}"


_UNDO_LINK = dedent("""\
    rm -f -- "$link"
    now=
    if present "$current"; then
        now=$(readlink -- "$current") || now="a folder"
    fi
    if [ "$now" = "$after" ] || [ -z "$now" ]; then
        if ! [ -d "$old" ]; then
            echo "$old is missing: there is no release to go back to." >&2
            exit 1
        fi
        ln -s -- "$before" "$link"
        mv -T -- "$link" "$current"
    elif [ "$now" != "$before" ]; then
        echo "$current points to $now, neither to the old nor to the new release: somebody else has deployed." >&2
        exit 1
    fi
    rm -rf -- "$partial"
    if present "$place"; then
        mv -T -- "$place" "$(free "$undone")"
    fi
    """)


def current_target(host: Host, base: str) -> str:
    """The text of the link ``BASE/current``.

    :raises Refused: if it is no symbolic link: the shop does not have this layout.
    """
    current = posixpath.join(host.expand(base), "current")
    found = host.run(command("readlink", "-n", "--", current), check=False)
    if not found.ok or not found.stdout:
        raise Refused(
            f"{current} on {host.name} is no symbolic link, so the shop has no releases to switch between.",
            next_step='Set "layout: in-place" in the inventory.',
        )
    return found.stdout


def _absolute(path: str) -> None:
    if not path.startswith("/") or posixpath.normpath(path) in ("/", "//") or ".." in path.split("/"):
        raise Refused(f"{shown_name(path)} is no absolute path of a folder.")


def _variables(**values: str) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
