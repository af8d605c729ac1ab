"""The story of a Remediation that is in the cluster."""

import click

from incidents.story import story
from incidents.telling import record_json
from remediator.commands.operator import Refusal, ended, reading
from remediator.commands.records import listed
from stagekeeper.cli.target import Target


async def explain_stored(target: Target, name: str | None, *, as_json: bool) -> int:
    """Tell the record of that name, or the newest one; the exit code."""
    return await ended("explain", _tell(target, name, as_json=as_json))


async def _tell(target: Target, name: str | None, *, as_json: bool) -> None:
    async with reading(target) as session:
        _, listing = await listed(session)
        wanted = name or (listing.latest.name if listing.latest else "")
        found = [each for each in listing.remediations if each.name == wanted]
        where = f"{session.environment.name} (namespace {session.environment.namespace})"
        if not found:
            known = ", ".join(each.name for each in listing.remediations) or "none yet"
            raise Refusal(f"{where} has no remediation{f' {name}' if name else ''}. There are: {known}.")
        click.echo(record_json(found) if as_json else "\n".join(map(story, found)), nl=False)
