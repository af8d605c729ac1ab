"""Alertmanager's webhook: authenticate, bound, parse, judge each alert, record durably, answer.

The answers follow what Alertmanager does with them (alertmanager:notify/webhook): only 5xx and network errors are tried
again, every 4xx is final for this flush, and the body of an answer lands in Alertmanager's log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from remediator.opening import Judgement, Verdict
from remediator.remediation import LONGEST_FIELD, Request
from stagekeeper.kube.errors import KubeError
from stagekeeper.service.body import BodyTooLarge, UnreadableBody, read_body

PATH = "/api/v1/alerts"
LISTED = 20
"""Alerts that an answer tells of one by one: the sender's log is not for ten thousand lines."""

_log = structlog.get_logger("remediator.webhook")


class Alert(BaseModel):
    """One alert of a notification; keys of newer versions are ignored."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: Annotated[str, Field(alias="startsAt")] = ""
    fingerprint: str = ""


class Notification(BaseModel):
    """The body, version 4. Only each alert's own status counts: the group's is "firing" if any of them fires."""

    model_config = ConfigDict(extra="ignore")

    version: str
    alerts: Annotated[list[Alert], FailFast()]
    truncated: Annotated[int, Field(alias="truncatedAlerts")] = 0


@dataclass(frozen=True, slots=True)
class Receiver:
    """What happens with an alert of one environment."""

    open: Callable[[Request], Awaitable[Verdict]]
    """Opens or joins a remediation; raises `KubeError` if that could not be stored."""
    wake: Callable[[], None]
    """Has the worker look at once."""


class Refused(Exception):
    """The notification can never become valid."""


class Webhook:
    """Judges notifications.

    `stopping` says whether new ones are to be sent elsewhere; `judged` is told what became of each alert. Workers are
    woken once no notification is in hand: the observations of many would delay the answers, for which the senders wait.
    """

    def __init__(
        self,
        alertname: str,
        receivers: Mapping[str, Receiver],
        stopping: Callable[[], bool],
        judged: Callable[[Judgement], None] = lambda _: None,
    ) -> None:
        self._alertname, self._receivers, self._stopping, self._judged = alertname, receivers, stopping, judged
        self._in_hand = 0
        self._to_wake: set[Callable[[], None]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """One POST. Every way out of here is an answer that says what became of the alerts."""
        if self._stopping():
            return _answer(503, "Shutting down; nothing was recorded. Another replica, or the next attempt, takes it.")
        try:
            notification = parse(await read_body(request))
        except Refused as problem:
            return _answer(400, str(problem))
        except BodyTooLarge:
            return _answer(413, "The body is too large. Lower max_alerts in Alertmanager's webhook_config.")
        except UnreadableBody:
            return _answer(400, "The body can't be read: its Content-Encoding or its length is not what it says.")
        try:
            verdicts = await self.judge(notification)
        except KubeError as problem:
            _log.warning(f"An alert could not be recorded and is left to Alertmanager's next attempt. {problem}")
            return _answer(503, f"Not recorded, try again: {problem}")
        return web.json_response({"results": verdicts[:LISTED], "count": len(verdicts)})

    async def judge(self, notification: Notification) -> list[dict[str, Any]]:
        """A verdict for each alert. All that can be stored is stored, then the first failure is raised."""
        self._in_hand += 1
        try:
            return await self._judge(notification)
        finally:
            self._in_hand -= 1
            while self._to_wake and not self._in_hand:
                self._to_wake.pop()()

    async def _judge(self, notification: Notification) -> list[dict[str, Any]]:
        firing: dict[str, Request] = {}
        for alert in notification.alerts:
            environment = alert.labels.get("environment", "")
            if alert.status == "firing" and self._ours(alert) and environment in self._receivers:
                firing.setdefault(environment, self._request(alert, environment))
        opened = await asyncio.gather(
            *(self._receivers[environment].open(request) for environment, request in firing.items()),
            return_exceptions=True,
        )
        for problem in opened:
            if isinstance(problem, BaseException):
                raise problem
        by_environment = dict(zip(firing, opened, strict=True))
        return [self._verdict(alert, by_environment) for alert in notification.alerts]

    def _verdict(self, alert: Alert, opened: Mapping[str, Any]) -> dict[str, Any]:
        environment = alert.labels.get("environment", "")
        named = environment[:LONGEST_FIELD]  # the answer lands in the sender's log
        if not self._ours(alert):
            verdict = Verdict(Judgement.FOREIGN_ALERT, f"Only {self._alertname} is acted on.")
        elif environment not in self._receivers:
            said = (
                f"No environment {named!r} is configured here."
                if environment
                else "The alert has no label environment."
            )
            verdict = Verdict(Judgement.UNKNOWN_ENVIRONMENT, said)
        else:
            self._to_wake.add(self._receivers[environment].wake)
            resolved = Verdict(Judgement.LOOKED, "Resolved: an observation is taken; it ends nothing by itself.")
            verdict = opened[environment] if alert.status == "firing" else resolved
        self._judged(verdict.judgement)
        return {
            "fingerprint": alert.fingerprint[:LONGEST_FIELD],
            "environment": named,
            "judgement": verdict.judgement.value,
            "why": verdict.why,
            **({"remediation": verdict.remediation} if verdict.remediation else {}),
        }

    def _ours(self, alert: Alert) -> bool:
        return alert.labels.get("alertname") == self._alertname

    def _request(self, alert: Alert, environment: str) -> Request:
        return Request(
            environment=environment,
            alertname=self._alertname,
            fingerprint=alert.fingerprint[:LONGEST_FIELD],
            starts_at=alert.starts_at[:LONGEST_FIELD],
        )


def parse(body: bytes) -> Notification:
    """The notification in a request's body. Raises `Refused` with a sentence for whoever configured the sender."""
    try:
        return Notification.model_validate_json(body)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(key) for key in first["loc"])
        if first["type"] == "json_invalid":
            raise Refused("The body is not JSON.") from problem
        if "version" in first["loc"]:
            raise Refused(
                "The body has no version: it is not Alertmanager's own. "
                "Remove the option `payload:` from the webhook_config that sends here."
            ) from problem
        raise Refused(
            f"The body is not a notification of Alertmanager: {place or 'body'}: {first['msg']}."
        ) from problem


def _answer(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
