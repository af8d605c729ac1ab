"""Asking Alertmanager itself what it has: before acting, and every minute in case a webhook was lost.

An alert counts only if it would reach us now. `/api/v2/alerts/groups` says so: it counts silences, inhibitions and,
from 0.28 on, mute times at the moment of asking, and names the receiver of each group. `/api/v2/alerts` never fills
`mutedBy`, and the webhook tells none of it.
"""

import asyncio
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from remediator.inputs import AlertState, AlertView
from remediator.remediation import LONGEST_FIELD, Request
from remediator.settings import AlertmanagerSettings, RemediatorSettings
from stagekeeper.config.errors import ProgramError
from stagekeeper.kube.wording import one_line, page
from stagekeeper.service.files import Reloaded, read_text
from stagekeeper.service.tls import ClientContext

_log = structlog.get_logger("remediator.alertmanager")

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes, unpacked. Only alerts of one name and one environment are asked for."""
MOST_RECEIVERS = 100
"""How many names of receivers are kept, whoever sends them."""
MUTES_UNKNOWN = "it can't say whether the alert is muted by a time interval: 0.28 or later can"
_TELLS_MUTES = 0, 28
"""The first version of Alertmanager that fills `mutedBy`."""
_SHOWN = 60
"""Characters of an answer that is none."""
_FIRING = ("active", "unprocessed")
_STATES = (*_FIRING, "suppressed")
_SUPPRESSIONS = {"silencedBy": "silenced", "inhibitedBy": "inhibited", "mutedBy": "muted"}


class Receivers:
    """The names by which Alertmanager knows us: the configured one, and those that a webhook with our token gave."""

    def __init__(self, configured: str) -> None:
        self._configured, self._called = configured, set[str]()

    def __contains__(self, name: str) -> bool:
        """The Prometheus Operator puts namespace and name of the AlertmanagerConfig before a receiver's own name."""
        return name == self._configured or name.endswith(f"/{self._configured}") or name in self._called

    def __str__(self) -> str:
        return ", ".join([self._configured, *sorted(self._called)])

    def called(self, name: str) -> None:
        """A webhook says which receiver it comes from: that one reaches us, whatever is configured."""
        if not 0 < len(name) <= LONGEST_FIELD or name in self or len(self._called) >= MOST_RECEIVERS:
            return
        self._called.add(name)
        _log.warning(
            f"Alertmanager's receiver {name!r} sends here, and the configuration names "
            f"{self._configured!r}: both count until the next start. Name it as `receiver`."
        )


@dataclass(frozen=True, slots=True)
class AlertmanagerView:
    """What one Alertmanager has of one environment's alert."""

    view: AlertView
    requests: tuple[Request, ...] = ()
    """The active ones, as they would open a remediation."""


class Alertmanager:
    """One Alertmanager, asked over HTTP. Never raises: what can't be read is an answer too."""

    def __init__(
        self,
        settings: AlertmanagerSettings,
        session: aiohttp.ClientSession,
        alertname: str,
        receivers: Receivers,
        matchers: Mapping[str, str] | None = None,
    ) -> None:
        """`matchers` are labels that the alert has beside `alertname` and `environment`."""
        self.url = str(settings.url).rstrip("/")
        self._receivers, self._matchers = receivers, {"alertname": alertname, **(matchers or {})}
        self._settings, self._session, self._alertname = settings, session, alertname
        self._proxy = str(settings.proxy_url) if settings.proxy_url else None
        files = settings.ca_file, settings.cert_file, settings.key_file
        encrypted = "https" in {each.scheme for each in (settings.url, settings.proxy_url) if each}
        self._tls = ClientContext(*files) if any(files) or encrypted else None
        secret = settings.bearer_token_file or settings.password_file
        self._secret = (
            Reloaded(
                "The credentials for Alertmanager", [secret], lambda: read_text(secret, "The credentials file").strip()
            )
            if secret
            else None
        )

    async def ask(self, environment: str, within: float = math.inf) -> AlertmanagerView:
        """What it has of `alertname` in `environment` now; in at most `within` seconds, if it may not take its own."""
        try:
            async with asyncio.timeout(min(within, self._settings.timeout.total_seconds())):
                return self._judge(environment, await self._groups(environment))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, ProgramError) as problem:
            why = "no answer in time" if isinstance(problem, TimeoutError) else str(problem) or type(problem).__name__
            return self._says(AlertState.UNREADABLE, why)
        except RecursionError:
            return self._says(AlertState.UNREADABLE, "the answer is nested too deeply")

    async def tell_version(self) -> None:
        """Say once in the log if its version cannot tell of mute times. Never raises; an alert is asked for anyway."""
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                found = await self._get("status")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, ProgramError, RecursionError):
            return  # the gate says that it can't be asked, and why
        version = _part(found, "versionInfo").get("version") if isinstance(found, Mapping) else None
        numbers = re.match(r"(\d+)\.(\d+)", str(version))
        if numbers and (int(numbers[1]), int(numbers[2])) < _TELLS_MUTES:
            _log.warning(f"Alertmanager {self.url} is of version {version}: {MUTES_UNKNOWN}.", alertmanager=self.url)

    async def _groups(self, environment: str) -> list[Mapping[str, Any]]:
        wanted = {**self._matchers, "environment": environment}
        filters = [f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in wanted.items()]
        found = await self._get("alerts/groups", *filters)
        if not isinstance(found, list):
            raise ValueError("the answer is not a list of groups of alerts")  # noqa: TRY004 -- the answer is wrong, not a type
        return [each for each in found if isinstance(each, Mapping)]

    async def _get(self, what: str, *filters: str) -> Any:
        async with self._session.get(
            f"{self.url}/api/v2/{what}",
            params=[("filter", each) for each in filters],
            headers=self._headers(),
            ssl=self._tls.current() if self._tls else True,
            proxy=self._proxy,
            allow_redirects=False,
        ) as response:
            return _decoded(response.status, await _body(response))

    def _headers(self) -> dict[str, str]:
        tenant = {"X-Scope-OrgID": self._settings.tenant} if self._settings.tenant else {}
        if self._secret is None:
            return tenant
        if self._settings.bearer_token_file:
            return {**tenant, "Authorization": f"Bearer {self._secret.current()}"}
        basic = aiohttp.encode_basic_auth(self._settings.username or "", self._secret.current())
        return {**tenant, "Authorization": basic}

    def _judge(self, environment: str, groups: Sequence[Mapping[str, Any]]) -> AlertmanagerView:
        wanted = {**self._matchers, "environment": environment}.items()
        found = [
            (str(_part(group, "receiver").get("name", "")), alert)
            for group in groups
            for alert in _alerts(group)
            if isinstance(alert, Mapping) and wanted <= _part(alert, "labels").items()
        ]
        ours = [alert for receiver, alert in found if receiver in self._receivers]
        if found and not ours:
            routed_to = ", ".join(sorted({receiver for receiver, _ in found}))
            return self._says(AlertState.SUPPRESSED, f"routed to {routed_to}, not to receiver {self._receivers}")
        unknown = [state for state in map(_state, ours) if state not in _STATES]
        if unknown:
            said = one_line(str(unknown[0]), _SHOWN)
            raise ValueError(f"an alert's state is {said!r}, which is none of Alertmanager's")
        hows = [_suppressed(_part(each, "status")) for each in ours]
        if any(hows):
            return self._says(AlertState.SUPPRESSED, next(filter(None, hows)))
        active = [each for each in ours if _state(each) in _FIRING]
        if not active:
            return self._says(AlertState.ABSENT)
        blind = not all("mutedBy" in _part(each, "status") for each in active)
        return self._says(AlertState.ACTIVE, MUTES_UNKNOWN if blind else "", map(self._request(environment), active))

    def _says(self, state: AlertState, detail: str = "", requests: Iterable[Request] = ()) -> AlertmanagerView:
        return AlertmanagerView(AlertView(self.url, state, detail), tuple(requests))

    def _request(self, environment: str) -> Callable[[Mapping[str, Any]], Request]:
        def request(alert: Mapping[str, Any]) -> Request:
            return Request(
                environment=environment,
                alertname=self._alertname,
                fingerprint=str(alert.get("fingerprint", ""))[:LONGEST_FIELD],
                starts_at=str(alert.get("startsAt", ""))[:LONGEST_FIELD],
            )

        return request


def alertmanagers(
    settings: RemediatorSettings, session: aiohttp.ClientSession, receivers: Receivers
) -> list[Alertmanager]:
    """All that are configured."""
    alert = settings.alertname, receivers, settings.matchers
    return [Alertmanager(each, session, *alert) for each in settings.alertmanagers]


def _suppressed(status: Mapping[str, Any]) -> str:
    """How an alert is kept from its receivers; "" if it is not. `mutedBy` came with 0.28 (time intervals)."""
    how = next((word for key, word in _SUPPRESSIONS.items() if status.get(key)), "")
    return how or ("suppressed" if status.get("state") == "suppressed" else "")


def _state(alert: Mapping[str, Any]) -> Any:
    return _part(alert, "status").get("state")


def _alerts(group: Mapping[str, Any]) -> list[Any]:
    found = group.get("alerts") or []
    if not isinstance(found, list):
        raise ValueError("a group's alerts are not a list")  # noqa: TRY004 -- the answer is wrong, not a type
    return found


def _part(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = source.get(key)
    return found if isinstance(found, Mapping) else {}


def _decoded(status: int, body: bytes) -> Any:
    """The JSON of an answer. Raises `ValueError` for any other, in few words: a proxy's page may have many lines."""
    text = body.decode(errors="replace")
    words = page(text)
    if status != 200:  # noqa: PLR2004 -- HTTP's OK
        raise ValueError(f"HTTP {status}" + (f" with {words}" if words else _redirected(status)))
    try:
        return json.loads(text)
    except ValueError as problem:
        what = words or (f"{one_line(text, _SHOWN)!r}" if text.strip() else "an empty body")
        raise ValueError(f"the answer is {what}, not JSON: is this Alertmanager's address?") from problem


def _redirected(status: int) -> str:
    return ", a redirect, which is not followed" if 300 <= status < 400 else ""  # noqa: PLR2004 -- HTTP's 3xx


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise ValueError(f"the answer has more than {LARGEST_ANSWER} bytes")
    return bytes(body)
