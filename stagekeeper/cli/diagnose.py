"""`stagekeeper diagnose`: one observation, told to a person along the tutorial's eight steps."""

import asyncio
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NoReturn

import click

from stagekeeper.cli.from_pod import Kubectl, NoKubectl, PodProber, kubectl
from stagekeeper.cli.output import OUTPUT, dumped
from stagekeeper.cli.report import CANNOT_TELL, Report, as_text, document, report
from stagekeeper.cli.stager_errors import StagerErrors, read_errors
from stagekeeper.cli.steps import Place
from stagekeeper.cli.target import Target, targeted
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.auto import Picker, Undecided, sentence
from stagekeeper.diego.environments import without_absent_certificates
from stagekeeper.diego.observation import NOT_CONFIGURED, OUTSIDE, Observation, Probe, Reply, Unknown
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.probe import Prober
from stagekeeper.diego.profiles import Environment
from stagekeeper.diego.questions import service_reply
from stagekeeper.kube import workloads
from stagekeeper.kube.client import Kube, connect
from stagekeeper.kube.errors import KubeError
from stagekeeper.kube.objects import Pod
from stagekeeper.kube.own_pod import in_cluster
from stagekeeper.service import logs
from stagekeeper.service.options import DurationType
from stagekeeper.visible import visible

_CONTROL = ("kubernetes.default.svc.cluster.local", 443)


class CannotTell(Exception):
    """Nothing could be seen at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to look at, how, and for how many seconds."""

    environment: Environment
    target: Target
    within: float
    kubectl: Kubectl | None
    """Given: the probes are made from inside a Cloud Controller pod."""


@click.command("diagnose", context_settings={"show_default": True})
@targeted
@click.option("--from-pod", is_flag=True, help="Probe from inside a Cloud Controller pod, by `kubectl exec` and nc.")
@OUTPUT
@click.option(
    "--timeout",
    "lasting",
    type=DurationType(timedelta(seconds=1), timedelta(minutes=5)),
    default="30s",
    help="For the whole observation.",
)
def command(*, target: Target, from_pod: bool, output: str, lasting: timedelta) -> None:
    """Take one observation of an environment; say what is wrong and what to do. Nothing is changed.

    It is told along the eight steps of IBM Cloud's tutorial "Debugging an unavailable Stager" (CFEE).

    From a laptop the pods' addresses usually can't be reached: use --from-pod there.

    Exit codes: 0 the BBS serves, 1 it does not, 2 a flag or the configuration is wrong or stdout can't be written, 3
    could not tell.
    """
    logs.configure("warning")
    try:
        environment = target.one(target.document())
        program = kubectl(target.kubeconfig, target.context) if from_pod else None
        said = asyncio.run(ask(Ask(environment, target, lasting.total_seconds(), program)))
    except (ConfigurationError, NoKubectl) as problem:
        _end(problem, 2)
    except CannotTell as problem:
        _end(problem, CANNOT_TELL)
    else:
        if output == "text" and said.api_failure:
            _end(CannotTell(said.api_failure), CANNOT_TELL)
        click.echo(as_text(said) if output == "text" else dumped(document(said), output), nl=False)
        sys.exit(said.exit_code)


def _end(problem: Exception, code: int) -> NoReturn:
    click.echo(visible(f"stagekeeper diagnose: {problem}", keep="\n"), err=True)
    sys.exit(code)


async def ask(question: Ask) -> Report:
    """Take the observation. Raises `NoCluster` and `CannotTell`."""
    async with connect(question.target.kubeconfig, question.target.context) as kube:
        picked = await Picker(question.environment, kube).pick(question.within)
        if isinstance(picked, Undecided):
            unread = StagerErrors(unread="no profile is picked, so its pods are not known")
            return report(question.environment, picked.observation(), unread, Place("here"), question.target)
        environment, note = without_absent_certificates(picked) if question.kubectl is None else (picked, "")
        controllers = await _controllers(kube, picked)
        observation, asked_from = await _assessment(replace(question, environment=environment), kube, controllers)
        observation = replace(observation, notes=(*observation.notes, *([note] if note else [])))
        if picked is not question.environment:
            observation = replace(observation, picked=sentence(picked))
        return report(picked, observation, await _errors(kube, picked, controllers), asked_from, question.target)


async def _assessment(question: Ask, kube: Kube, controllers: tuple[Pod, ...] | KubeError) -> tuple[Observation, Place]:
    """The observation, and where its probes were made."""
    environment = question.environment
    if question.kubectl is not None:
        prober = PodProber(environment, question.kubectl, _pod_to_ask(controllers))
        return await _observe_from(prober, kube, question), Place(f"pod {prober.pod}")
    observation = await Observer(environment, kube, deep=environment.deep_probe).observe(question.within)
    if in_cluster() or not await _outside(observation, environment):
        return observation, Place("here")
    return _unprobed(observation), Place("here", inside=False)


async def _outside(observation: Observation, environment: Environment) -> bool:
    """Whether this machine, which is no pod, is not in the cluster's network: then what it met says nothing.

    Addresses of pods may exist in the network here too, where strangers refuse. So an accept is asked for, or that the
    cluster's names resolve.
    """
    pods = observation.known_pods
    if observation.accepting() or (isinstance(observation.service, Probe) and observation.service.reply.accepted):
        return False
    if service_reply(observation) is Reply.DNS:
        host, port = _CONTROL
        control = Prober(replace(environment, tls=None, port=port))
        answer = await control.ask(host, environment.probe_timeout)
        return not isinstance(answer, Probe) or answer.reply is not Reply.OK
    return bool(pods) and observation.control == "" and all(each.reply is Reply.TIMEOUT for each in pods)


def _unprobed(observation: Observation) -> Observation:
    """The observation without what this machine met at the cluster's addresses."""
    why = Unknown("This machine is not in the cluster's network.", OUTSIDE)
    pods = observation.pods
    if isinstance(pods, tuple):
        pods = tuple(replace(each, probe=why if isinstance(each.probe, Probe) else each.probe) for each in pods)
    return replace(observation, service=why, pods=pods, control=NOT_CONFIGURED, witness=NOT_CONFIGURED)


async def _observe_from(prober: PodProber, kube: Kube, question: Ask) -> Observation:
    """An observation whose probes are made from a pod. What only we could ask from here is left out, or asked there."""
    environment = replace(question.environment, database_address=None)
    observation = await Observer(environment, kube, prober).observe(question.within)
    if not any(each.reply is Reply.TIMEOUT for each in observation.known_pods):
        return observation
    answer = await prober.connect(*_CONTROL, environment.probe_timeout)
    reached = isinstance(answer, Probe) and answer.reply is Reply.OK
    return replace(observation, control=f"the Kubernetes Service from pod {prober.pod}" if reached else "")


async def _controllers(kube: Kube, environment: Environment) -> tuple[Pod, ...] | KubeError:
    """The Cloud Controller's pods; the error where they can't be listed."""
    selector = environment.cloud_controller_selector
    if selector is None:
        return ()
    try:
        found = await workloads.list_pods(kube, environment.namespace, selector, timeout=environment.api_timeout)
    except KubeError as problem:
        return problem
    return found.pods


def _pod_to_ask(controllers: tuple[Pod, ...] | KubeError) -> str:
    if isinstance(controllers, KubeError):
        raise CannotTell(f"No Cloud Controller pod to ask from: {controllers}")
    found = next((pod.name for pod in controllers if pod.phase == "Running" and not pod.terminating), None)
    if found is None:
        raise CannotTell("No Cloud Controller pod runs, so there is none to ask from. Run without --from-pod.")
    return found


async def _errors(kube: Kube, environment: Environment, controllers: tuple[Pod, ...] | KubeError) -> StagerErrors:
    if isinstance(controllers, KubeError):
        return StagerErrors(unread=str(controllers))
    return await read_errors(kube, environment.namespace, controllers, timeout=environment.api_timeout)
