"""What to do next about a remediation: one pure function from what is recorded and what is seen to one action.

Nothing here waits, calls or logs. The reconciler swaps the returned remediation into the API first and performs the
action only if it won that swap.
"""

from dataclasses import replace

from remediator.gates import OVERRIDABLE
from remediator.inputs import Close, Decision, Inputs
from remediator.remediation import Phase, Remediation
from remediator.restarting import restart
from remediator.verifying import verify
from remediator.watching import watch


def decide(remediation: Remediation, given: Inputs) -> Decision:
    """The remediation as it should be recorded, what to remember, and the one thing to do after recording it."""
    assessment = given.assessment
    streaks = given.streaks
    if not assessment.blind:  # a blind observation carries no time
        streaks = streaks.entered(remediation.name, remediation.phase, remediation.entered, assessment.moment)
    streaks = streaks.saw(assessment, given.policy.tolerance)
    remediation = _with_approval(remediation, given)
    given = replace(given, streaks=streaks, accept=_accepted(remediation, assessment.diagnosis.name))
    match remediation.phase:
        case Phase.WATCHING:
            return watch(remediation, given)
        case Phase.RESTARTING:
            return restart(remediation, given)
        case Phase.VERIFYING:
            return verify(remediation, given)
        case _:
            return remediation, streaks, Close()


def _with_approval(remediation: Remediation, given: Inputs) -> Remediation:
    """With a line about whoever has approved a restart meanwhile, and for what; or that it was taken away.

    Whatever the phase: what was approved while it was open is spent with it.
    """
    approval, noted = remediation.approval, remediation.approved_by
    if approval is None:
        taken_away = replace(remediation, approved_by="").with_line(f"The approval was taken away: {noted}.", given.at)
        return taken_away if noted else remediation
    if noted == str(approval):
        return remediation
    said = f"{approval.person} approved a restart for {approval.condition}."
    if approval.condition not in OVERRIDABLE:
        said += f" Nobody can: it must be one of {', '.join(sorted(OVERRIDABLE))}."
    return replace(remediation, approved_by=str(approval)).with_line(said, given.at)


def _accepted(remediation: Remediation, seen: str) -> str:
    """The diagnosis whose `never` a person overrides: of two words the one that the plan needs, else what is seen."""
    approved = remediation.approval.condition if remediation.approval else ""
    words = [word for word in (approved, remediation.request.accept) if word in OVERRIDABLE]
    needed = remediation.plan.diagnosis if remediation.plan else seen
    return needed if needed in words else next(iter(words), "")
