"""The old names of `stagekeeper.config.errors`, until nobody uses them any more."""

from stagekeeper.config.errors import ConfigurationError as ConfigurationProblem
from stagekeeper.config.errors import ProgramError as ServiceProblem
from stagekeeper.config.errors import StartError as StartProblem

UsageProblem = ConfigurationProblem

__all__ = ["ConfigurationProblem", "ServiceProblem", "StartProblem", "UsageProblem"]
