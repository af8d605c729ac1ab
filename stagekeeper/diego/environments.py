"""The `environments:` section: which Diegos there are, as profiles with overrides."""

import ipaddress
import re
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from stagekeeper.diego.profiles import (
    AUTO,
    BBS_PORT,
    DEFAULT_PATIENCE,
    DEFAULT_PROFILE,
    PROFILES,
    ActiveLabel,
    Environment,
    LocketWorkload,
    Patience,
    Profile,
    TlsFiles,
)
from stagekeeper.settings import Document, SettingsProblem, Strict, validate

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HOST_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_HOST_LABEL}(\.{_HOST_LABEL})*\.?")
_LONGEST_HOST = 253


def _is_host(value: str) -> bool:
    """A name that a resolver can be asked for, or an address."""
    if ":" in value:
        return _is_address(value)
    return len(value) <= _LONGEST_HOST and _HOST.fullmatch(value) is not None


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("must be a Kubernetes name: lower-case letters, digits and -, at most 63")
    return value


def _host(value: str) -> str:
    if not _is_host(value):
        raise ValueError("must be a host name or an IP address, without scheme or port")
    return value


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536 or not _is_host(host.strip("[]")):  # noqa: PLR2004 -- TCP's largest port
        raise ValueError("must be host:port, such as postgres.db.svc:5432")
    return value


def _selector(value: str) -> str:
    if not value.strip() or any(part.count("=") not in (1, 2) for part in value.split(",")):
        raise ValueError("must be a label selector such as skiff-role-name=diego-api")
    return value


Name = Annotated[str, AfterValidator(_dns_label)]
Host = Annotated[str, AfterValidator(_host)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Selector = Annotated[str, AfterValidator(_selector)]
Age = Annotated[float, Field(gt=0, le=86_400)]
Seconds = Annotated[float, Field(gt=0, le=60)]


class ServiceSettings(Strict):
    """Where the Cloud Controller reaches the BBS."""

    host: Host | None = None
    name: Name | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = BBS_PORT


class LabelSettings(Strict):
    """The label of the active pod."""

    key: str
    value: str
    may_be_absent: bool = False


class TlsSettings(Strict):
    """Client certificate for the ping. Without it the probe is a TCP connect."""

    ca_file: Path
    cert_file: Path
    key_file: Path
    server_name: Host | None = None


class LocketSettings(Strict):
    """Locket's own StatefulSet."""

    statefulset: Name
    selector: Selector


NO_LOCKET = LocketSettings.model_construct(statefulset="", selector="")
"""What `locket: false` means: it has no StatefulSet of its own, whatever the profile says."""


class CloudControllerSettings(Strict):
    """The Cloud Controller's pods, and a Service of its own as a control."""

    selector: Selector | None = None
    address: HostPort | None = None


class DatabaseSettings(Strict):
    """A TCP accept there shows that the database can be reached."""

    address: HostPort


class TimeoutSettings(Strict):
    """How long one probe and one request may take, in seconds."""

    probe: Seconds = 3.0
    api: Seconds = 5.0


class PatienceSettings(Strict):
    """How old a thing must be, in seconds, before it is no longer "just happening"."""

    starting: Age = DEFAULT_PATIENCE.starting.total_seconds()
    pending: Age = DEFAULT_PATIENCE.pending.total_seconds()
    migrating: Age = DEFAULT_PATIENCE.migrating.total_seconds()
    restarted_twice: Age = DEFAULT_PATIENCE.restarted_twice.total_seconds()
    terminating: Age = DEFAULT_PATIENCE.terminating.total_seconds()

    def resolve(self) -> Patience:
        """As durations."""
        return Patience(**{name: timedelta(seconds=value) for name, value in self.model_dump().items()})


_PROFILES = (*PROFILES, "custom", AUTO)
_NEEDED_BY = {
    "custom": ("namespace", "statefulsets", "selector", "service.host", "active_label"),
    AUTO: ("namespace",),
}
"""What has no default in a profile."""


class EnvironmentSettings(Strict):
    """One entry of `environments:`."""

    name: Name
    profile: str = DEFAULT_PROFILE
    namespace: Name | None = None
    statefulsets: list[Name] | None = Field(default=None, min_length=1)
    selector: Selector | None = None
    service: ServiceSettings = ServiceSettings()
    active_label: LabelSettings | None = None
    bbs_container: str | None = None
    passive_is_ready: bool = True
    tls: TlsSettings | None = None
    locket: LocketSettings | None = None
    cloud_controller: CloudControllerSettings = CloudControllerSettings()
    database: DatabaseSettings | None = None
    timeouts: TimeoutSettings = TimeoutSettings()
    patience: PatienceSettings = PatienceSettings()
    deep_probe: bool = False

    @field_validator("profile")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in _PROFILES:
            raise ValueError(f"must be one of {', '.join(_PROFILES)}")
        return value

    @field_validator("locket", mode="before")
    @classmethod
    def _no_locket(cls, value: Any) -> Any:
        if value is False:
            return NO_LOCKET
        if value is not None and not isinstance(value, dict | LocketSettings):
            raise ValueError("must be false (no StatefulSet of its own) or a mapping with statefulset and selector")
        return value

    @field_validator("statefulsets")
    @classmethod
    def _once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("must name each StatefulSet once: its replicas would count twice")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "EnvironmentSettings":
        missing = [key for key in _NEEDED_BY.get(self.profile, ()) if attrgetter(key)(self) is None]
        if missing:
            raise ValueError(f"profile {self.profile} has no default for these: add {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _deep_needs_tls(self) -> "EnvironmentSettings":
        if self.deep_probe and self.tls is None:
            raise ValueError("deep_probe needs tls: without a client certificate the BBS answers no request")
        return self


def environments(document: Document) -> tuple[Environment, ...]:
    """The environments of a configuration file; the tutorial's own where it names none. Raises `SettingsProblem`."""
    entries = document.section("environments")
    if entries is None:
        return (resolve(EnvironmentSettings(name="cf")),)
    if not isinstance(entries, list) or not entries:
        raise document.problem(("environments",), "must be a list with at least one environment.")
    found: list[Environment] = []
    problems: list[str] = []
    for index, entry in enumerate(entries):
        place = ("environments", index)
        if not isinstance(entry, dict):
            problems.append(str(document.problem(place, "must be a mapping with at least a name.")))
            continue
        try:
            environment = resolve(validate(EnvironmentSettings, entry, document, place))
            _unique(environment, found, document, index)
        except SettingsProblem as problem:
            problems.append(str(problem))
        else:
            found.append(environment)
    if problems:
        raise SettingsProblem("\n".join(problems))
    return tuple(found)


def pinned_environments(document: Document) -> tuple[Environment, ...]:
    """Like `environments`, for whoever changes what is there: its targets must stand in the configuration, once."""
    found = environments(document)
    for index, environment in enumerate(found):
        if environment.candidates:
            raise document.problem(
                ("environments", index, "profile"),
                "auto is for the exporter and for `stagekeeper diagnose`: the remediator restarts only what the "
                "configuration names. `stagekeeper diagnose` says which profile auto picks; set that one.",
            )
        for old in found[:index]:
            _apart(environment, old, _kept(environment) & _kept(old), document, index)
    return found


def _unique(new: Environment, found: list[Environment], document: Document, index: int) -> None:
    for old in found:
        if old.name == new.name:
            raise document.problem(
                ("environments", index, "name"), f"{new.name} is the name of an earlier environment too."
            )
        _apart(new, old, set(new.statefulsets) & set(old.statefulsets), document, index)


def _apart(new: Environment, old: Environment, shared: set[str], document: Document, index: int) -> None:
    if old.namespace == new.namespace and shared:
        raise document.problem(
            ("environments", index),
            f"StatefulSet {min(shared)} in namespace {new.namespace} belongs to environment {old.name} already: "
            "one set of pods must have one keeper.",
        )


def _kept(environment: Environment) -> set[str]:
    """The StatefulSets whose pods a restart may delete: the BBS's, and Locket's where it has its own."""
    return {*environment.statefulsets, *([environment.locket.statefulset] if environment.locket else [])}


def resolve(given: EnvironmentSettings) -> Environment:
    """The profile's values with what was given on top."""
    if given.profile != AUTO:
        return _resolve(given, given.profile, PROFILES.get(given.profile) or _blank(given))
    defaults = sorted({profile.statefulset for profile in PROFILES.values()})
    return replace(
        _resolve(given, AUTO, _blank(given)),
        statefulsets=tuple(given.statefulsets or defaults),
        candidates=tuple(_candidate(given, name) for name in PROFILES),
    )


def _candidate(given: EnvironmentSettings, profile: str) -> Environment:
    """What it would be by `profile`; StatefulSets that were not given are those that will be found."""
    return replace(_resolve(given, profile, PROFILES[profile]), statefulsets=tuple(given.statefulsets or ()))


def _resolve(given: EnvironmentSettings, profile: str, base: Profile) -> Environment:
    namespace = given.namespace or base.namespace
    return Environment(
        name=given.name,
        profile=profile,
        namespace=namespace,
        statefulsets=tuple(given.statefulsets or [base.statefulset]),
        selector=given.selector or base.selector,
        service_host=given.service.host or base.service_host.format(namespace=namespace),
        service_name=given.service.name or base.service_name or None,
        port=given.service.port,
        active_label=ActiveLabel(**given.active_label.model_dump()) if given.active_label else base.active_label,
        bbs_container=given.bbs_container or base.bbs_container,
        passive_is_ready=given.passive_is_ready,
        tls=TlsFiles(given.tls.ca_file, given.tls.cert_file, given.tls.key_file) if given.tls else None,
        tls_server_name=(given.tls and given.tls.server_name) or base.tls_server_name,
        locket=_locket(given, base),
        cloud_controller_selector=given.cloud_controller.selector or base.cloud_controller_selector or None,
        cloud_controller_host=given.cloud_controller.address,
        database_address=given.database.address if given.database else None,
        patience=given.patience.resolve(),
        probe_timeout=given.timeouts.probe,
        api_timeout=given.timeouts.api,
        deep_probe=given.deep_probe,
    )


def _locket(given: EnvironmentSettings, base: Profile) -> LocketWorkload | None:
    if given.locket is None:
        return base.locket
    return None if given.locket == NO_LOCKET else LocketWorkload(**given.locket.model_dump())


def _blank(given: EnvironmentSettings) -> Profile:
    """For `custom` and `auto`: nothing but what was given; `_whole` has seen that what has no default is there."""
    label = given.active_label or LabelSettings(key="", value="")
    return Profile(
        namespace="",
        statefulset="",
        selector="",
        service_host="",
        service_name="",
        active_label=ActiveLabel(**label.model_dump()),
        tls_server_name=given.service.host or "",
        cloud_controller_selector="",
    )
