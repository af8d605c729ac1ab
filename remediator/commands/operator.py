"""What the operator's commands share: which environment, whose rights, who it was, and how they end.

Each works with the rights of the operator's own kubeconfig, leaves its trace in the cluster, and ends with 0 done,
1 refused or failed, 2 a flag or the configuration is wrong.
"""

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

import click

from remediator.approval import LONGEST_PERSON
from stagekeeper.cli.target import Target, targeted
from stagekeeper.config.document import Document
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.auto import Picker, Undecided
from stagekeeper.diego.observation import AMBIGUOUS
from stagekeeper.diego.profiles import Environment
from stagekeeper.kube import events, workloads
from stagekeeper.kube.client import Call, Kube, connect
from stagekeeper.kube.errors import Forbidden, KubeError
from stagekeeper.kube.events import Event
from stagekeeper.service import logs
from stagekeeper.visible import visible

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_SAY_WHICH = "Say which it is with --namespace and --profile, or with --config.file where it has names of its own."
LONGEST_REASON = 1024
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


def nobody() -> Person:
    """For a command that only reads, and need not know whose rights it has."""
    return Person("", "")


@dataclass(frozen=True, slots=True)
class Session:
    """One command at work in one environment."""

    document: Document
    target: Target
    environment: Environment
    kube: Kube
    person: Person

    @property
    def timeout(self) -> float:
        """Seconds for one request."""
        return self.environment.api_timeout

    @property
    def configures_remediator(self) -> bool:
        """Whether the configuration says how the remediator is set."""
        return self.document.section("remediator") is not None

    def command(self, subcommand: str, rest: str = "") -> str:
        """Another call of `stagekeeper` for this environment, ready to be pasted."""
        return self.target.command(subcommand, self.environment, rest)

    def kubectl(self, rest: str) -> str:
        """A call of kubectl in the environment's namespace, ready to be pasted."""
        return self.target.kubectl_command(self.environment, rest)


Work = Callable[..., Awaitable[Sequence[str]]]
"""Takes a `Session` and the command's own options; gives the sentences to print."""


Check = Callable[..., object]
"""Takes the command's own options; raises `ConfigurationError` for what is wrong with them wherever it is given."""


def operator_command(name: str, *, every: str = "", check: Check | None = None) -> Callable[[Work], click.Command]:
    """Make a click command of a coroutine function, with the options that all of these commands have.

    It may write, so it asks first where the environment is only assumed. `every` is the help of a flag `--all`, for a
    command that can do its work in all environments of the configuration. `check` is made before anything is asked.
    """

    def wrap(work: Work) -> click.Command:
        @wraps(work)
        def run(target: Target, person: str, *, yes: bool, **given: Any) -> None:
            logs.configure("error")
            all_ = given.pop("every", False)
            asked = _Asked(target, person, all_, yes or bool(given.get("dry_run")), check)
            sys.exit(asyncio.run(ended(name, _work(work, asked, given))))

        options = [
            click.option(
                "--as-person",
                "person",
                default="",
                show_default=False,
                help="Your name. Default: as the API server knows you.",
            ),
            click.option("-y", "--yes", is_flag=True, help="Do not ask, even if the environment is only assumed."),
        ]
        if every:
            options.append(click.option("--all", "every", is_flag=True, help=every))
        command: Callable[..., Any] = run
        for option in options:
            command = option(command)
        return click.command(name, context_settings={"show_default": True})(targeted(command))

    return wrap


@dataclass(frozen=True, slots=True)
class _Asked:
    """Where a command is to work, and for whom."""

    target: Target
    person: str
    every: bool
    sure: bool
    check: Check | None


async def _work(work: Work, asked: _Asked, given: dict[str, Any]) -> None:
    """Do the work in each environment and print what it says."""
    target = asked.target
    document = target.document()
    chosen = target.chosen(document, every=asked.every)
    if asked.check is not None:
        asked.check(**given)
    async with connect(target.kubeconfig, target.context) as kube:
        who = await _who(kube, asked.person, chosen[0].api_timeout)
        failed = []
        for each in chosen:
            try:
                environment = await picked(kube, each)
                if target.assumes(document) and not asked.sure:
                    _ask_first(environment)
                tell(await work(Session(document, target, environment, kube, who), **given))
            except (Refusal, KubeError) as problem:
                if not asked.every:
                    raise
                click.echo(visible(f"{each.name}: {_because(problem)}", keep="\n"), err=True)
                failed.append(each.name)
    if failed:
        raise Refusal(f"It was not done in {', '.join(failed)}.")


@asynccontextmanager
async def reading(target: Target) -> AsyncIterator[Session]:
    """A session of a command that only reads, in one environment. Raises what `ended` knows."""
    document = target.document()
    chosen = target.one(document)
    async with connect(target.kubeconfig, target.context) as kube:
        yield Session(document, target, await picked(kube, chosen), kube, nobody())


async def picked(kube: Kube, environment: Environment) -> Environment:
    """The environment by its profile, found out where nobody says it. Raises `Refusal`."""
    found = await Picker(environment, kube).pick(environment.api_timeout)
    if isinstance(found, Undecided):
        why = found.why.reason if found.why else f"there is no Diego in namespace {environment.namespace}."
        unread = found.why is not None and found.why.word != AMBIGUOUS
        do = "" if unread else f" {_SAY_WHICH}"
        raise Refusal(f"No environment to work on: {why}{do}")
    return found


def _ask_first(environment: Environment) -> None:
    """Nobody has said which environment is meant: ask, or refuse where nobody can answer. Raises `ClickException`s."""
    what = (
        f"No configuration and no --namespace say which environment is meant. Assumed: namespace "
        f"{environment.namespace}, StatefulSet {environment.statefulsets[0]} (profile {environment.profile})."
    )
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{what} Say it with -n {environment.namespace}, or --yes.")
    click.echo(what, err=True)
    click.confirm("Go on?", abort=True, err=True)


async def ended(name: str, work: Coroutine[Any, Any, None]) -> int:
    """Do the work; the exit code."""
    try:
        await work
    except ConfigurationError as problem:
        click.echo(visible(f"stagekeeper {name}: {problem}", keep="\n"), err=True)
        return 2
    except (Refusal, KubeError) as problem:
        click.echo(visible(f"stagekeeper {name}: {_because(problem)}", keep="\n"), err=True)
        return 1
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
        name = given or _login()
        return Person(name, "as you said" if given else "your login here; the API server does not tell who you are")
    return Person(f"{given} (as {user})" if given else user, "as the API server knows you")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as problem:  # a container whose user has no name
        said = "Neither the API server nor this machine tells who you are: say it with --as-person."
        raise ConfigurationError(said) from problem


async def leave_event(session: Session, reason: str, message: str, at: datetime) -> str:
    """An Event on the BBS StatefulSet; a sentence for the operator if that was not possible, else ""."""
    environment = session.environment
    try:
        about = await workloads.get_statefulset(
            session.kube, environment.namespace, environment.statefulsets[0], timeout=session.timeout
        )
        if about is None:
            return f"No Event was left: there is no StatefulSet {environment.statefulsets[0]}."
        event = Event(events.statefulset(about), reason, message, reason, at)
        await events.emit(session.kube, environment.namespace, event, timeout=session.timeout)
    except KubeError as problem:
        return f"No Event could be left: {problem}"
    return ""


def tell(said: Sequence[str]) -> None:
    """Print these sentences, a line each, with nothing in them that a terminal would obey."""
    click.echo("\n".join(map(visible, said)))


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
