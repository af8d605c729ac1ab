"""What the operator's commands share: which environment, whose rights, who it was, and how they end.

Each works with the rights of the operator's own kubeconfig, leaves its trace in the cluster, and ends with 0 done,
1 refused or failed, 2 a flag or the configuration is wrong.
"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from stagekeeper.config.document import Document, read
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.environments import choose, environments
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Call, Kube, NoCluster, connect
from stagekeeper.kube.errors import Forbidden, KubeError
from stagekeeper.kube.remediations import PLURAL
from stagekeeper.service import logs
from stagekeeper.service.options import CONTEXT, KUBECONFIG, config_file
from stagekeeper.visible import visible

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
LONGEST_PERSON, LONGEST_REASON = 256, 1024
"""Characters, by the CRD's schema."""


class Refusal(Exception):
    """It can't be done now, or must not be; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who gives the command, as the record names them, and how that is known."""

    name: str
    how: str

    @property
    def on_record(self) -> str:
        """The sentence that tells the operator."""
        return f"You are on record as {self.name} ({self.how})."


@dataclass(frozen=True, slots=True)
class Session:
    """One command at work."""

    document: Document
    environment: Environment
    kube: Kube
    person: Person

    @property
    def timeout(self) -> float:
        """Seconds for one request."""
        return self.environment.api_timeout

    @property
    def remediations(self) -> str:
        """Where the records are, below the API server's address."""
        return f"/apis/stagekeeper.dev/v1alpha1/namespaces/{self.environment.namespace}/{PLURAL}"


Work = Callable[..., Awaitable[Sequence[str]]]
"""Takes a `Session` and the command's own options; gives the sentences to print."""


def operator_command(name: str) -> Callable[[Work], click.Command]:
    """Make a click command of a coroutine function, with the options that all of these commands have."""

    def wrap(work: Work) -> click.Command:
        @wraps(work)
        def run(**given: Any) -> None:
            logs.configure("error")
            shared = {key: given.pop(key) for key in ("config_file", "environment", "person", "kubeconfig", "context")}
            sys.exit(asyncio.run(_ended(name, work, given, **shared)))

        return click.command(name, context_settings={"show_default": True})(_options(run))

    return wrap


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            config_file("Environments. Without one: the tutorial's."),
            click.option("--environment", help="Which environment, where the file has several."),
            click.option("--as-person", "person", default="", help="Your name. Default: as the API server knows you."),
            KUBECONFIG,
            CONTEXT,
        )
    ):
        function = option(function)
    return function


async def _ended(  # noqa: PLR0913 -- the shared options, by name
    name: str,
    work: Work,
    given: dict[str, Any],
    *,
    config_file: Path | None,
    environment: str | None,
    person: str,
    kubeconfig: Path | None,
    context: str | None,
) -> int:
    """Do the work and print what it says; the exit code."""
    try:
        document = read(config_file)
        chosen = choose(environments(document), environment)
        async with connect(kubeconfig, context) as kube:
            who = await _who(kube, person, chosen.api_timeout)
            said = await work(Session(document, chosen, kube, who), **given)
    except (ConfigurationError, NoCluster) as problem:
        click.echo(visible(f"stagekeeper {name}: {problem}", keep="\n"), err=True)
        return 2
    except (Refusal, KubeError) as problem:
        click.echo(visible(f"stagekeeper {name}: {_because(problem)}", keep="\n"), err=True)
        return 1
    click.echo("\n".join(map(visible, said)))
    return 0


def _because(problem: Exception) -> str:
    if isinstance(problem, Forbidden):
        return f"Your rights in the cluster do not suffice. {problem}"
    return str(problem)


async def _who(kube: Kube, given: str, timeout: float) -> Person:
    """The API server's word for us (authentication.k8s.io/v1, Kubernetes 1.28 and later), else the login name."""
    if len(given) > LONGEST_PERSON // 2:
        raise ConfigurationError(f"--as-person must have at most {LONGEST_PERSON // 2} characters.")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = await kube.send(Call("POST", _REVIEW, body=review), timeout=timeout)
        user = str(answer.body["status"]["userInfo"]["username"])[: LONGEST_PERSON // 2]
    except (KubeError, KeyError, TypeError):
        name = given or getpass.getuser()
        return Person(name, "as you said" if given else "your login here; the API server does not tell who you are")
    return Person(f"{given} (as {user})" if given else user, "as the API server knows you")


async def leave_event(session: Session, reason: str, message: str, at: datetime) -> str:
    """An Event on the BBS StatefulSet; a sentence for the operator if that was not possible, else ""."""
    environment = session.environment
    try:
        about = await workloads.get_statefulset(
            session.kube, environment.namespace, environment.statefulsets[0], timeout=session.timeout
        )
        if about is None:
            return f"No Event was left: there is no StatefulSet {environment.statefulsets[0]}."
        await events.emit(
            session.kube,
            environment.namespace,
            about,
            reason=reason,
            message=message,
            warning=False,
            at=at,
            timeout=session.timeout,
        )
    except KubeError as problem:
        return f"No Event could be left: {problem}"
    return ""


def reason_given(text: str) -> str:
    """A reason that says something and fits into the record. Raises `ConfigurationError`."""
    if not text.strip():
        raise ConfigurationError("--reason must say why: people read it at night.")
    if len(text) > LONGEST_REASON:
        raise ConfigurationError(f"--reason must have at most {LONGEST_REASON} characters.")
    return text.strip()


def sentences(*said: str) -> Sequence[str]:
    """Without the empty ones."""
    return [each for each in said if each]
