"""The `remediator:` section of the configuration file."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, HttpUrl, field_validator, model_validator

from remediator.policy import Mode, Policy, PolicySettings, Rhythm
from stagekeeper.config.document import Document
from stagekeeper.config.durations import spell
from stagekeeper.config.model import Duration, Strict
from stagekeeper.config.validation import validate
from stagekeeper.kube.own_pod import way_in

_API = re.compile(r"/api/v[12](/(alerts(/groups)?|silences?|receivers|status))?/?$")
"""Alertmanager's own paths. Another API may stand before them: Kubernetes' proxy to a Service begins with /api/v1."""
_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"


def _open_to_all(value: HttpUrl) -> HttpUrl:
    """An address that a page may show."""
    if value.username or value.password or value.query or value.fragment:
        raise ValueError("must be an address that everybody may see: without credentials, ? or #")
    return value


Address = Annotated[HttpUrl, AfterValidator(_open_to_all)]


class AlertmanagerSettings(Strict):
    """One Alertmanager to ask. Of an HA pair, name both."""

    url: HttpUrl
    external_url: Address | None = None
    """Where people reach it, for the status page's link; without it that leads to `url`."""
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    tenant: Annotated[str, Field(pattern=r"^[!-~]{1,150}$")] | None = None
    """Sent as `X-Scope-OrgID`, by which Mimir and Cortex tell whose Alertmanager is asked."""
    proxy_url: HttpUrl | None = None
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=9))] = timedelta(seconds=3)
    """Shorter than an observation lives: one of before the question would decide nothing."""

    @field_validator("url", mode="before")
    @classmethod
    def _http(cls, value: object) -> object:
        if not (isinstance(value, str) and value.startswith(("http://", "https://"))):
            raise ValueError("must be an Alertmanager's address, such as http://alertmanager:9093")
        return value

    @model_validator(mode="after")
    def _bare_url(self) -> Self:
        if self.url.username or self.url.password:
            raise ValueError("the url must not hold credentials: use username and password_file, or bearer_token_file")
        if self.url.query or self.url.fragment:
            raise ValueError("the url must end with Alertmanager's path, without ? or #")
        base = _API.sub("", str(self.url))
        if base != str(self.url):
            raise ValueError(f"the url must end before /api, which is added to it: use {base}")
        return self

    @model_validator(mode="after")
    def _bare_proxy(self) -> Self:
        if self.proxy_url is not None and (self.proxy_url.username or self.proxy_url.password):
            raise ValueError("the proxy_url must not hold credentials: name a proxy that asks for none")
        return self

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file belong together")
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.bearer_token_file and (self.username or self.password_file):
            raise ValueError("bearer_token_file and username/password_file exclude each other")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file belong together")
        return self


class LinkSettings(Strict):
    """Where the status page leads people."""

    dashboards: Address | None = None
    """Where Grafana has the dashboards, such as https://grafana.example/d; without it the page links to none."""
    runbooks: Address | None = None
    """Where a copy of the runbooks of one language is; without it the project's, in both languages."""


class WebhookSettings(Strict):
    """How Alertmanager comes in."""

    token_file: Path
    largest_body: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = 1024 * 1024


class RemediatorSettings(Strict):
    """The section `remediator:`. `mode` has no default: a person decides whether pods may be deleted."""

    mode: Mode
    webhook: WebhookSettings
    alertname: Annotated[str, Field(pattern=_LABEL)] = "StagerUnavailable"
    matchers: dict[Annotated[str, Field(pattern=_LABEL)], str] = Field(default_factory=dict)
    """Labels that the alert must have too, such as `cluster`, where one Alertmanager serves several clusters."""
    receiver: Annotated[str, Field(min_length=1)] = "stagekeeper"
    """The receiver in Alertmanager's configuration that sends here: an alert counts only if it is routed to it."""
    alertmanagers: list[AlertmanagerSettings] = Field(default_factory=list)
    links: LinkSettings = LinkSettings()
    rhythm: Rhythm = Rhythm()
    policy: PolicySettings = PolicySettings()

    @field_validator("mode", mode="before")
    @classmethod
    def _explained(cls, value: object) -> object:
        if value not in [mode.value for mode in Mode]:  # a list: the value may be one too
            raise ValueError(
                "must be act (restart the pods when every gate is open) or observe (only write down what act would do)"
            )
        return value

    @field_validator("matchers")
    @classmethod
    def _others(cls, value: dict[str, str]) -> dict[str, str]:
        taken = value.keys() & {"alertname", "environment"}
        if taken:
            raise ValueError(f"must not name {min(taken)}, which is always asked for")
        return value

    @model_validator(mode="after")
    def _somebody_to_ask(self) -> Self:
        if self.mode is Mode.ACT and not self.alertmanagers:
            raise ValueError(
                "mode act needs at least one entry in alertmanagers: silences are asked there before acting"
            )
        return self

    @model_validator(mode="after")
    def _looks_can_follow_each_other(self) -> Self:
        longest = max(self.rhythm.open, self.rhythm.observe) + self.rhythm.observation_timeout
        if longest >= self.policy.largest_gap:
            raise ValueError(
                f"policy.largest_gap ({spell(self.policy.largest_gap)}) must be longer than rhythm.observe and "
                f"rhythm.observation_timeout together ({spell(longest)}), else no diagnosis can ever be confirmed"
            )
        if self.rhythm.observation_timeout >= Policy.observation_age:
            raise ValueError(
                f"rhythm.observation_timeout must be below {spell(Policy.observation_age)}: "
                "an older observation decides nothing"
            )
        return self

    def as_policy(self) -> Policy:
        """What was set, in the mode that was chosen."""
        policy, inside = Policy(mode=self.mode, **dict(self.policy)), way_in()
        return policy.model_copy(update={"inside": inside}) if inside else policy


def remediator_settings(document: Document) -> RemediatorSettings:
    """The section of a configuration file. Raises `ConfigurationError`."""
    section = document.section("remediator")
    if section is None:
        raise document.problem(
            ("remediator",),
            "is missing. It needs at least mode (act or observe) and webhook.token_file.",
        )
    return validate(RemediatorSettings, section, document, ("remediator",))
