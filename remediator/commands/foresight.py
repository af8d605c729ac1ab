"""What the remediator's gates would answer to one observation taken from here. Nothing is changed."""

from collections.abc import Sequence

import aiohttp

from remediator.alertmanager import Receivers, alertmanagers
from remediator.cluster import Cluster
from remediator.commands.operator import Session
from remediator.inputs import AlertView, Inputs, past
from remediator.policy import Mode, Policy
from remediator.remediation import Remediation
from remediator.settings import RemediatorSettings, remediator_settings
from remediator.streaks import Streaks


async def foresee(session: Session, cluster: Cluster, history: Sequence[Remediation], accept: str) -> Inputs:
    """All that the gates are asked about: observe, read the pause, ask Alertmanager; the policy, or the defaults.

    Raises `ConfigurationError`; what can't be read is an answer too.
    """
    settings = remediator_settings(session.document) if session.configures_remediator else None
    policy = settings.as_policy() if settings else Policy(mode=Mode.ACT)
    assessment = await cluster.observe()
    return Inputs(
        environment=session.environment,
        policy=policy,
        assessment=assessment,
        streaks=Streaks().saw(assessment, policy.tolerance),
        pause=await cluster.pause(),
        alerts=await _alerts(settings, session.environment.name) if settings else (),
        past=past(history),
        accept=frozenset({accept}),
    )


async def _alerts(settings: RemediatorSettings, environment: str) -> Sequence[AlertView]:
    receivers = Receivers(settings.receiver)
    async with aiohttp.ClientSession() as http:
        asked = alertmanagers(settings, http, receivers)
        return [each.view for each in await Cluster.asked(asked, environment)]
