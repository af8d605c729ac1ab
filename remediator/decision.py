"""What to do next about a remediation: one pure function from what is recorded and what is seen to one action.

Nothing here waits, calls or logs. The reconciler swaps the returned remediation into the API first and performs the
action only if it won that swap.
"""

from dataclasses import replace

from remediator.inputs import Close, Decision, Inputs
from remediator.remediation import Phase, Remediation
from remediator.restarting import restart
from remediator.verifying import verify
from remediator.watching import watch
from stagekeeper.diego.conditions import OVERRIDABLE


def decide(remediation: Remediation, given: Inputs) -> Decision:
    """The remediation as it should be recorded, what to remember, and the one thing to do after recording it."""
    assessment = given.assessment
    streaks = given.streaks
    if not assessment.blind:  # a blind observation carries no time
        streaks = streaks.entered(remediation.name, remediation.phase, remediation.entered, assessment.moment)
    streaks = streaks.saw(assessment, given.policy.tolerance)
    if remediation.phase.open:  # what is approved afterwards opens the next one
        remediation = _with_approval(remediation, given)
    given = replace(given, streaks=streaks, accept=_accepted(remediation))
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

    What was approved while it was open is spent with it.
    """
    approval, noted = remediation.approval, remediation.approved_by
    if remediation.withdrawn:
        said = f"The approval of {remediation.request.approves} was taken away."
        told = said in (each.message for each in remediation.transitions)
        remediation = remediation if told else remediation.with_line(said, given.at)
    if approval is None:
        taken_away = replace(remediation, approved_by="").with_line(f"The approval was taken away: {noted}.", given.at)
        return taken_away if noted else remediation
    if noted == str(approval):
        return remediation
    said = f"{approval.person} approved a restart for {approval.condition}."
    if approval.condition not in OVERRIDABLE:
        said += f" Nobody can: it must be one of {', '.join(sorted(OVERRIDABLE))}."
    return replace(remediation, approved_by=str(approval)).with_line(said, given.at)


def _accepted(remediation: Remediation) -> frozenset[str]:
    """What was accepted by the request, unless that was taken back, and by an approval beside it."""
    approved = remediation.approval.condition if remediation.approval else ""
    return frozenset({approved, "" if remediation.withdrawn else remediation.request.accept})
