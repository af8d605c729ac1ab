"""What the remediator's tests are made of: remediations, observations with their time, situations.

Ages and times in seconds.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from remediator.decision import decide
from remediator.inputs import AlertState, AlertView, Decision, Inputs, Pause
from remediator.policy import Mode, Policy
from remediator.remediation import Deletion, Phase, Plan, PlannedPod, Remediation, Request, Step
from remediator.streaks import Assessment, Moment, Streaks
from stagekeeper.diego.diagnosis import Condition, diagnose
from stagekeeper.diego.observation import Observation
from stagekeeper.diego.profiles import PROFILES, ActiveLabel, Environment
from tests.diego.observations import NOW, hung

CF = Environment(
    name="cf",
    profile="cfee-2",
    namespace="cf",
    statefulsets=("diego-api",),
    selector="skiff-role-name=diego-api",
    service_host="diego-api.cf.svc.cluster.local",
    service_name="diego-api",
    active_label=ActiveLabel("skiff-role-active", "true"),
)
CF_LOCKET = replace(CF, profile="cfee-1", locket=PROFILES["cfee-1"].locket)
ACT = Policy(mode=Mode.ACT)
ACTIVE = (AlertView("http://alertmanager:9093", AlertState.ACTIVE),)
NOT_PAUSED = Pause(paused=False)


def moment(seconds: float = 0, monotonic: float | None = None) -> Moment:
    """A moment that many seconds after NOW, by both clocks unless `monotonic` says otherwise."""
    return Moment(NOW + timedelta(seconds=seconds), 1000 + (seconds if monotonic is None else monotonic))


def at(seconds: float, seen: Observation | None = None, *, monotonic: float | None = None) -> Assessment:
    """An observation at that moment; of the hung environment unless told otherwise."""
    found = replace(seen or hung(), taken_at=NOW + timedelta(seconds=seconds))
    return Assessment(found, diagnose(found), moment(seconds, monotonic))


def inputs(assessment: Assessment | None = None, **changes: Any) -> Inputs:
    """What a decision is made from: nobody paused it, and the alert is active."""
    plain = Inputs(CF, ACT, assessment or at(0), Streaks(), NOT_PAUSED, ACTIVE)
    return replace(plain, **changes)


def remediation(phase: Phase = Phase.WATCHING, *, age: float = 0, **changes: Any) -> Remediation:
    """A remediation that was opened, and entered its phase, `age` seconds before NOW."""
    created = NOW - timedelta(seconds=age)
    return replace(Remediation("diego-api-r1", Request("cf", alertname="StagerUnavailable"), created, phase), **changes)


def planned(*names: str, uids: Sequence[str] = ()) -> tuple[PlannedPod, ...]:
    """Planned pods; the UIDs are those of the observations unless given."""
    known = uids or [f"uid-{name.rpartition('-')[2]}" for name in names]
    return tuple(PlannedPod(name, uid) for name, uid in zip(names, known, strict=True))


def plan(diagnosis: str = Condition.NO_ACTIVE_BBS, *, deadline: int = 1200) -> Plan:
    """The plan of the tutorial: both pods of diego-api."""
    return Plan(NOW, diagnosis, (Step("diego-api", planned("diego-api-0", "diego-api-1"), deadline),))


def locket_plan(locket: Sequence[tuple[str, str]], bbs: Sequence[tuple[str, str]]) -> Plan:
    """A plan of two steps; each pod as its name and UID."""
    steps = (("diego-locket", locket), ("diego-api", bbs))
    return Plan(
        NOW,
        Condition.NO_ACTIVE_BBS,
        tuple(Step(name, tuple(PlannedPod(*pod) for pod in pods), 900) for name, pods in steps),
    )


def restarting(done: Sequence[str] = (), *, age: float = 0, **changes: Any) -> Remediation:
    """A remediation in Restarting with the tutorial's plan; `done` names the pods that have been dealt with."""
    what: dict[str, Any] = {"plan": plan(), **changes}
    pods = {pod.name: pod for step in what["plan"].steps for pod in step.pods}
    deletions = tuple(Deletion(name, pods[name].uid, "deleted", NOW) for name in done)
    return remediation(Phase.RESTARTING, age=age, deletions=deletions, **what)


def follow(first: Remediation, observations: Sequence[Assessment], **changes: Any) -> Decision:
    """Decide at each observation in turn, remembering; the last decision. Stops where the remediation ends."""
    streaks = Streaks()
    decision = decide(first, inputs(observations[0], streaks=streaks, **changes))
    for assessment in observations[1:]:
        found, streaks, _ = decision
        if not found.phase.open:
            return decision
        decision = decide(found, inputs(assessment, streaks=streaks, **changes))
    return decision


def every(seconds: float, until: float, seen: Observation | None = None) -> list[Assessment]:
    """Looks of the same, one each `seconds`, from 0 to `until`."""
    return [at(each * seconds, seen) for each in range(int(until / seconds) + 1)]
