"""Copies from production, which is only read: code into the ledger, files and database to staging."""

from __future__ import annotations

import secrets

from pipeline.code.ledger import Ledger
from pipeline.code.tree import Exclusion, as_exclusions
from pipeline.database import clone as database_clone
from pipeline.database import schema
from pipeline.database.classes import Class
from pipeline.database.masks import plan_masks
from pipeline.engine import Act, Step
from pipeline.errors import Refused
from pipeline.events import Emit
from pipeline.platforms.platform import copied
from pipeline.remote.command import Secret, command
from pipeline.remote.connect import copy_tree
from pipeline.remote.local import LocalHost
from pipeline.steps.golden import code_exclusions
from pipeline.steps.site import Shop

SPACE = 1.2
"""Staging's disk must have this many times what production's files take."""


def ledger_of(shop: Shop) -> Ledger:
    """The shop's ledger on this machine."""
    return Ledger(shop.house / "ledger")


def salt_of(shop: Shop) -> Secret:
    """What makes a shop's masks its own: kept on this machine, so that the next clone masks alike."""
    kept = shop.house / "salt"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_hex(24))
    return Secret(kept.read_text().strip())


def read_production(shop: Shop) -> Step:
    """Versions, modules and sizes of production; whether staging has room for a copy."""
    site = shop.production

    def read() -> str:
        version = site.host.run(site.platform.version()).stdout.strip()
        modules = site.modules()
        return f"{site.platform.name} {version}, {len(modules)} modules, schema {site.database.name}"

    def room() -> str:
        needed = int(site.host.run(command("du", "-sk", site.root)).stdout.split()[0])
        shop.staging.host.run(command("mkdir", "-p", shop.staging.root))
        free = int(shop.staging.host.run(command("df", "-Pk", shop.staging.root)).stdout.splitlines()[-1].split()[3])
        if free < needed * SPACE:
            raise Refused(
                f"Staging has {free // 1024} MB free; "
                f"a copy of production's files needs {int(needed * SPACE) // 1024} MB.",
                next_step=f"Make room on staging's host at {shop.staging.root}.",
            )
        return f"{needed // 1024} MB of files"

    return Step(
        name="Read versions and sizes",
        host=site.host.name,
        acts=(
            Act(f"{site.platform.version()}; {site.platform.modules()}", read),
            Act(f"du {site.root}; df {shop.staging.root} on staging", room),
        ),
    )


def copy_code_into_ledger(shop: Shop) -> Step:
    """One commit for production as found."""
    site = shop.production
    folder = shop.house / "code"

    def copy() -> None:
        folder.mkdir(exist_ok=True)
        copy_tree(
            site.host,
            site.root,
            LocalHost("here"),
            str(folder),
            exclude=site.platform.not_code,
            delete=True,
            by_content=True,
        )

    def record() -> str:
        commit = ledger_of(shop).record(folder, f"Production of {shop.name} as found", exclude=code_exclusions(shop))
        return f"commit {commit[:10]}"

    return Step(
        name="Copy code into the ledger",
        acts=(
            Act(f"copy {site.host.name}:{site.root} without media, caches and secrets to {folder}", copy),
            Act(f"commit it in {shop.house / 'ledger'}", record),
        ),
    )


def copy_files(shop: Shop) -> Step:
    """Code and media, host to host; staging's own configuration stays. Code is compared by what it holds."""
    source, target = shop.production, shop.staging

    def clear() -> str | None:
        if not target.host.run(command("test", "-d", target.root), check=False).ok:
            return None
        words = Exclusion(as_exclusions(target.platform.never_on_staging)).find_words()
        search = ("find", ".", *words[:-1])  # without the last word, which would go on with what is not excluded
        target.host.run(command(*search, "-exec", "rm", "-rf", "--", "{}", "+").within(target.root), check=False)
        left = target.host.run(command(*search, "-print").within(target.root)).stdout.split()
        return f"{len(left)} could not be removed: {', '.join(left[:5])}" if left else None

    def copy() -> str | None:
        places = (source.host, source.root, target.host, target.root)
        told = copy_tree(*places, exclude=copied(source.platform), delete=True)
        copy_tree(*places, exclude=source.platform.not_code, delete=True, by_content=True)
        return str(told)

    return Step(
        name="Copy files to staging",
        host=target.host.name,
        acts=(
            Act("remove backups, dumps, logs and shared caches that an earlier clone may have brought", clear),
            Act(f"copy {source.host.name}:{source.root} to {target.host.name}:{target.root}", copy),
        ),
    )


def copy_database(shop: Shop, emit: Emit) -> Step:
    """Every table; personal data is masked in the SELECT on production, throw-away tables arrive empty."""

    def copy() -> str:
        with shop.production.database.connected() as source, shop.staging.database.connected() as target:
            tables = schema.read(source)
            report = database_clone.clone(
                source,
                target,
                tables=tables,
                masks=plan_masks(tables, shop.classes),
                throwaway=[name for name in tables if shop.classes.classify(name) is Class.THROWAWAY],
                salt=salt_of(shop),
                emit=emit,
            )
        return str(report)

    return Step(
        name="Copy the database, personal data masked",
        host=shop.staging.host.name,
        acts=(Act(f"stream {shop.production.database.name} into {shop.staging.database.name}", copy),),
    )
