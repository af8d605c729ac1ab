"""What to do next about an episode: one pure function from what is recorded and what is seen to one action.

Nothing here waits, calls or logs. The worker swaps the returned episode into the API first and performs the action
only if it won that swap.
"""

from dataclasses import replace

from remediator.episode import Episode, Phase
from remediator.restarting import restart
from remediator.situation import Close, Decision, Inputs
from remediator.verifying import verify
from remediator.watching import watch


def decide(episode: Episode, given: Inputs) -> Decision:
    """The episode as it should be recorded, what to remember, and the one thing to do after recording it."""
    course = given.course.saw(given.look, given.policy.largest_gap)
    given = replace(given, course=course)
    match episode.phase:
        case Phase.WATCHING:
            return watch(episode, given)
        case Phase.RESTARTING:
            return restart(episode, given)
        case Phase.VERIFYING:
            return verify(episode, given)
        case _:
            return episode, course, Close()
