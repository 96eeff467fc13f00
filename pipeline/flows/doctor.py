"""Doctor: every precondition by name, with its consequence and the mend. Nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence

from pipeline.errors import PalierError, Refused
from pipeline.platforms.recognition import Facts
from pipeline.remote.command import command, script
from pipeline.steps import ground, ladder
from pipeline.steps.ground import Check, State
from pipeline.steps.maintenance import look
from pipeline.steps.site import Shop, Site

NEEDED = {
    "sha256sum": "files cannot be compared with what was tested",
    "bash": "pipelines cannot be trusted",
    "tar": "code cannot be uploaded",
    "gzip": "snapshots cannot be compressed where zstd is missing",
}
PREFERRED = {
    "rsync": "copies go as a tar stream: slower, and nothing is resumed",
    "zstd": "snapshots are compressed with gzip: larger and slower",
    "setsid": "the guard may die with the connection that started it",
}


def examine(shop: Shop) -> Iterator[Check]:
    """Look at this machine and at both sites; each check is told as soon as it is made."""
    yield _here("ssh-keygen", "approvals cannot be signed or verified")
    yield _here("git", "there is no ledger without git")
    yield _signers(shop)
    told = {}
    for site in (shop.production, shop.staging):
        try:
            told[site.role] = ground.facts(site)
        except PalierError as error:
            yield Check(f"{site.role}: host", "FAILED", f"{error.what} {error.why}".strip(), "Try: ssh to it by hand.")
            return
        yield from _site(site, told[site.role])
    yield from ground.apart(shop, told["production"], told["staging"])
    yield from _way_back(shop)


def require(checks: Sequence[Check]) -> None:
    """:raises Refused: if a check failed."""
    failed = [check.name for check in checks if check.state == "FAILED"]
    if failed:
        raise Refused(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}.")


def _here(program: str, consequence: str) -> Check:
    found = shutil.which(program)
    return Check(
        f"here: {program}", "OK" if found else "FAILED", found or consequence, "" if found else f"Install {program}."
    )


def _signers(shop: Shop) -> Check:
    path = shop.inventory.allowed_signers
    if path and path.exists():
        return Check("allowed signers", "OK", str(path))
    return Check(
        "allowed signers",
        "WARN",
        "nobody can approve a release",
        'Name a file of "person ssh-ed25519 KEY" lines as allowed_signers.',
    )


def _site(site: Site, told: Facts) -> Iterator[Check]:
    role = site.role
    yield _asked(
        f"{role}: document root", lambda: _root(site), f"Correct {role}.root, or give the login write access to it."
    )
    if f"{site.record}/".startswith(f"{site.root.rstrip('/')}/"):
        yield Check(f"{role}: record", "FAILED", "inside the document root", f"Give {role}.record a folder outside it.")
    for program, consequence in {**NEEDED, **PREFERRED}.items():
        found = site.host.run(script('command -v -- "$1"', program), check=False)
        state: State = "OK" if found.ok else "FAILED" if program in NEEDED else "WARN"
        yield Check(
            f"{role}: {program}",
            state,
            found.stdout.strip() or consequence,
            "" if found.ok else f"Install {program} there.",
        )
    yield _asked(
        f"{role}: database", lambda: _database(site), f"Correct {role}.database, or the shop's own configuration."
    )
    yield _asked(f"{role}: database client", lambda: _client(site), "Install the MariaDB or MySQL client on that host.")
    yield ground.web_user(site, told)
    yield ground.php_version(site, told)
    yield ground.clock(site)
    yield _asked(f"{role}: free space", lambda: _space(site), "Make room: a snapshot and the new code must fit.")
    if role == "production":
        yield from ground.rules(site)
        yield ground.scheduled(site)
    if role == "production" or (told.one("root") == "folder" and not told.one("empty")):
        yield _asked(f"{role}: platform", lambda: _platform(site), f"Try it on the host: {site.platform.version()}")
        yield _asked(f"{role}: web", lambda: str(look(site).status_code), f"Correct {role}.url, or the web server.")


def _way_back(shop: Shop) -> list[Check]:
    """Which rungs of the undo's ladder this shop can have, and what each is expected to cost."""
    try:
        found = ladder.rungs_of(shop)
    except PalierError as error:
        return [Check("way back", "FAILED", f"{error.what} {error.why}".strip(), "Mend what failed above first.")]
    return [Check(f"way back: {rung.name}", rung.state, rung.detail, rung.mend) for rung in found]


def _asked(name: str, question: Callable[[], str], mend: str) -> Check:
    try:
        return Check(name, "OK", question())
    except PalierError as error:
        return Check(name, "FAILED", f"{error.what} {error.why}".strip(), mend)


def _root(site: Site) -> str:
    site.host.run(
        script(
            '[ -d "$1" ] && [ -w "$1" ] || { echo "$1 is no folder that this login may write to" >&2; exit 1; }',
            site.root,
        )
    )
    return site.root


def _database(site: Site) -> str:
    with site.database.connected() as db:
        tables = int(db.value("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"))
        return f"{db.name}, {tables} tables, server {db.value('SELECT VERSION()')}"


def _client(site: Site) -> str:
    return site.host.run(command(site.database.program, "--version")).stdout.strip()


def _space(site: Site) -> str:
    free = int(site.host.run(command("df", "-Pk", site.root)).stdout.splitlines()[-1].split()[3])
    if free < 200 * 1024:
        raise Refused(f"{free // 1024} MB are free.")
    return f"{free // 1024:,} MB free"


def _platform(site: Site) -> str:
    return f"{site.platform.name} {site.host.run(site.platform.version()).stdout.strip()}"
