"""What can stop a program of ours, as exceptions whose text is one sentence for a person.

* `ServiceProblem` - the base; `exit_code` says how the process ends when nobody catches it
  * `UsageProblem` - a flag is wrong (exit 2)
  * `ConfigurationProblem` - a configuration file is wrong (exit 2)
  * `StartProblem` - the surroundings refuse: port in use, permission (exit 1)
  * `TlsFilesProblem` (in `tls`) - a certificate, key or CA file cannot be used (exit 2)
"""

from typing import ClassVar


class ServiceProblem(Exception):
    """Something a person must mend; its text says what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1


class StartProblem(ServiceProblem):
    """The program is fine, its surroundings are not: a port in use, a missing permission."""


class UsageProblem(ServiceProblem):
    """A flag has a value that cannot be used."""

    exit_code: ClassVar[int] = 2


class ConfigurationProblem(ServiceProblem):
    """A configuration file, or a file that it names, cannot be used."""

    exit_code: ClassVar[int] = 2
