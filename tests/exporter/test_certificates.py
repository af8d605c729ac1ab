"""The dates of the environment's own certificate files."""

from datetime import UTC, datetime
from pathlib import Path

import trustme
from structlog.testing import capture_logs

from exporter.scrape import CertificateDates
from stagekeeper.diego.profiles import TlsFiles

SOON = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2028, 1, 2, 3, 4, 5, tzinfo=UTC)


def files(folder: Path, ends: datetime) -> TlsFiles:
    authority = trustme.CA()
    client = authority.issue_cert("client", not_after=ends)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    client.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    client.private_key_pem.write_to_path(str(folder / "tls.key"))
    return TlsFiles(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")


def test_without_tls_there_are_no_dates() -> None:
    assert CertificateDates(None).current() == {}


def test_the_client_certificate_and_the_ca_each_have_their_date(tmp_path: Path) -> None:
    dates = CertificateDates(files(tmp_path, SOON)).current()
    assert dates["client"] == SOON
    assert dates["ca"] != SOON


def test_a_ca_bundle_ends_with_its_last_ca_and_a_clients_chain_with_its_first_certificate(tmp_path: Path) -> None:
    paths = files(tmp_path, LATER)
    before = CertificateDates(paths).current()
    old = trustme.CA().issue_cert("old", not_after=SOON).cert_chain_pems[0].bytes()
    for path in (paths.ca_file, paths.cert_file):
        path.write_bytes(old + path.read_bytes())
    assert CertificateDates(paths).current() == {"ca": before["ca"], "client": SOON}


def test_a_renewed_certificate_shows_its_new_date(tmp_path: Path) -> None:
    dates = CertificateDates(files(tmp_path, SOON))
    dates.current()
    files(tmp_path, LATER)
    assert dates.current()["client"] == LATER


def test_a_file_that_is_missing_or_no_certificate_has_no_date_and_hides_no_other(tmp_path: Path) -> None:
    paths = files(tmp_path, SOON)
    paths.cert_file.write_text("nothing of use")
    dates = CertificateDates(paths)
    assert set(dates.current()) == {"ca"}
    paths.ca_file.unlink()
    assert set(CertificateDates(paths).current()) == set()


def test_the_date_in_force_stays_when_the_file_breaks(tmp_path: Path) -> None:
    paths = files(tmp_path, SOON)
    dates = CertificateDates(paths)
    dates.current()
    paths.cert_file.write_text("half a ce")
    with capture_logs() as lines:
        assert dates.current()["client"] == SOON
        assert dates.current()["client"] == SOON
    assert len(lines) == 1
