"""Asking Alertmanager itself what it has: before acting, and every minute in case a webhook was lost.

The answer of `/api/v2/alerts` counts silences and inhibitions at the moment of asking, which the webhook does not.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from remediator.gates import AlertSeen, Seen
from remediator.remediation import LONGEST_FIELD, Request
from remediator.settings import AlertmanagerSettings
from stagekeeper.service.files import Reloaded, read_text
from stagekeeper.service.problems import ServiceProblem
from stagekeeper.service.tls import ClientContext

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes, unpacked. Only alerts of one name and one environment are asked for."""
_FIRING = frozenset({"active", "unprocessed"})
_SUPPRESSIONS = {"silencedBy": "silenced", "inhibitedBy": "inhibited", "mutedBy": "muted"}


@dataclass(frozen=True, slots=True)
class AlertmanagerView:
    """What one Alertmanager has of one environment's alert."""

    seen: AlertSeen
    requests: tuple[Request, ...] = ()
    """The active ones, as they would open a remediation."""


class Alertmanager:
    """One Alertmanager, asked over HTTP. Never raises: what can't be read is an answer too."""

    def __init__(self, settings: AlertmanagerSettings, session: aiohttp.ClientSession, alertname: str) -> None:
        self.url = str(settings.url).rstrip("/")
        self._settings, self._session, self._alertname = settings, session, alertname
        self._tls = ClientContext(settings.ca_file) if settings.ca_file else None
        secret = settings.bearer_token_file or settings.password_file
        self._secret = (
            Reloaded(
                "The credentials for Alertmanager", [secret], lambda: read_text(secret, "The credentials file").strip()
            )
            if secret
            else None
        )

    async def ask(self, environment: str) -> AlertmanagerView:
        """What it has of `alertname` in `environment` now."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                return self._judge(environment, await self._alerts(environment))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, ServiceProblem) as problem:
            why = "no answer in time" if isinstance(problem, TimeoutError) else str(problem) or type(problem).__name__
            return AlertmanagerView(AlertSeen(self.url, Seen.UNREADABLE, why))
        except RecursionError:
            return AlertmanagerView(AlertSeen(self.url, Seen.UNREADABLE, "the answer is nested too deeply"))

    async def _alerts(self, environment: str) -> list[Mapping[str, Any]]:
        filters = [("filter", f'alertname="{self._alertname}"'), ("filter", f'environment="{environment}"')]
        async with self._session.get(
            f"{self.url}/api/v2/alerts",
            params=filters,
            headers=self._headers(),
            ssl=self._tls.current() if self._tls else True,
            allow_redirects=False,
        ) as response:
            if response.status != 200:  # noqa: PLR2004 -- HTTP's OK
                raise ValueError(f"HTTP {response.status}")
            found = json.loads(await _body(response))
        if not isinstance(found, list):
            raise ValueError("the answer is not a list of alerts")  # noqa: TRY004 -- what is wrong is the answer, not a type of ours
        wanted = {"alertname": self._alertname, "environment": environment}
        return [each for each in found if isinstance(each, Mapping) and wanted.items() <= _part(each, "labels").items()]

    def _headers(self) -> dict[str, str]:
        if self._secret is None:
            return {}
        if self._settings.bearer_token_file:
            return {"Authorization": f"Bearer {self._secret.current()}"}
        return {"Authorization": aiohttp.encode_basic_auth(self._settings.username or "", self._secret.current())}

    def _judge(self, environment: str, alerts: Sequence[Mapping[str, Any]]) -> AlertmanagerView:
        hows = [_suppressed(_part(each, "status")) for each in alerts]
        if any(hows):
            return AlertmanagerView(AlertSeen(self.url, Seen.SUPPRESSED, next(filter(None, hows))))
        active = [each for each in alerts if _part(each, "status").get("state") in _FIRING]
        if not active:
            return AlertmanagerView(AlertSeen(self.url, Seen.ABSENT))
        requests = tuple(
            Request(
                environment=environment,
                alertname=self._alertname,
                fingerprint=str(each.get("fingerprint", ""))[:LONGEST_FIELD],
                starts_at=str(each.get("startsAt", ""))[:LONGEST_FIELD],
            )
            for each in active
        )
        return AlertmanagerView(AlertSeen(self.url, Seen.ACTIVE), requests)


def _suppressed(status: Mapping[str, Any]) -> str:
    """How an alert is kept from its receivers; "" if it is not. `mutedBy` came with 0.28 (time intervals)."""
    how = next((word for key, word in _SUPPRESSIONS.items() if status.get(key)), "")
    return how or ("suppressed" if status.get("state") == "suppressed" else "")


def _part(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = source.get(key)
    return found if isinstance(found, Mapping) else {}


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise ValueError(f"the answer has more than {LARGEST_ANSWER} bytes")
    return bytes(body)
