"""The command line: parses, builds the flow, runs it, draws it. The only place that imports click."""

from __future__ import annotations

import importlib

import click

from pipeline import __version__

COMMANDS = {
    "approve": "Show a release and sign it.",
    "clone": "Make staging anew from production.",
    "config": "Check inventories and playbooks.",
    "demo": "Show the whole job on a shop on this machine.",
    "doctor": "Check every precondition of a shop.",
    "drill": "Rehearse promotion and rollback on staging, and say how long a rollback takes.",
    "init": "Look at a shop on its host and write its inventory.",
    "lock": "Who holds a shop, and taking the lock away.",
    "maintenance": "Close and open production by hand.",
    "modules": "List the modules of a shop: versions, newer packages, advisories.",
    "plan": "Write a playbook of the updates worth doing, each with its reason.",
    "promote": "Bring an approved release to production.",
    "prune": "Remove what old promotions left on production.",
    "rollback": "Take the last promotion back, keeping every order since.",
    "runs": "List the runs of a shop.",
    "smoke": "Run the smoke suites.",
    "statement": "Tell what a rollback came to: orders kept, conflicts, stock.",
    "status": "Tell how a shop stands.",
    "update": "Try updates on staging, one module at a time.",
}
"""Every command and its one line of help; a command's module is imported when it is called, so that --help is quick."""


class Palier(click.Group):
    """The group of all commands, loaded one by one."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipeline.cli.{cmd_name}")
        found: click.Command = module.command
        return found

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Palier, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--project",
    "root",
    envvar="PALIER_PROJECT",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False),
    help="The folder that holds inventories/ and playbooks/.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show each command as it is run.")
@click.version_option(__version__, prog_name="palier")
@click.pass_context
def group(ctx: click.Context, root: str, verbose: bool) -> None:
    """Palier takes an online shop up one module update at a time, and can always step back down.

    \b
    The way up:  palier clone SHOP
                 palier update SHOP PLAYBOOK
                 palier approve RUN
                 palier promote SHOP
    The way back: palier rollback SHOP      (or, on the host: sh rollback.sh)
    """
    from pipeline.cli.project import Project

    ctx.obj = Project.at(root, verbose=verbose)


def main() -> None:
    """The entry point ``palier``: runs a command inside the one error border."""
    from pipeline.cli.border import guarded

    guarded(group)
