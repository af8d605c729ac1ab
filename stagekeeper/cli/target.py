"""Which environment a command means and how the cluster is reached, as typed; and how the next command says it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from shlex import quote
from typing import Any

import click
from click.core import ParameterSource

from stagekeeper.config.document import Document, read
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.config.validation import validate
from stagekeeper.diego.environment_settings import EnvironmentSettings
from stagekeeper.diego.environments import choose, environments, resolve
from stagekeeper.diego.profiles import AUTO, DEFAULT_PROFILE, PROFILES, Environment
from stagekeeper.kube.own_pod import way_in
from stagekeeper.service.options import CONTEXT, KUBECONFIG, config_file, with_options

_ENVIRONMENT = "cf"
"""What an environment is called that no configuration names, and no --environment beside a namespace."""


@dataclass(frozen=True, slots=True)
class Target:
    """The flags that name environment and cluster; None: not given."""

    config_file: Path | None = None
    config_was_typed: bool = False
    """Whether the next command must repeat it: a variable or the file in /etc names itself."""
    name: str | None = None
    namespace: str | None = None
    profile: str | None = None
    kubeconfig: Path | None = None
    context: str | None = None

    def document(self) -> Document:
        """The configuration. Raises `ConfigurationError`."""
        return read(self.config_file)

    def assumes(self, document: Document) -> bool:
        """Whether nobody has said which environment is meant, neither in a file nor by a flag."""
        return self.namespace is None and not (self._single(document) if self.profile else _has_any(document))

    def every(self, document: Document) -> tuple[Environment, ...]:
        """The environments that may be meant. Raises `ConfigurationError`.

        A configuration's own, of the given namespace where one is given. Without a configuration, or with --profile:
        the one that the flags describe, whose profile is found out where none is given.
        """
        known = environments(document)
        if not _has_any(document) or self.profile is not None:
            return (self._described(self._single(document)),)
        here = tuple(each for each in known if self.namespace in {None, each.namespace})
        if not here:
            names = ", ".join(sorted({each.namespace for each in known}))
            raise ConfigurationError(
                f"{document.source} has no environment in namespace {self.namespace}. Its namespaces are {names}; "
                f"--profile {AUTO} leaves the file aside."
            )
        return here

    def one(self, document: Document) -> Environment:
        """The environment that is meant. Raises `ConfigurationError`."""
        return choose(self.every(document), self.name)

    def chosen(self, document: Document, *, every: bool) -> tuple[Environment, ...]:
        """The one that is meant, or with `--all` each. Raises `ConfigurationError`."""
        if every and self.name is not None:
            raise ConfigurationError("--all means every environment: leave --environment out, or --all.")
        return self.every(document) if every else (self.one(document),)

    @staticmethod
    def _single(document: Document) -> str | None:
        """The namespace of the configuration's only environment; None where it has none, or several."""
        known = environments(document) if _has_any(document) else ()
        return known[0].namespace if len(known) == 1 else None

    def _described(self, namespace: str | None) -> Environment:
        """The environment of --namespace and --profile alone. Raises `ConfigurationError`."""
        profile = self.profile or AUTO
        usual = PROFILES.get(profile, PROFILES[DEFAULT_PROFILE]).namespace
        name = self.name if self.name and self.namespace else _ENVIRONMENT
        given = {"name": name, "profile": profile, "namespace": self.namespace or namespace or usual}
        return resolve(validate(EnvironmentSettings, given, Document(source="the flags"), ()))

    @property
    def kubectl(self) -> str:
        """The flags for kubectl, quoted for a shell."""
        return _spelled({"--kubeconfig": self.kubeconfig, "--context": self.context})

    @property
    def own(self) -> str:
        """The flags for another call of `stagekeeper`, quoted for a shell, without the environment's name."""
        typed = self.config_file if self.config_was_typed else None
        given = {"--config.file": typed, "-n": self.namespace, "--profile": self.profile}
        return " ".join(each for each in (_spelled(given), self.kubectl) if each)

    def command(self, subcommand: str, environment: Environment, rest: str = "") -> str:
        """Another call of `stagekeeper` for this environment, ready to be pasted, also where we run in a pod."""
        parts = (f"{way_in()}stagekeeper", subcommand, self.own, f"--environment {environment.name}", rest)
        return " ".join(each for each in parts if each)

    def kubectl_command(self, environment: Environment, rest: str) -> str:
        """A call of kubectl in the environment's namespace, ready to be pasted."""
        return " ".join(each for each in ("kubectl", self.kubectl, f"-n {environment.namespace}", rest) if each)

    def as_given(self, command: str) -> str:
        """A command that somebody else wrote, with the flags for kubectl wherever it calls that."""
        return re.sub(r"\bkubectl (?!--)", lambda _: f"kubectl {self.kubectl} ", command) if self.kubectl else command


def _has_any(document: Document) -> bool:
    return document.section("environments") is not None


def _spelled(given: dict[str, Path | str | None]) -> str:
    return " ".join(f"{flag} {quote(str(value))}" for flag, value in given.items() if value)


def _said(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Not an empty text: a shell's variable that is not set says nothing."""
    if value == "":
        raise click.BadParameter("it is empty; name a namespace, or leave the flag out.")
    return value


def targeted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags that name environment and cluster; the function takes them as `target`."""

    @wraps(function)
    def run(**given: Any) -> Any:
        taken = {
            key: given.pop(key) for key in ("config_file", "name", "namespace", "profile", "kubeconfig", "context")
        }
        source = click.get_current_context().get_parameter_source("config_file")
        typed = source is ParameterSource.COMMANDLINE
        return function(target=Target(config_was_typed=typed, **taken), **given)

    return with_options(
        run,
        config_file("Environments. Without one: what --namespace and --profile describe."),
        click.option("--environment", "name", help="Which environment, where the file has several."),
        click.option("-n", "--namespace", callback=_said, help="Diego's namespace. Default: the file's, else cf."),
        click.option(
            "--profile",
            type=click.Choice((AUTO, *PROFILES)),
            show_default=False,
            help=f"The platform. Default: the file's, else {AUTO}: by the labels of what is there.",
        ),
        KUBECONFIG,
        CONTEXT,
    )
