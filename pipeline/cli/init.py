"""``palier init SHOP``"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.project import Project

if TYPE_CHECKING:
    from pipeline.config.answers import Answers
    from pipeline.config.draft import Blank, Question


@click.command("init")
@click.argument("shop")
@click.option("--host", required=True, metavar="USER@HOST[:PORT]", help="Where the shop lives; local: this machine.")
@click.option("--path", required=True, metavar="FOLDER", help="The document root there.")
@click.option("--identity", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The private key.")
@click.option(
    "--known-hosts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that has the host's key.",
)
@click.option("--host-key", default="", metavar="SHA256:…", help="The fingerprint that its administrator gave you.")
@click.option("--url", default="", help="The address that visitors type, if it is not the one in the database.")
@click.option("--wp-cli", default="", metavar="FILE", help="WP-CLI on the host, if it is not in the PATH.")
@click.option("--staging", default="", metavar="USER@HOST[:PORT]", help="Where updates may be tried.")
@click.option("--staging-path", default="", metavar="FOLDER", help="The document root of staging.")
@click.option("--staging-url", default="", help="The address of staging.")
@click.option("--staging-identity", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Staging's key.")
@click.option("--staging-known-hosts", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Staging's.")
@click.option("--staging-host-key", default="", metavar="SHA256:…", help="The fingerprint of staging's host.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A key of the inventory and its value, as staging.database.name=shop_staging. As often as needed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON; nothing is asked.")
@click.pass_obj
def command(
    project: Project,
    *,
    shop: str,
    host: str,
    path: str,
    identity: Path | None,
    known_hosts: Path | None,
    host_key: str,
    url: str,
    wp_cli: str,
    staging: str,
    staging_path: str,
    staging_url: str,
    staging_identity: Path | None,
    staging_known_hosts: Path | None,
    staging_host_key: str,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Look at a shop on its host and write inventories/SHOP.yml. Nothing is changed on the host.

    What cannot be found out is asked on a terminal; elsewhere it stands in the file as comments and is printed with the
    --set that answers it. A host is only believed by its key's fingerprint.
    """
    from pipeline.flows import init
    from pipeline.steps.drafting import Ask

    if staging and not staging_path:
        raise click.UsageError("--staging also wants --staging-path, the document root of staging.")
    tried = Ask(
        staging,
        staging_path,
        staging_identity or identity,
        staging_known_hosts or known_hosts,
        staging_host_key,
        staging_url,
        wp_cli,
    )
    production = Ask(host, path, identity, known_hosts, host_key, url, wp_cli)
    outcome = init.run(
        shop,
        production,
        tried if staging else None,
        project.root,
        accept=_accept,
        emit=project.emit(),
        given=given,
        answer=_answer if sys.stdin.isatty() and not as_json else init.nobody,
    )
    if as_json:
        click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2))
        return
    click.echo(f"{outcome.recognised}. Written: {outcome.path}")
    for question in outcome.asked:
        click.echo(f"  ? {question.text}")
        for blank in question.blanks:
            click.echo(f"      {blank}")
    if outcome.asked:
        click.echo("What is open can be answered in the file; or remove it, and say it with --set as above.")
    click.echo(f"Next: palier doctor {shop}")


def _answer(question: Question, blank: Blank, read: Callable[[str], Answers]) -> Answers:
    """Ask for one blank; Enter takes what is proposed, or leaves it open."""
    from pipeline.errors import ConfigError

    if blank is question.blanks[0]:
        click.secho(f"? {question.text}", err=True, bold=True)
    such = f"such as {blank.example}; " if blank.example else ""
    hint = "" if blank.proposal else f" ({such}Enter leaves it open)"
    while True:
        said = click.prompt(
            f"  {blank.asks}{hint}", default=blank.proposal, show_default=bool(blank.proposal), err=True
        )
        if not said.strip():
            return {}
        try:
            return read(said.strip())
        except ConfigError as error:
            click.echo(f"  {error.what}", err=True)


def _accept(address: str, key: str) -> bool:
    """Show the fingerprint and ask; where nobody can answer, nothing is accepted."""
    if not sys.stdin.isatty():
        return False
    click.echo(f"{address} shows the key {key}", err=True)
    return click.confirm("Is this the fingerprint that its administrator gives?", default=False, err=True)
