"""`stagekeeper explain`: replay an incident file, or tell the story of a Remediation of the cluster or of a file."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from incidents.format import Incident
from incidents.journal import Replayed
from incidents.outcome import differences
from incidents.reading import from_text
from incidents.story import story
from incidents.telling import record_document, replay_document, replay_text
from remediator import record
from remediator.remediation import Remediation
from stagekeeper.cli.output import OUTPUT, dumped
from stagekeeper.cli.target import Target, targeted
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.kube.own_pod import way_in
from stagekeeper.late_import import imported
from stagekeeper.service import logs
from stagekeeper.visible import visible

KIND, LIST_KINDS = "Remediation", ("List", "RemediationList")


@click.command("explain", context_settings={"show_default": True})
@click.argument("what", required=False, metavar="[NAME|FILE]")
@OUTPUT
@targeted
def command(*, target: Target, what: str | None, output: str) -> None:
    """Explain what a remediation did and why, or what the remediator would do in an incident.

    NAME is a remediation in the cluster, by default the newest. FILE is an incident file (docs/incident-format.md), or
    what `kubectl get remediation NAME -o yaml` (or -o json) prints; - reads from the standard input. Of a file nothing
    is sent anywhere.

    Exit codes: 0 told, 1 the incident does not end as its file expects or the cluster can't be read, 2 the file can't
    be understood, or a flag or the configuration is wrong.
    """
    logs.configure("error")
    if what is None or _is_name(what):
        stored = imported("incidents.stored:explain_stored")  # with the client of the Kubernetes API
        sys.exit(asyncio.run(stored(target, what, output)))
    try:
        said, code = explain(*_read(Path(what)), target, output)
    except ConfigurationError as problem:
        click.echo(visible(f"stagekeeper explain: {problem}", keep="\n"), err=True)
        sys.exit(2)
    click.echo(said, nl=False)
    sys.exit(code)


def _is_name(what: str) -> bool:
    """Whether that is what a record is called, and no file."""
    return record.NAME.fullmatch(what) is not None and not Path(what).exists()


def explain(text: str, source: str, target: Target, output: str) -> tuple[str, int]:
    """What is to be said of a file's text, and the exit code. Raises `ConfigurationError`."""
    records = _records(text, source)
    if records is None:
        return _explain_incident(from_text(text, source), output)
    try:
        remediations = [record.load(each) for each in records]
    except record.Unreadable as problem:
        raise ConfigurationError(f"{source}: {problem}") from problem
    return told(remediations, target, output), 0


def told(remediations: Sequence[Remediation], target: Target, output: str) -> str:
    """Stored records as `output` wants them; commands in the text repeat the flags that were given."""
    if output != "text":
        return dumped(record_document(remediations), output)
    reset = f"{way_in()}stagekeeper reset {target.own}".rstrip()
    return target.as_given("\n".join(story(each, reset) for each in remediations))


def _explain_incident(incident: Incident, output: str) -> tuple[str, int]:
    found: Replayed = imported("incidents.replay:replay")(incident)  # with the remediator and all that it stands on
    wrong = differences(incident.expect, found)
    code = 1 if wrong else 0
    if output != "text":
        return dumped(replay_document(incident, found, wrong), output), code
    return replay_text(incident, found, wrong), code


def _read(file: Path) -> tuple[str, str]:
    source = "the standard input" if str(file) == "-" else str(file)
    try:
        return (sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")), source
    except OSError as problem:
        raise ConfigurationError(f"{source}: can't be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{source}: is not UTF-8 text (byte {problem.start}).") from problem


def _records(text: str, source: str) -> Sequence[Mapping[str, Any]] | None:
    """The Remediation objects in a text; None where it holds something else."""
    try:
        found = yaml.load(text, Loader=_Plain)  # noqa: S506 -- it is a SafeLoader
    except (yaml.YAMLError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None  # the incident's reader says what is wrong, and where
    if not isinstance(found, Mapping):
        return None
    kind, listed = str(found.get("kind")), found.get("items")
    if kind == KIND:
        return [found]
    if kind not in LIST_KINDS:
        return None
    listed = listed if isinstance(listed, list) else ()
    items = [each for each in listed if isinstance(each, Mapping) and each.get("kind") == KIND]
    if not items:
        raise ConfigurationError(f"{source}: holds no {KIND}. Try `kubectl get remediations -n NAMESPACE`.")
    return items


class _Plain(yaml.SafeLoader):
    """A SafeLoader that leaves an unquoted time as text, as kubectl's own reader does."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
