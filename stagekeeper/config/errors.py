"""What can stop a program of ours, as exceptions whose text is for a person.

* `ProgramError` -- the base; `exit_code` says how the process ends when nobody catches it
  * `ConfigurationError` -- a flag, the configuration or a file that it names can't be used (exit 2)
    * `TlsFilesError` (in `service.tls`) -- a certificate, key or CA file can't be used
    * `NoCluster` (in `kube.client`) -- there is no usable way to a Kubernetes API
  * `StartError` -- the surroundings refuse: a port in use, a missing permission (exit 1)
"""

from typing import ClassVar


class ProgramError(Exception):
    """Something a person must mend; its text says what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 1


class StartError(ProgramError):
    """The program is fine, its surroundings are not: a port in use, a missing permission."""


class ConfigurationError(ProgramError):
    """A flag, the configuration, or a file that it names can't be used; the text has one line for each mistake."""

    exit_code: ClassVar[int] = 2
