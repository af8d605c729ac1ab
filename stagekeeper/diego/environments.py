"""The `environments:` section: which Diegos there are, as profiles with overrides."""

from collections.abc import Sequence
from dataclasses import replace

from stagekeeper.config.document import Document
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.config.validation import validate
from stagekeeper.diego.environment_settings import NO_LOCKET, EnvironmentSettings, LabelSettings
from stagekeeper.diego.profiles import (
    AUTO,
    PROFILES,
    ActiveLabel,
    Environment,
    LocketWorkload,
    Profile,
    TlsFiles,
)


def environments(document: Document) -> tuple[Environment, ...]:
    """The environments of a configuration file; the tutorial's own where it names none. Raises `ConfigurationError`."""
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
        except ConfigurationError as problem:
            problems.append(str(problem))
        else:
            found.append(environment)
    if problems:
        raise ConfigurationError("\n".join(problems))
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
        readiness=given.readiness or base.readiness,
        tls=TlsFiles(given.tls.ca_file, given.tls.cert_file, given.tls.key_file) if given.tls else None,
        tls_server_name=(given.tls and given.tls.server_name) or base.tls_server_name,
        locket=_locket(given, base),
        cloud_controller_selector=given.cloud_controller.selector or base.cloud_controller_selector or None,
        cloud_controller_host=given.cloud_controller.address,
        database_address=given.database.address if given.database else None,
        patience=given.patience,
        probe_timeout=given.timeouts.probe.total_seconds(),
        api_timeout=given.timeouts.api.total_seconds(),
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


def without_absent_certificates(environment: Environment) -> tuple[Environment, str]:
    """For a person's own machine, where the files of `tls:` need not be: then probes are TCP connects, and why."""
    files = environment.tls
    absent = files and next(
        (path for path in (files.ca_file, files.cert_file, files.key_file) if not path.exists()), None
    )
    if absent is None:
        return environment, ""
    why = f"{absent} is not on this machine, so nobody was asked for more than a TCP connection."
    return replace(environment, tls=None, deep_probe=False), why


def choose(known: Sequence[Environment], name: str | None) -> Environment:
    """The environment of that name, or the only one. Raises `ConfigurationError`."""
    names = ", ".join(each.name for each in known)
    if name is None:
        if len(known) > 1:
            raise ConfigurationError(f"There are several environments: choose one of {names} with --environment.")
        return known[0]
    found = next((each for each in known if each.name == name), None)
    if found is None:
        raise ConfigurationError(f"There is no environment {name}. Known are {names}.")
    return found
