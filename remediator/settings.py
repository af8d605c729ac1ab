"""The `remediator:` section of the configuration file."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, field_validator, model_validator

from remediator.policy import Mode, Policy
from stagekeeper.config.document import Document
from stagekeeper.config.validation import Strict, validate

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Positive = Annotated[float, Field(gt=0, le=3_600)]
_DEFAULT = Policy(Mode.OBSERVE)


class AlertmanagerSettings(Strict):
    """One Alertmanager to ask. Of an HA pair, name both."""

    url: HttpUrl
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout: Positive = 3.0

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
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.bearer_token_file and (self.username or self.password_file):
            raise ValueError("bearer_token_file and username/password_file exclude each other")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file belong together")
        return self


class WebhookSettings(Strict):
    """How Alertmanager comes in."""

    token_file: Path
    largest_body: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = 1024 * 1024


class RhythmSettings(Strict):
    """How often the worker comes back, in seconds."""

    open: Positive = 5.0
    list: Positive = 5.0
    observe: Positive = 15.0
    resync: Positive = 60.0
    observation_timeout: Positive = 8.0


class PolicySettings(Strict):
    """How much proof is asked for, in seconds and counts. The reasons stand in docs/remediator.md."""

    confirm_for: Seconds = _DEFAULT.confirm_for.total_seconds()
    confirm_observations: Annotated[int, Field(ge=2, le=1000)] = _DEFAULT.confirm_observations
    largest_gap: Positive = _DEFAULT.largest_gap.total_seconds()
    clock_skew: Seconds = _DEFAULT.clock_skew.total_seconds()
    alerts_unread_for: Seconds = _DEFAULT.alerts_unread_for.total_seconds()
    alerts_unread_then: Literal["go_on", "wait"] = _DEFAULT.alerts_unread_then
    confirm_stuck_for: Seconds = _DEFAULT.confirm_stuck_for.total_seconds()
    restart_stuck_unavailable: bool = False
    never_for: Seconds = _DEFAULT.never_for.total_seconds()
    cooldown: Seconds = _DEFAULT.cooldown.total_seconds()
    budget: Annotated[int, Field(ge=1, le=100)] = _DEFAULT.budget
    budget_window: Seconds = _DEFAULT.budget_window.total_seconds()
    largest_plan: Annotated[int, Field(ge=1, le=16)] = _DEFAULT.largest_plan
    locket_settles: Seconds = _DEFAULT.locket_settles.total_seconds()
    step_margin: Seconds = _DEFAULT.step_margin.total_seconds()
    verify_for: Seconds = _DEFAULT.verify_for.total_seconds()
    verify_observations: Annotated[int, Field(ge=1, le=100)] = _DEFAULT.verify_observations
    overdue_after: Seconds = _DEFAULT.overdue_after.total_seconds()
    give_up_after: Seconds = _DEFAULT.give_up_after.total_seconds()
    hold_off: Seconds = _DEFAULT.hold_off.total_seconds()
    keep: Annotated[int, Field(ge=2, le=1000)] = _DEFAULT.keep


class RemediatorSettings(Strict):
    """The section `remediator:`. `mode` has no default: a person decides whether pods may be deleted."""

    mode: Mode
    webhook: WebhookSettings
    alertname: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")] = "StagerUnavailable"
    receiver: Annotated[str, Field(min_length=1)] = "stagekeeper"
    """The receiver in Alertmanager's configuration that sends here: an alert counts only if it is routed to it."""
    alertmanagers: list[AlertmanagerSettings] = Field(default_factory=list)
    rhythm: RhythmSettings = RhythmSettings()
    policy: PolicySettings = PolicySettings()

    @field_validator("mode", mode="before")
    @classmethod
    def _explained(cls, value: object) -> object:
        if value not in [mode.value for mode in Mode]:  # a list: the value may be one too
            raise ValueError(
                "must be act (restart the pods when every gate is open) or observe (only write down what act would do)"
            )
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
                f"policy.largest_gap ({self.policy.largest_gap:g} s) must be longer than rhythm.observe and "
                f"rhythm.observation_timeout together ({longest:g} s), else no diagnosis can ever be confirmed"
            )
        oldest = _DEFAULT.observation_age.total_seconds()
        if self.rhythm.observation_timeout >= oldest:
            raise ValueError(
                f"rhythm.observation_timeout must be below {oldest:g} s: an older observation decides nothing"
            )
        return self

    def as_policy(self) -> Policy:
        """The policy, with durations as such."""
        given = self.policy.model_dump()
        durations = {
            key: timedelta(seconds=value)
            for key, value in given.items()
            if isinstance(getattr(_DEFAULT, key), timedelta)
        }
        return Policy(mode=self.mode, **{**given, **durations})


def remediator_settings(document: Document) -> RemediatorSettings:
    """The section of a configuration file. Raises `ConfigurationError`."""
    section = document.section("remediator")
    if section is None:
        raise document.problem(
            ("remediator",),
            "is missing. It needs at least mode (act or observe) and webhook.token_file.",
        )
    return validate(RemediatorSettings, section, document, ("remediator",))
