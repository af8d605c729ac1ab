"""Profile `auto`: which profile an environment has, by the labels that its StatefulSets give their pods.

StatefulSets, since they are there even when their pods are not: pods that are gone must not look like a namespace
without Diego. It is picked anew at each observation, so nothing can be stale; only while the API can't be read does the
last pick stand, so that the probe of the Service goes on.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from stagekeeper.diego.observation import AMBIGUOUS, NOT_CONFIGURED, Observation, Unknown
from stagekeeper.diego.observe import Observer
from stagekeeper.diego.profiles import PROFILES, Environment, Profile
from stagekeeper.diego.reading import Deadline
from stagekeeper.kube import workloads
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import KubeError
from stagekeeper.kube.objects import StatefulSet, matches

_SHARE = 0.25
"""The share of an observation's time after which an API that does not answer leaves it to the last pick."""

_SUCCESSORS = {"skiff-role-name": "app.kubernetes.io/component"}
"""SCF from 2.15 on gives its pods both: fissile keeps the old label for the StatefulSets' selectors (fissile:kube,
`newSelector` and `ConfigBuilder`)."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Undecided:
    """No profile could be picked: there is no Diego, or `why` says what hinders."""

    environment: str
    taken_at: datetime
    why: Unknown | None = None

    def observation(self) -> Observation:
        """What there is to see of an environment that nobody knows how to look at."""
        if self.why is None:
            picked = "none picked, since no StatefulSet here gives its pods a label that a profile knows"
            return Observation(self.environment, self.taken_at, NOT_CONFIGURED, (), (), steady=True, picked=picked)
        why = self.why
        return Observation(self.environment, self.taken_at, why, why, why, why, picked=f"none picked: {why.reason}")


def fitting(environment: Environment, sets: Iterable[StatefulSet]) -> tuple[Environment, ...]:
    """The candidates that fit what is there, each with the names that are found. Pure.

    A profile fits if its BBS is there, and its Locket if and only if it has one in a StatefulSet of its own. Two
    releases side by side are two candidates: one label can't tell their pods apart.
    """
    known = tuple(sets)
    found = tuple(
        _named(each, prefix, names, known)
        for each in environment.candidates
        for prefix, names in _releases(
            PROFILES[each.profile].statefulset, _bbs_sets(PROFILES[each.profile], known)
        ).items()
    )
    return tuple(each for each in found if not any(_succeeds(other, each) for other in found))


def _succeeds(later: Environment, earlier: Environment) -> bool:
    """Whether both are the same StatefulSets, and `later` goes by the label that came after the other's."""
    before, after = (PROFILES[each.profile].selector.partition("=")[0] for each in (earlier, later))
    return _SUCCESSORS.get(before) == after and later.statefulsets == earlier.statefulsets


def _bbs_sets(profile: Profile, sets: tuple[StatefulSet, ...]) -> tuple[str, ...]:
    """Names of the StatefulSets that are this profile's BBS; none if the profile does not fit."""
    kin = [other for other in PROFILES.values() if other.selector == profile.selector]
    for locket in {other.locket for other in kin if other.locket}:
        if bool(_selected(locket.selector, sets)) != (locket == profile.locket):
            return ()
    return _selected(profile.selector, sets)


def _releases(plain: str, names: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """StatefulSets by the prefix that their release gives its objects; `plain` is their name without any.

    KubeCF 0.x and 1.x call them `kubecf-diego-api`; zones add `-z0`, and the operator before its 2.0 a version, `-v1`
    (quarks). A name that is none of these says nothing about the others.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        called = re.fullmatch(rf"(.+-)?{re.escape(plain)}(-z\d+)?(-v\d+)?", name)
        prefix = (called[1] or "") if called else ""
        found[prefix] = (*found.get(prefix, ()), name)
    return found


def _named(candidate: Environment, prefix: str, names: tuple[str, ...], sets: tuple[StatefulSet, ...]) -> Environment:
    """The candidate with what is called otherwise here than in its profile, where nothing else was configured."""
    profile = PROFILES[candidate.profile]
    found = replace(candidate, statefulsets=candidate.statefulsets or names)
    host = profile.service_host.format(namespace=candidate.namespace)
    if (candidate.service_host, candidate.service_name) == (host, profile.service_name):
        found = replace(found, service_host=f"{prefix}{host}", service_name=f"{prefix}{profile.service_name}")
    if profile.locket and candidate.locket == profile.locket:
        own = _selected(profile.locket.selector, sets)
        of_release = _releases(profile.locket.statefulset, own).get(prefix, own)
        found = replace(found, locket=replace(profile.locket, statefulset=of_release[0]))
    return found


def _selected(selector: str, sets: Iterable[StatefulSet]) -> tuple[str, ...]:
    key, _, value = selector.partition("=")
    return tuple(each.name for each in sets if matches(each.pod_labels, {key: value}))


class Picker:
    """Picks the profile of one environment. One whose profile is configured is its own pick."""

    def __init__(self, environment: Environment, kube: Kube) -> None:
        self._environment, self._kube = environment, kube
        self._last: Environment | None = None

    async def pick(self, within: float) -> Environment | Undecided:
        """The environment by the profile that fits, after at most `within` seconds. Never raises."""
        environment = self._environment
        if not environment.candidates:
            return environment
        timeout = max(0.001, min(within, environment.api_timeout))
        try:
            found = await workloads.list_statefulsets(self._kube, environment.namespace, timeout=timeout)
        except KubeError as problem:
            unread = Undecided(environment.name, datetime.now(UTC), Unknown(str(problem), problem.reason))
            return self._last or unread
        candidates = fitting(environment, found.sets)
        self._last = candidates[0] if len(candidates) == 1 else None
        why = _ambiguity(candidates) if candidates else None
        return self._last or Undecided(environment.name, found.date, why)


class AutoObserver:
    """Observes an environment whose profile is picked at each observation."""

    def __init__(self, environment: Environment, kube: Kube) -> None:
        self._picker, self._kube = Picker(environment, kube), kube
        self._observer: Observer | None = None

    async def observe(self, within: float) -> Observation:
        """Like `Observer.observe`."""
        end = Deadline.after(within)
        picked = await self._picker.pick(within * _SHARE)
        if isinstance(picked, Undecided):
            return picked.observation()
        if self._observer is None or self._observer.environment != picked:
            _log.info(f"Profile auto picked {sentence(picked)}.", environment=picked.name)
            self._observer = Observer(picked, self._kube, deep=picked.deep_probe)
        return replace(await self._observer.observe(end.left), picked=sentence(picked))


def observer(environment: Environment, kube: Kube) -> Observer | AutoObserver:
    """Who observes `environment`, with the deep probe where that is configured."""
    if environment.candidates:
        return AutoObserver(environment, kube)
    return Observer(environment, kube, deep=environment.deep_probe)


def sentence(picked: Environment) -> str:
    """Which profile was picked, and by what."""
    label = PROFILES[picked.profile].selector
    return f"{picked.profile}, by the label {label} that {' and '.join(picked.statefulsets)} gives its pods"


def _ambiguity(candidates: Iterable[Environment]) -> Unknown:
    names = [
        f"{each.profile} ({PROFILES[each.profile].selector}, {' and '.join(each.statefulsets)})" for each in candidates
    ]
    return Unknown(
        f"{' and '.join(names)} fit what is in this namespace, and auto does not guess: set `profile` and "
        "`statefulsets` to what is meant.",
        AMBIGUOUS,
    )
