"""Modules: unpacked, put in place, upgraded, and believed only from what disk and database then say."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from pipeline.code import tree
from pipeline.code.layout import InPlace, choose_aside, make_aside, undo_aside
from pipeline.code.tree import Exclusion, Tree
from pipeline.engine import Act, Step
from pipeline.errors import PalierError, Refused
from pipeline.platforms import maintenance
from pipeline.platforms.platform import Installed, module_folder
from pipeline.remote.command import Secret, command, script
from pipeline.remote.host import CommandFailed, Host, OutcomeUnknown
from pipeline.steps.site import Site

OPCACHE_RESET = (
    "<?php if ( function_exists( 'opcache_reset' ) ) { opcache_reset(); } clearstatcache( true ); "
    "header( 'Cache-Control: no-store' ); echo 'palier-caches-cleared';"
)


class UpgradeFailed(PalierError):
    """A module's upgrade failed, or left other versions or other files than it should."""


@dataclass(frozen=True)
class Target:
    """One module taken to one version: its verified files on this machine and their tree."""

    module: str
    version: str
    folder: Path
    tree: Tree
    version_option: str | None = None
    """The row of the options table that holds its data version, where it has one."""


def placements(site: Site, host: Host, targets: Sequence[Target], run: str) -> tuple[InPlace, ...]:
    """Where each module's folder is switched, and where old and new wait meanwhile: in ``run``, the run's folder."""
    if not targets:
        return ()
    parent = f"{site.root}/{site.platform.modules_path}"
    aside = choose_aside(host, parent, run)
    folders = [module_folder(site.platform, target.module) for target in targets]
    return tuple(
        InPlace(target.module, folder, aside, existed=host.exists(folder))
        for target, folder in zip(targets, folders, strict=True)
    )


def upload_code(host: Host, targets: Sequence[Target], places: Sequence[InPlace], *, run: str = "") -> Step:
    """The new code lies beside the old, on the same file system, out of the web's reach, and is what was verified.

    :param run: the run's folder, if the upload is to be taken back with the run.
    """

    def upload() -> str:
        for aside in dict.fromkeys(place.aside for place in places):
            make_aside(host, aside)
        for target, place in zip(targets, places, strict=True):
            for each in place.clear():
                host.run(each)
            host.upload(target.folder, place.new)
            for each in place.dress():
                host.run(each)
        return f"{len(targets)} modules"

    def verify() -> None:
        for target, place in zip(targets, places, strict=True):
            same_tree(target, tree.on_host(host, place.new), f"was uploaded to {host.name}")

    return Step(
        name="Upload the new code beside the old",
        host=host.name,
        acts=(
            Act(
                "; ".join(
                    f"copy {target.module} {target.version} to {place.new}"
                    for target, place in zip(targets, places, strict=True)
                ),
                upload,
            ),
            Act("hash every uploaded file and compare with what was tested", verify),
        ),
        undo=undo_aside(places[0].aside, run) if run and places else "",
    )


def same_tree(target: Target, found: Tree, what: str, own_files: Sequence[str] = ()) -> None:
    """:raises UpgradeFailed: unless ``found`` is exactly the target's tree, and besides it ``own_files`` at most."""
    different = tree.difference(target.tree, found)
    foreign = Tree({path: found.entries[path] for path in different.added}).without(own_files)
    wrong = (*different.changed, *different.removed, *foreign.entries)
    if wrong:
        raise UpgradeFailed(f"What {what} of {target.module} is not what was verified: {len(wrong)} files differ.")


CODE = (".php", ".phtml", ".phar", ".inc", ".js", ".css", ".tpl", ".twig", ".html", ".htm", ".svg", ".yml", ".yaml")
"""What a browser or the shop would run, or pages are made of: never a merchant's own file."""


def without_own_files(site: Site, found: Tree) -> Tree:
    """A shop's code without the pictures and papers that its merchant keeps in modules' folders: they change daily."""
    own = Exclusion(site.platform.own_files)
    start = site.platform.modules_path + "/"

    def is_own(path: str) -> bool:
        _, _, inside = path.removeprefix(start).partition("/")
        return path.startswith(start) and not path.lower().endswith(CODE) and own.covers(inside)

    return Tree({path: entry for path, entry in found.entries.items() if not is_own(path)})


CARRY = """\
old=$1 new=$2; shift 2
[ -d "$old" ] || exit 0
cd -- "$old"
find . -type f -print | while IFS= read -r file; do
    for pattern in "$@"; do
        case $file in ./$pattern) ;; *) continue ;; esac
        case $file in *.php|*.phtml|*.phar) case $pattern in *.php) ;; *) continue ;; esac ;; esac
        [ -e "$new/$file" ] || { mkdir -p "$new/${file%/*}" && cp -p -- "$file" "$new/$file"; }
        break
    done
done
"""


CARRY_BACK = """\
new=$1 old=$2; shift 2
[ -e opened ] && [ -d "$old" ] && [ -d "$new" ] || exit 0
since=$(pwd)/opened
cd -- "$new"
find . -type f -newer "$since" -print | while IFS= read -r file; do
    for pattern in "$@"; do
        case $file in ./$pattern) ;; *) continue ;; esac
        case $file in *.php|*.phtml|*.phar) case $pattern in *.php) ;; *) continue ;; esac ;; esac
        mkdir -p "$old/${file%/*}" && cp -p -- "$file" "$old/$file" || echo "$file stays with the newer code" >&2
        break
    done
done
"""
"""On the way back: what was put or replaced since the shop opened. That a disk is full must not keep the shop shut."""


def _carried_back(place: InPlace, own_files: Sequence[str]) -> str:
    """What lies directly in a module's folder is not the merchant's: the platform writes it from the module's code."""
    patterns = [pattern for pattern in own_files if "/" in pattern]
    if not patterns or not place.existed:
        return ""
    return script(CARRY_BACK, place.folder, place.old, *patterns).shell() + " || :\n"


def switch_code(host: Host, places: Sequence[InPlace], *, critical: bool, own_files: Sequence[str] = ()) -> Step:
    """Old folders out, new ones in: two renames each. What the merchant keeps in the old one goes into the new one.

    The way back brings along what was put into the new one since the shop opened (see :data:`CARRY_BACK`).
    """
    carried = [script(CARRY, place.folder, place.new, *own_files) for place in places] if own_files else []
    commands = (*carried, *(each for place in places for each in place.switch()))

    def switch() -> None:
        for each in commands:
            host.run(each)

    undo = "\n".join(
        [
            *(f"(\n{_carried_back(place, own_files)}{place.undo()})" for place in reversed(places)),
            "date +%s > code-switched-back",
        ]
    )
    return Step(
        name="Switch code",
        host=host.name,
        acts=(Act("; ".join(f"mv {place.new} {place.folder}" for place in places), switch),),
        undo=undo if critical else "",
        critical=critical,
    )


def forget_on_the_way_back(site: Site, host: Host) -> tuple[Step, ...]:
    """Stands before the switch: on the way back nothing compiled from the new code is left when the old is served."""
    fragment = site.platform.forget_fragment()
    if not fragment:
        return ()

    def forget() -> None:
        for each in site.platform.clear_caches():
            host.run(each)

    says = "; ".join(map(str, site.platform.clear_caches()))
    return (Step("Empty the shop's caches", (Act(says, forget),), host=host.name, undo=fragment, critical=True),)


def upgrade_modules(site: Site, host: Host, targets: Sequence[Target], *, seconds: int, critical: bool) -> Step:
    """The platform's own upgrade, which migrates the modules' data; then every cache is cleared."""
    planned = {target.module: Installed(target.version, active=True, file=target.module) for target in targets}

    def upgrade() -> str:
        installed = site.modules(host)
        known = {target.module: installed[target.module] for target in targets if target.module in installed}
        try:
            for each in (*site.platform.upgrade(known), *site.platform.clear_caches()):
                host.run(each, timeout=seconds)
        except CommandFailed as error:
            raise UpgradeFailed("The platform's upgrade failed.", why=error.why) from error
        except OutcomeUnknown as error:
            raise UpgradeFailed(f"The platform's upgrade did not end within {seconds} s.", why=error.why) from error
        refuse_what_was_switched_off(known, site.modules(host))
        return f"{len(known)} modules"

    return Step(
        name="Run the platform's upgrade",
        host=host.name,
        acts=(
            Act(
                "; ".join(map(str, (*site.platform.upgrade(planned), *site.platform.clear_caches()))),
                upgrade,
                budget=seconds + 60,
            ),
        ),
        critical=critical,
    )


def refuse_what_was_switched_off(before: Mapping[str, Installed], after: Mapping[str, Installed]) -> None:
    """:raises UpgradeFailed: if a module of ``before`` was on and is on no more, whatever its version says."""
    off = [name for name, module in before.items() if module.active and name in after and not after[name].active]
    if off:
        raise UpgradeFailed(
            f"The upgrade has switched {', '.join(off)} off.",
            why="Platforms do so with a module whose migration failed, and may record its new version all the same.",
        )


def clear_opcache(
    site: Site, host: Host, *, token: Secret | None, gate: tuple[str, Secret] | None, critical: bool
) -> Step:
    """PHP in the web server keeps old code until it is told, and only a request can tell it."""

    def clear() -> None:
        name = f"palier-{secrets.token_hex(12)}.php"
        path = f"{site.root}/{name}"
        host.write(path, OPCACHE_RESET, mode=0o644)
        try:
            answer = httpx.get(
                f"{site.environment.url}/{name}",
                cookies={maintenance.COOKIE: token.reveal()} if token else {},
                auth=(gate[0], gate[1].reveal()) if gate else None,
                timeout=30,
            )
        except httpx.HTTPError as error:
            raise UpgradeFailed(
                f"PHP's caches could not be cleared: {site.environment.url} did not answer: {error}."
            ) from error
        finally:
            host.run(command("rm", "-f", path))
        if answer.status_code != 200 or "palier-caches-cleared" not in answer.text:
            raise UpgradeFailed(
                f"PHP's caches could not be cleared: {site.environment.url} answered {answer.status_code}."
            )

    return Step(
        name="Clear PHP's caches",
        host=host.name,
        acts=(Act(f"put a script of one line into {site.root}, request it, remove it", clear),),
        critical=critical,
    )


def verify_versions(site: Site, host: Host, targets: Sequence[Target], *, critical: bool) -> Step:
    """Versions on disk, data versions in the database, and every file's hash: nothing else counts as success."""

    def on_disk() -> None:
        installed = site.modules(host)
        for target in targets:
            found = installed[target.module].version if target.module in installed else "none"
            if found != target.version:
                raise UpgradeFailed(
                    f"{target.module} is at version {found} on disk where {target.version} was expected."
                )

    def in_database() -> str:
        installed = site.modules(host)
        told: dict[str, str | None] = {
            name: module.recorded for name, module in installed.items() if module.recorded is not None
        }
        told |= data_versions(site, {each.module: each.version_option for each in targets if each.version_option})
        wanted = {target.module: target for target in targets if target.module in told}
        for module, target in wanted.items():
            if told[module] != target.version:
                raise UpgradeFailed(
                    f"In the database {module} is at {told[module] or 'no version'}, not at {target.version}.",
                    why="Its migration did not run, or did not come to its end.",
                )
        return f"{len(wanted)} of {len(targets)} also in the database"

    def files() -> None:
        for target in targets:
            found = tree.on_host(host, module_folder(site.platform, target.module))
            same_tree(target, found, "runs", site.platform.own_files)

    return Step(
        name="Verify versions and files",
        host=host.name,
        acts=(
            Act("compare the versions on disk", on_disk),
            Act("compare the data versions in the database", in_database),
            Act("hash every file of the updated modules", files),
        ),
        critical=critical,
    )


def data_versions(site: Site, options: Mapping[str, str]) -> dict[str, str | None]:
    """The data version that each module keeps in the database; ``None`` where there is no such row."""
    if not options:
        return {}
    with site.database.connected() as db:
        return {
            module: db.value(*site.platform.data_version(option, site.prefix)) for module, option in options.items()
        }


def version_of(installed: Mapping[str, Installed], module: str, where: str) -> str:
    """The version of ``module`` that is on disk. :raises Refused: if it is not installed."""
    if module not in installed:
        raise Refused(
            f"The module {module} is not installed on {where}.",
            why=f"Installed are: {', '.join(sorted(installed)) or 'none'}.",
            next_step="Correct its name in the playbook; Palier updates modules, it does not install new ones.",
        )
    return installed[module].version
