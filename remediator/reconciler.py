"""The loop of one environment: observe, decide, store, act. Any number of replicas do this at once.

There is no leader: whoever swaps the record first decides, and everybody follows what is written.
docs/decisions/0001-safety.md has the argument.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from remediator import intake
from remediator.approval import Approval
from remediator.cluster import Cluster
from remediator.decision import decide
from remediator.inputs import Action, Close, Continue, DeletePod, Inputs, Wait, past
from remediator.intake import Judgement, Verdict
from remediator.policy import Mode, Policy, Rhythm
from remediator.remediation import NOT_ALL_BACK, SERVING, Asked, GateResult, Phase, Reason, Remediation, Request
from remediator.state import ReconcilerState
from remediator.streaks import Assessment, Streaks
from remediator.telling import Telling
from remediator.verifying import not_back
from stagekeeper.diego.conditions import OVERRIDABLE, Condition
from stagekeeper.kube.errors import Conflict, Forbidden, Invalid, KubeError, NotFound, Unauthorized, WebhookFailed
from stagekeeper.kube.wording import sentence

_TO_HEAR = 0.9
"""Of an observation's life, the share in which Alertmanagers may answer: one that hangs must not make it too old."""
_TOO_OLD = "The check became too old before it could be acted on."
_REFUSALS = (Forbidden, Invalid, Unauthorized, WebhookFailed)
"""A DELETE that the API will refuse again: said once, and a person is needed where it goes on."""


class Reconciler:
    """One environment with everything that works on it."""

    def __init__(
        self, cluster: Cluster, policy: Policy, rhythm: Rhythm | None = None, streaks: Streaks | None = None
    ) -> None:
        self.cluster, self.policy, self.rhythm = cluster, policy, rhythm or Rhythm()
        self.state = ReconcilerState()
        self.streaks, self._of = streaks or Streaks(), ""
        self._observed_at = float("-inf")
        self._open_since: tuple[str, float] | None = None
        self._wake = asyncio.Event()
        self.telling = Telling(cluster, self.state)

    # For the webhook

    async def open(self, request: Request) -> Verdict:
        """Open or join a remediation: durable when it returns. Raises `KubeError`."""
        return await self._open(request, "opened remediation")

    def wake(self) -> None:
        """Observe at once: a webhook has come."""
        self._wake.set()

    # The loop

    async def run(self) -> None:
        """Reconcile for ever. Trouble with the API is said once and tried again; nothing is lost: the record has it."""
        while True:
            self._wake.clear()
            pause = self.rhythm.open.total_seconds()
            try:
                pause = await self.reconcile()
                self.telling.works()
                await self.telling.send()
            except KubeError as problem:
                self.telling.fails(problem)
                self._time_open(self.state.latest)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def reconcile(self) -> float:
        """Work on whatever there is; seconds until the next time. Raises `KubeError`."""
        self.state.asked = True
        listing = await self.cluster.listing()
        self.state.remediations = listing.remediations
        if listing.asked is not None and self._ours_to_take_up(listing.asked, listing.now):
            await self.take_up(listing.asked, listing.now)
            listing = await self.cluster.listing()
            self.state.remediations = listing.remediations
        latest = listing.latest
        self._time_open(latest)
        if latest is None or not latest.phase.open:
            return await self._idle(latest, listing.now)
        if latest.name != self._of:
            self.streaks, self._of = self.streaks.for_another(), latest.name
        action: Action = Continue()
        while isinstance(action, Continue):
            action = await self.step(latest.name, listing.remediations)
        return 0 if isinstance(action, Close) else self.rhythm.open.total_seconds()

    def _time_open(self, latest: Remediation | None) -> None:
        """Nobody may be left untold because we are blind: our own clock bounds what the API server's can't."""
        if latest is None or not latest.phase.open:
            self._open_since, self.state.late = None, False
            return
        if self._open_since is None or self._open_since[0] != latest.name:
            self._open_since = (latest.name, self.cluster.monotonic())
        seconds = self.cluster.monotonic() - self._open_since[1]
        self.state.late = seconds >= self.policy.bound(latest).total_seconds()

    async def _idle(self, latest: Remediation | None, now: datetime) -> float:
        """Keep the proof ready; note on an escalated record that the BBS serves again, or that a person approved."""
        self.state.gates = ()
        approved = _approved(latest) if self.policy.mode is Mode.ACT else None
        if latest is not None and approved is not None:
            return await self._open_approved(latest, approved, now)
        self.state.pause = await self.cluster.pause()  # nobody asks the gates now, but people look at it
        if self.cluster.monotonic() - self._observed_at < self.rhythm.observe.total_seconds():
            return self.rhythm.list.total_seconds()
        assessment = await self._observe()
        self.streaks = self.streaks.saw(assessment, self.policy.tolerance)
        if latest is not None and latest.releasable and self.streaks.serving >= self.policy.verify_observations:
            await self._release(latest, assessment)
        return self.rhythm.list.total_seconds()

    async def _release(self, latest: Remediation, assessment: Assessment) -> None:
        """Its target at once, since a BBS serves again; whoever was called for pods that are late, with those pods."""
        late = latest.reason is Reason.PODS_LATE and any(not_back(latest, assessment.observation))
        by = NOT_ALL_BACK if late else SERVING
        if by != latest.released_by:
            with suppress(Conflict):
                await self.cluster.swap(latest.released(by, assessment.moment.at))
                said = f"{assessment.diagnosis.why} So the next alert opens a remediation."
                self.telling.say(said, remediation=latest.name)

    async def _open_approved(self, latest: Remediation, approved: Approval, now: datetime) -> float:
        """What had been escalated is approved: release it, and open the next one in that person's name."""
        if latest.latched:
            with suppress(Conflict):
                await self.cluster.swap(latest.released(approved.person, now))
        why, name = f"approval of {latest.name}", self.cluster.environment.name
        mode = self.policy.mode.value
        accept, approves = approved.condition, latest.name
        request = Request(name, person=approved.person, why=why, accept=accept, mode=mode, approves=approves)
        verdict = await intake.open_or_join(self.cluster, request, self.policy)
        if verdict.judgement is not Judgement.OPENED:
            return self.rhythm.list.total_seconds()
        said = f"{approved.person} approved {latest.name}: opened remediation {verdict.remediation}."
        self.telling.say(said, remediation=verdict.remediation)
        if verdict.opened is not None:
            self.telling.event(verdict.opened, Reason.PERSON, said, now)
        return 0

    def _ours_to_take_up(self, asked: Asked, now: datetime) -> bool:
        """Beside a replica in mode act, one in mode observe would close as `Observed` what a person wants done."""
        one_round = self.rhythm.list + self.rhythm.observation_timeout
        return self.policy.mode is Mode.ACT or now - asked.created > one_round + self.rhythm.list

    async def take_up(self, asked: Asked, now: datetime) -> None:
        """Open or join a remediation for what a person asks; then the place is free for the next. Raises `KubeError`.

        Opened first and deleted then: after a crash between the two, its UID on the record says that it was.
        """
        who = f"{asked.request.person} asks for a restart"
        if now - asked.created > self.policy.give_up_after:
            late = f"since {asked.created:%Y-%m-%d %H:%M:%S} UTC: that is too long ago, so nothing was opened."
            self.telling.say(f"{who} {late}", warning=True)
        else:
            request = replace(asked.request, mode=self.policy.mode.value)
            verdict = await intake.open_or_join(self.cluster, request, self.policy)
            self.telling.say(f"{who}: {verdict.why}", remediation=verdict.remediation)
            joined = next((each for each in self.state.remediations if each.name == verdict.remediation), None)
            if verdict.opened is not None:
                said = f"Opened: {who}: {asked.request.why}"
                self.telling.event(verdict.opened, Reason.PERSON, said, verdict.opened.created)
            elif joined is not None and joined.request.asked_uid != asked.uid:
                counts = f" Accepting {request.accept} counts here by an approval only." if request.accept else ""
                self.telling.event(joined, Reason.PERSON, f"{who}: {verdict.why}{counts}", now)
        await self.cluster.withdraw(asked)

    async def step(self, name: str, history: Sequence[Remediation] = ()) -> Action:
        """One observation of one open remediation, one swap if something changed, at most one delete.

        The order matters: the record and the pause are read after the observation, so that whatever another replica
        saw and wrote meanwhile is heeded; the delete comes last. One that has become old meanwhile decides nothing.
        """
        assessment = await self._observe()
        remediation = await self._as_approved(await self.cluster.load(name))
        pause = self.state.pause = await self.cluster.pause()
        left = _TO_HEAR * self.policy.observation_age.total_seconds() - self._age(assessment)
        alerts = await self.cluster.alerts(left) if remediation.phase is Phase.WATCHING else ()
        if self._too_old(assessment):
            return Wait(_TOO_OLD)
        given = Inputs(
            self.cluster.environment,
            self.policy,
            assessment,
            self.streaks,
            pause,
            [each.view for each in alerts],
            past(history, but=name),
        )
        after, self.streaks, action = decide(remediation, given)
        if after != remediation:
            try:
                after = await self._swap(remediation, after)
            except Conflict:
                return Continue()
        self.state.alerts = alerts or self.state.alerts
        self._show(after, action.answers if isinstance(action, Wait) else ())
        if isinstance(action, DeletePod):
            return Wait(_TOO_OLD) if self._too_old(assessment) else await self._delete(after, action, assessment)
        return action

    async def _as_approved(self, remediation: Remediation) -> Remediation:
        """With whether the approval that opened it is still there. Where its record is gone, so is that."""
        request, opener = remediation.request, None
        if not request.approves:
            return remediation
        with suppress(NotFound):
            opener = (await self.cluster.load(request.approves)).approval
        return replace(remediation, withdrawn=opener is None or opener.condition != request.accept)

    async def _observe(self) -> Assessment:
        began = self._observed_at = self.cluster.monotonic()
        assessment = self.state.assessment = await self.cluster.observe()
        self.state.seconds = self.cluster.monotonic() - began
        self.state.observations += 1
        self.streaks = self.streaks.spoiled(assessment)  # at once, for nothing may come of it
        return assessment

    def _too_old(self, assessment: Assessment) -> bool:
        """Whether this process was held up since the observation began."""
        return self._age(assessment) > self.policy.observation_age.total_seconds()

    def _age(self, assessment: Assessment) -> float:
        """Seconds since the observation began."""
        return self.cluster.monotonic() - assessment.moment.monotonic

    async def _swap(self, before: Remediation, after: Remediation) -> Remediation:
        stored = await self.cluster.swap(after)
        await self.telling.changed(before, stored)
        return stored

    async def _delete(self, remediation: Remediation, action: DeletePod, assessment: Assessment) -> Action:
        """Delete one planned pod and note it. Whatever stays unknown here shows at the next observation."""
        pod = action.pod
        try:
            await self.cluster.delete_pod(pod)
        except _REFUSALS as problem:
            self.state.deletions[problem.reason] += 1
            return await self._delete_refused(remediation, action, f"{problem}", assessment)
        except KubeError as problem:
            return self._not_deleted(pod.name, problem)
        self.state.deletions["accepted"] += 1
        self.telling.deleted(remediation, pod, assessment.moment.at)
        self.streaks = self.streaks.with_delete("", assessment.moment, self.policy.tolerance)
        noted = replace(remediation.noted(action.planned, "deleted", assessment.moment.at), refused="")
        with suppress(Conflict):  # another replica wrote meanwhile; the next observation notes the pod as terminating
            await self.cluster.swap(noted)
        return Continue()

    def _not_deleted(self, name: str, problem: KubeError) -> Wait:
        """What may go well at the next observation; remembered, should it never."""
        self.state.deletions[problem.reason] += 1
        match problem:
            case Conflict() | NotFound():
                said = f"{name} is not as it was observed. {problem}"
            case KubeError(status=int(status)) if status < 500:  # noqa: PLR2004 -- HTTP's 5xx
                said = f"The deletion of {name} was not accepted. {problem}"
            case _:
                said = f"The answer to the deletion of {name} is unknown. {problem}"
        self.streaks = replace(self.streaks, delete_failed=sentence(said))
        return Wait(said)

    async def _delete_refused(
        self, remediation: Remediation, action: DeletePod, why: str, assessment: Assessment
    ) -> Action:
        """Say once, in log, record and Event, what the API answered; a person is called where it goes on."""
        said = f"The deletion of {action.pod.name} was refused: {why}"
        self.streaks = self.streaks.with_delete(said, assessment.moment, self.policy.tolerance)
        if remediation.refused != said:
            self.telling.say(said, warning=True, remediation=remediation.name)
            with suppress(Conflict):
                await self.cluster.swap(replace(remediation, refused=said).with_line(said, assessment.moment.at))
            self.telling.event(remediation, "DeleteRefused", said, assessment.moment.at, warning=True)
        return Wait(said)

    # What a lost webhook, a cut notification or a deleted record left behind

    async def resync(self) -> None:
        """Open a remediation for an alert that no webhook told of; delete old records. Raises `KubeError`."""
        alerts = self.state.alerts = await self.cluster.alerts()
        request = next((request for each in alerts for request in each.requests), None)
        if request is not None:
            verdict = await self._open(request, "no webhook told of it: opened remediation", self._unhealthy)
            if verdict.judgement is Judgement.OPENED:
                self.wake()
        listing = await self.cluster.listing()
        await self.cluster.prune(intake.prunable(listing.remediations, listing.now, self.policy))

    async def _unhealthy(self) -> bool:
        """Whether the BBS does not serve, by an observation that could tell."""
        assessment = await self._observe()
        return not assessment.blind and assessment.diagnosis.name is not Condition.SERVING

    def _persists(self) -> bool:
        """Whether we have seen for long enough, since whatever there was before, that nobody serves."""
        return self.streaks.down is not None and self.streaks.down.lasts(self.policy.never_for)

    async def _open(self, request: Request, how: str, unhealthy: intake.Unhealthy | None = None) -> Verdict:
        request = replace(request, mode=self.policy.mode.value)
        verdict = await intake.open_or_join(self.cluster, request, self.policy, unhealthy, persists=self._persists())
        if verdict.judgement is Judgement.OPENED:
            self.state.on_hold = None
            what = f"{request.alertname} is firing for {request.environment}"
            self.telling.say(f"{what}: {how} {verdict.remediation}.", remediation=verdict.remediation)
            if verdict.opened is not None:
                self.telling.event(verdict.opened, Reason.ALERT, f"Opened: {what}.", verdict.opened.created)
        elif verdict.judgement.on_hold and verdict != self.state.on_hold:
            self.state.on_hold = verdict
            self.telling.say(f"The alert opened nothing. {verdict.why}", judgement=verdict.judgement.value)
        return verdict

    def _show(self, remediation: Remediation, answers: Sequence[tuple[str, GateResult]]) -> None:
        """The open remediation as the last observation left it; the gates with their progress."""
        rest = [each for each in self.state.remediations if each.name != remediation.name]
        self.state.remediations = [*rest, remediation]
        self.state.gates = (answers or remediation.gates) if remediation.phase is Phase.WATCHING else ()


def _approved(latest: Remediation | None) -> Approval | None:
    """What a person has approved after the escalation, while the next remediation is still to be opened.

    What was approved while it was open has had its effect then: it calls nobody off, and opens nothing.
    """
    found = latest.approval if latest and latest.phase is Phase.ESCALATED else None
    if latest is None or found is None or found.condition not in OVERRIDABLE or str(found) == latest.approved_by:
        return None
    return found if latest.latched or latest.released_by == found.person else None


async def resync_forever(reconcilers: Sequence[Reconciler], every: float) -> None:
    """Resync each environment, one after the other, every so many seconds."""
    while True:
        await asyncio.sleep(every)
        for each in reconcilers:
            with suppress(KubeError):  # the loop of that environment meets the same and says it
                await each.resync()
