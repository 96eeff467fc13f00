"""Copies from production, which is only read: code into the ledger, files and database to staging."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from pipeline.code.ledger import Ledger
from pipeline.code.tree import Exclusion, as_exclusions
from pipeline.database import clone as database_clone
from pipeline.database import mask_report, schema
from pipeline.database.classes import Class
from pipeline.database.masks import plan_masks
from pipeline.engine import Act, Step
from pipeline.errors import Refused
from pipeline.events import Emit
from pipeline.platforms.platform import Platform, copied
from pipeline.remote.command import Command, Secret, command
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


def masked_report(shop: Shop) -> Path:
    """Where the last clone says what it masked, column by column."""
    return shop.house / "masked.json"


def masked_summary(shop: Shop) -> str:
    """The same in a line."""
    kept = masked_report(shop)
    return f"Personal data: {json.loads(kept.read_text('utf-8'))['summary']}; see {kept}"


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


def leftovers(platform: Platform, *then: str) -> Command:
    """Finds on staging what no clone brings any more, and does ``then`` with it."""
    *found, _or_else = Exclusion(as_exclusions(platform.never_on_staging)).find_words()
    return command("find", ".", *found, *then).within(platform.environment.root)


def copy_files(shop: Shop) -> Step:
    """Code and media, host to host; staging's own configuration stays. Code is compared by what it holds."""
    source, target = shop.production, shop.staging

    def clear() -> str | None:
        if not target.host.run(command("test", "-d", target.root), check=False).ok:
            return None
        for user in dict.fromkeys((None, target.environment.web_user)):
            target.host.run(
                leftovers(target.platform, "-exec", "rm", "-rf", "--", "{}", "+").as_user(user), check=False
            )
        left = target.host.run(leftovers(target.platform, "-print")).stdout.splitlines()
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
        masked_report(shop).unlink(missing_ok=True)
        with shop.production.database.connected() as source, shop.staging.database.connected() as target:
            tables = schema.read(source)
            masks = plan_masks(tables, shop.classes)
            throwaway = [name for name in tables if shop.classes.classify(name) is Class.THROWAWAY]
            report = database_clone.clone(
                source, target, tables=tables, masks=masks, throwaway=throwaway, salt=salt_of(shop), emit=emit
            )
            masked = mask_report.read(target, tables, masks, throwaway)
        told = {"summary": str(masked), **masked.as_json()}
        masked_report(shop).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
        return f"{report}; {masked}"

    return Step(
        name="Copy the database, personal data masked",
        host=shop.staging.host.name,
        acts=(Act(f"stream {shop.production.database.name} into {shop.staging.database.name}", copy),),
    )
