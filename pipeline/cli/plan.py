"""``palier plan SHOP -o PLAYBOOK``"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from pipeline.cli.project import Project


@click.command("plan")
@click.argument("shop")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The playbook to write.")
@click.option(
    "--include", multiple=True, metavar="MODULE", help="Take this update without a stated reason, at any age."
)
@click.option(
    "--reason", "reasons", multiple=True, metavar="MODULE=KIND:TEXT", help="Why: security, malfunction or feature."
)
@click.option("--minimum-age", type=click.IntRange(0, 365), metavar="DAYS", help="Instead of the inventory's.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.pass_obj
def command(
    project: Project,
    *,
    shop: str,
    output: Path | None,
    include: tuple[str, ...],
    reasons: tuple[str, ...],
    minimum_age: int | None,
    as_json: bool,
) -> None:
    """Write a playbook of the updates worth doing, each with its reason.

    Security comes from the advisories that the inventory names; malfunction and feature are stated by people. What has
    no reason, and what cannot be decided, stands in the playbook as comments. Without -o the plan is only shown.
    """
    from pipeline.flows import modules, plan
    from pipeline.steps.site import opened_site

    stated = plan.read_reasons(reasons)
    inventory = project.inventory(shop)
    days = inventory.minimum_release_age if minimum_age is None else minimum_age
    with opened_site("production", inventory) as site:
        survey = modules.survey(site, inventory, project.home, project.emit())
        found = plan.decide(survey, stated, include, days=days)
        again = _again(shop, output or Path("playbooks", f"{shop}.yml"), include, reasons, minimum_age)
        if output is not None and found.planned:
            plan.write(found, site, inventory, project.home, output, again=again, emit=project.emit())
    if as_json:
        click.echo(json.dumps(plan.as_json(found, again), ensure_ascii=False, indent=2))
        return
    click.echo(plan.summary(found, again))
    if output is not None:
        click.echo(
            f"Written: {output}. Next: palier update {shop} {output}"
            if found.planned
            else f"{output} was not written: nothing is planned. Take some all the same with --include or --reason."
        )


def _again(shop: str, output: Path, include: tuple[str, ...], reasons: tuple[str, ...], minimum_age: int | None) -> str:
    """The command that wrote a plan, for people to type again with more options."""
    words = ["palier", "plan", shop, "-o", str(output)]
    words += [word for module in include for word in ("--include", module)]
    words += [word for reason in reasons for word in ("--reason", reason)]
    words += ["--minimum-age", str(minimum_age)] if minimum_age is not None else []
    return shlex.join(words)
