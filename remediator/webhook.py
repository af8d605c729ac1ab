"""Alertmanager's webhook: authenticate, bound, parse, judge each alert, record durably, answer.

The answers follow what Alertmanager does with them (alertmanager:notify/webhook): only 5xx and network errors are tried
again, every 4xx is final for this flush, and the body of an answer lands in Alertmanager's log.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from remediator.alertmanager import Receivers
from remediator.intake import Judgement, Verdict
from remediator.reconciler import Reconciler
from remediator.remediation import LONGEST_FIELD, Request
from stagekeeper.kube.errors import KubeError
from stagekeeper.service.body import BodyTooLarge, UnreadableBody, read_body

PATH = "/api/v1/alerts"
LISTED = 20
"""Alerts that an answer tells of one by one: the sender's log is not for ten thousand lines."""

MOST_MALFORMED = 100
"""Alerts of one notification that may be none. Each costs as much as many good ones."""
MOST_UNKNOWN = 100
"""Names of environments that nobody configured, of which the log tells."""

_log = structlog.get_logger("remediator.webhook")


class Alert(BaseModel):
    """One alert of a notification; keys of newer versions are ignored."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: Annotated[str, Field(alias="startsAt")] = ""
    fingerprint: str = ""


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")

    version: str
    receiver: str = ""
    alerts: list[Any]


@dataclass(frozen=True, slots=True)
class Malformed:
    """An alert of a notification that is none; another tool on the way may make such of what is not ours."""

    why: str
    """Its place, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Notification:
    """The body, version 4. Only each alert's own status counts: the group's is "firing" if any of them fires."""

    receiver: str
    alerts: tuple[Alert | Malformed, ...]


class Refused(Exception):
    """The notification can never become valid."""


class Webhook:
    """Judges notifications. Counts what became of their alerts.

    Reconcilers are woken once no notification is in hand: the observations of many would delay the answers, for which
    the senders wait.
    """

    def __init__(
        self,
        alertname: str,
        reconcilers: Mapping[str, Reconciler],
        stopping: Callable[[], bool],
        receivers: Receivers,
        matchers: Mapping[str, str] | None = None,
    ) -> None:
        """`matchers` are labels that an alert must have too, since another cluster's may have the same environment."""
        self.judged: Counter[tuple[str, Judgement]] = Counter()
        """By environment and judgement. Of what belongs to none of ours the environment is empty."""
        self._alertname, self._reconcilers, self._stopping = alertname, reconcilers, stopping
        self._receivers, self._matchers = receivers, matchers or {}
        self._in_hand = 0
        self._to_wake: set[str] = set()
        self._unknown: set[str] = set()

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
            _log.warning(f"Could not store the alert; answered 503 so that Alertmanager retries. {problem}")
            return _answer(503, f"Not recorded, try again: {problem}")
        return web.json_response({"results": verdicts[:LISTED], "count": len(verdicts)})

    async def judge(self, notification: Notification) -> list[dict[str, Any]]:
        """A verdict for each alert. All that can be stored is stored, then the first failure is raised."""
        self._in_hand += 1
        self._receivers.called(notification.receiver)
        try:
            return await self._judge(notification)
        finally:
            self._in_hand -= 1
            while self._to_wake and not self._in_hand:
                self._reconcilers[self._to_wake.pop()].wake()

    async def _judge(self, notification: Notification) -> list[dict[str, Any]]:
        firing: dict[str, Request] = {}
        for alert in notification.alerts:
            if isinstance(alert, Malformed):
                continue
            environment = alert.labels.get("environment", "")
            if alert.status == "firing" and self._ours(alert) and environment in self._reconcilers:
                firing.setdefault(environment, self._request(alert, environment))
        opened = await asyncio.gather(
            *(self._reconcilers[environment].open(request) for environment, request in firing.items()),
            return_exceptions=True,
        )
        for problem in opened:
            if isinstance(problem, BaseException):
                raise problem
        by_environment = dict(zip(firing, opened, strict=True))
        return [self._verdict(alert, by_environment) for alert in notification.alerts]

    def _verdict(self, alert: Alert | Malformed, opened: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(alert, Malformed):
            self.judged["", Judgement.MALFORMED_ALERT] += 1
            return {"judgement": Judgement.MALFORMED_ALERT.value, "why": f"It can't be read: {alert.why}."}
        environment = alert.labels.get("environment", "")
        named = environment[:LONGEST_FIELD]  # the answer lands in the sender's log
        if not self._ours(alert):
            also = "".join(f", {label}={value}" for label, value in self._matchers.items())
            verdict = Verdict(Judgement.FOREIGN_ALERT, f"Only {self._alertname}{also} is acted on.")
        elif environment not in self._reconcilers:
            said = (
                f"No environment {named!r} is configured here."
                if environment
                else "The alert has no label environment."
            )
            self._tell_unknown(named)
            verdict = Verdict(Judgement.UNKNOWN_ENVIRONMENT, said)
        else:
            self._to_wake.add(environment)
            resolved = Verdict(Judgement.LOOKED, "Resolved: an observation is taken; it ends nothing by itself.")
            verdict = opened[environment] if alert.status == "firing" else resolved
        self.judged["" if verdict.judgement.unmanaged else environment, verdict.judgement] += 1
        return {
            "fingerprint": alert.fingerprint[:LONGEST_FIELD],
            "environment": named,
            "judgement": verdict.judgement.value,
            "why": verdict.why,
            **({"remediation": verdict.remediation} if verdict.remediation else {}),
        }

    def _tell_unknown(self, named: str) -> None:
        """One line for each name that nobody configured, as far as a stranger may fill our memory."""
        if named not in self._unknown and len(self._unknown) < MOST_UNKNOWN:
            self._unknown.add(named)
            _log.warning(f"{self._alertname} is firing for an environment that is not configured here: {named!r}.")

    def _ours(self, alert: Alert) -> bool:
        return alert.labels.get("alertname") == self._alertname and self._matchers.items() <= alert.labels.items()

    def _request(self, alert: Alert, environment: str) -> Request:
        return Request(
            environment=environment,
            alertname=self._alertname,
            fingerprint=alert.fingerprint[:LONGEST_FIELD],
            starts_at=alert.starts_at[:LONGEST_FIELD],
        )


def parse(body: bytes) -> Notification:
    """The notification in a request's body. Raises `Refused` with a sentence for whoever configured the sender.

    One alert that is none keeps the others from nothing, unless there are no others, or too many like it.
    """
    try:
        found = _Body.model_validate_json(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        if first["type"] == "json_invalid":
            raise Refused("The body is not JSON.") from problem
        if "version" in first["loc"]:
            what = "has no version" if first["type"] == "missing" else 'has a version that is not the text "4"'
            raise Refused(
                f"The body {what}: it is not Alertmanager's own. "
                "Remove the option `payload:` from the webhook_config that sends here."
            ) from problem
        raise _no_notification(_first_mistake(problem) if first["loc"] else f"body: {first['msg']}") from problem
    alerts: list[Alert | Malformed] = []
    wrong: list[str] = []
    for index, given in enumerate(found.alerts):
        try:
            alerts.append(Alert.model_validate(given))
        except ValidationError as problem:
            wrong.append(_first_mistake(problem, "alerts", index))
            alerts.append(Malformed(wrong[-1]))
            if len(wrong) > MOST_MALFORMED:
                break
    if wrong and len(wrong) in {len(alerts), MOST_MALFORMED + 1}:
        raise _no_notification(wrong[0])
    if wrong:
        _log.warning(f"{len(wrong)} of {len(alerts)} alerts of a notification can't be read. The first: {wrong[0]}.")
    return Notification(found.receiver, tuple(alerts))


def _first_mistake(problem: ValidationError, *around: str | int) -> str:
    """Where the first mistake is, and what. A key may be anything, so its name is cut."""
    first = problem.errors()[0]
    return f"{'.'.join(str(key) for key in (*around, *first['loc']))[:LONGEST_FIELD]}: {first['msg']}"


def _no_notification(why: str) -> Refused:
    return Refused(f"The body is not a notification of Alertmanager: {why}.")


def _answer(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
