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


def decide(remediation: Remediation, given: Inputs) -> Decision:
    """The remediation as it should be recorded, what to remember, and the one thing to do after recording it."""
    assessment = given.assessment
    streaks = given.streaks
    if not assessment.blind:  # a blind observation carries no time
        streaks = streaks.entered(remediation.name, remediation.phase, remediation.entered, assessment.moment)
    streaks = streaks.saw(assessment, given.policy.tolerance)
    given = replace(given, streaks=streaks, accept=remediation.accepts)
    match remediation.phase:
        case Phase.WATCHING:
            return watch(remediation, given)
        case Phase.RESTARTING:
            return restart(remediation, given)
        case Phase.VERIFYING:
            return verify(remediation, given)
        case _:
            return remediation, streaks, Close()
