"""What to do next about a remediation: one pure function from what is recorded and what is seen to one action.

Nothing here waits, calls or logs. The worker swaps the returned remediation into the API first and performs the action
only if it won that swap.
"""

from dataclasses import replace

from remediator.remediation import Phase, Remediation
from remediator.restarting import restart
from remediator.situation import Close, Decision, Inputs
from remediator.verifying import verify
from remediator.watching import watch


def decide(remediation: Remediation, given: Inputs) -> Decision:
    """The remediation as it should be recorded, what to remember, and the one thing to do after recording it."""
    streaks = given.streaks.saw(given.assessment, given.policy.largest_gap)
    given = replace(given, streaks=streaks)
    match remediation.phase:
        case Phase.WATCHING:
            return watch(remediation, given)
        case Phase.RESTARTING:
            return restart(remediation, given)
        case Phase.VERIFYING:
            return verify(remediation, given)
        case _:
            return remediation, streaks, Close()
