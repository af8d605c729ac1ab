"""What the remediator's gates would answer to one observation taken from here. Nothing is changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from remediator import pausing
from remediator.alertmanager import Alertmanager
from remediator.commands import pause_map
from remediator.commands.operator import Session
from remediator.gates import AlertSeen, Past, Pause, Situation
from remediator.policy import Mode, Policy
from remediator.remediation import Remediation
from remediator.settings import RemediatorSettings, remediator_settings
from remediator.streaks import Assessment, Moment, Streaks
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.observe import Observer
from stagekeeper.kube.errors import KubeError

_WITHIN = 30.0
"""Seconds for the observation."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """One observation, and all that the gates are asked about."""

    configured: bool
    """Whether the configuration says how the remediator is set."""
    situation: Situation

    @property
    def assessment(self) -> Assessment:
        """The observation."""
        return self.situation.assessment

    @property
    def policy(self) -> Policy:
        """The remediator's policy, or the defaults."""
        return self.situation.policy


async def foresee(session: Session, remediations: Sequence[Remediation], accept: str) -> Foresight:
    """Look, read the pause and ask Alertmanager. Raises `SettingsProblem`; what can't be read is an answer too."""
    configured = session.document.section("remediator") is not None
    settings = remediator_settings(session.document) if configured else None
    policy = settings.as_policy() if settings else Policy(Mode.ACT)
    observation = await Observer(session.environment, session.kube).observe(_WITHIN)
    assessment = Assessment(
        observation, diagnose(observation), Moment(observation.taken_at, asyncio.get_running_loop().time())
    )
    situation = Situation(
        environment=session.environment,
        policy=policy,
        assessment=assessment,
        streaks=Streaks().saw(assessment, policy.largest_gap),
        pause=await _pause(session),
        alerts=await _alerts(settings, session.environment.name) if settings else (),
        past=[Past(each.name, each.plan.decided_at, each.closed_at) for each in remediations if each.plan],
        accept=accept,
    )
    return Foresight(configured, situation)


async def _pause(session: Session) -> Pause:
    try:
        found = await pause_map.find(session)
    except KubeError as problem:
        return Pause(paused=True, why=f"ConfigMap {pausing.NAME} can't be read from here. {problem}")
    return pausing.read(found.body, found.now)


async def _alerts(settings: RemediatorSettings, environment: str) -> Sequence[AlertSeen]:
    async with aiohttp.ClientSession() as http:
        asked = [Alertmanager(each, http, settings.alertname) for each in settings.alertmanagers]
        return [each.seen for each in await asyncio.gather(*(one.ask(environment) for one in asked))]
