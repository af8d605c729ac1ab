"""When the certificates in an environment's own files end. The server's is seen by the probe."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from stagekeeper.diego.profiles import TlsFiles
from stagekeeper.service.files import Reloaded
from stagekeeper.service.tls import TlsFilesError, certificate_expiry


class CertificateDates:
    """The dates of the client certificate and of the CA, read anew only when a file has changed."""

    def __init__(self, files: TlsFiles | None) -> None:
        paths = {"client": files.cert_file, "ca": files.ca_file} if files else {}
        self._dates = {which: _followed(which, path) for which, path in paths.items()}

    def current(self) -> Mapping[str, datetime]:
        """The date by `client` and `ca`; a file that was never usable is left out, and the probe tells why."""
        found: dict[str, datetime] = {}
        for which, date in self._dates.items():
            try:
                found[which] = date.current()
            except TlsFilesError:
                continue
        return found


def _followed(which: str, path: Path) -> Reloaded[datetime]:
    return Reloaded(f"The {which} certificate", [path], partial(certificate_expiry, path))
