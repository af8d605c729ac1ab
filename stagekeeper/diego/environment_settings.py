"""What an entry of `environments:` may say, key by key."""

import ipaddress
import re
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from stagekeeper.config.model import Duration, Strict
from stagekeeper.diego.profiles import (
    AUTO,
    BBS_PORT,
    DEFAULT_PATIENCE,
    DEFAULT_PROFILE,
    PROFILES,
    Patience,
    ReadinessMeaning,
)

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


DnsLabel = Annotated[str, AfterValidator(_dns_label)]
Host = Annotated[str, AfterValidator(_host)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Selector = Annotated[str, AfterValidator(_selector)]
Moment = Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=60))]


class ServiceSettings(Strict):
    """Where the Cloud Controller reaches the BBS."""

    host: Host | None = None
    name: DnsLabel | None = None
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

    statefulset: DnsLabel
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
    """How long one probe and one request may take."""

    probe: Moment = timedelta(seconds=3)
    api: Moment = timedelta(seconds=5)


_PROFILES = (*PROFILES, "custom", AUTO)
_NEEDED_BY = {
    "custom": ("namespace", "statefulsets", "selector", "service.host", "active_label"),
    AUTO: ("namespace",),
}
"""What has no default in a profile."""


class EnvironmentSettings(Strict):
    """One entry of `environments:`."""

    name: DnsLabel
    profile: str = DEFAULT_PROFILE
    namespace: DnsLabel | None = None
    statefulsets: list[DnsLabel] | None = Field(default=None, min_length=1)
    selector: Selector | None = None
    service: ServiceSettings = ServiceSettings()
    active_label: LabelSettings | None = None
    bbs_container: str | None = None
    readiness: ReadinessMeaning | None = None
    tls: TlsSettings | None = None
    locket: LocketSettings | None = None
    cloud_controller: CloudControllerSettings = CloudControllerSettings()
    database: DatabaseSettings | None = None
    timeouts: TimeoutSettings = TimeoutSettings()
    patience: Patience = DEFAULT_PATIENCE
    deep_probe: bool = False

    @field_validator("profile")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in _PROFILES:
            raise ValueError(f"must be one of {', '.join(_PROFILES)}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _gone(cls, given: Any) -> Any:
        if isinstance(given, dict) and "passive_is_ready" in given:
            raise ValueError(
                "passive_is_ready is gone, since readiness proves nothing of a BBS. Where the active pod alone becomes "
                "Ready (SCF 2.16.0), set readiness: active; else leave it out"
            )
        return given

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
