"""The story of a Remediation that is in the cluster."""

import click

from incidents.explain import told
from remediator.commands.operator import Refusal, ended, reading
from remediator.commands.records import listed
from stagekeeper.cli.target import Target


async def explain_stored(target: Target, name: str | None, output: str) -> int:
    """Tell the record of that name, or the newest one; the exit code."""
    return await ended("explain", _tell(target, name, output))


async def _tell(target: Target, name: str | None, output: str) -> None:
    async with reading(target) as session:
        _, listing = await listed(session)
        wanted = name or (listing.latest.name if listing.latest else "")
        found = [each for each in listing.remediations if each.name == wanted]
        where = f"{session.environment.name} (namespace {session.environment.namespace})"
        if not found:
            known = ", ".join(each.name for each in listing.remediations)
            missing = f" {wanted}. There are: {known}." if known else " yet."
            raise Refusal(f"{where} has no remediation{missing}")
        click.echo(told(found, target, output), nl=False)
