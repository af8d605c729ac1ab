"""What is printed as the effective configuration is read as the same."""

from pathlib import Path

import pytest
import yaml

from exporter.settings import exporter_settings
from stagekeeper.config.document import parse
from stagekeeper.diego.effective import entry, written
from stagekeeper.diego.environments import environments
from stagekeeper.diego.profiles import AUTO, PROFILES, Environment

FULL = """
environments:
  - name: everything
    profile: cfee-1
    namespace: scf
    statefulsets: [diego-api-a, diego-api-b]
    selector: role=bbs
    service: {host: bbs.scf, name: bbs, port: 18889}
    active_label: {key: active, value: "yes", may_be_absent: true}
    bbs_container: diego-api
    tls: {ca_file: /ca, cert_file: /cert, key_file: /key, server_name: bbs.internal}
    locket: {statefulset: locket, selector: role=locket}
    cloud_controller: {selector: role=api, address: "api:9022"}
    database: {address: "postgres:5432"}
    timeouts: {probe: 2.5s, api: 4s}
    patience: {starting: 1m, pending: 1m1s, migrating: 1m2s, restarted_twice: 1m3s, terminating: 1m4s}
    deep_probe: true
"""
CUSTOM = """
environments:
  - name: own
    profile: custom
    namespace: scf
    statefulsets: [diego-api]
    selector: role=bbs
    service: {host: bbs.scf}
    active_label: {key: active, value: "yes"}
"""
AUTOS = (
    "namespace: cf",
    "namespace: cf, locket: false",
    "namespace: cf, locket: {statefulset: locket, selector: a=b}",
    "namespace: cf, statefulsets: [diego-api-a], service: {host: bbs}, active_label: {key: a, value: b}",
    "namespace: cf, tls: {ca_file: /ca, cert_file: /cert, key_file: /key}, deep_probe: true",
)
FILES = {
    "no file": "",
    "everything": FULL,
    "custom": CUSTOM,
    "no locket": "environments: [{name: cf, profile: cfee-1, locket: false}]",
    "tls": "environments: [{name: cf, tls: {ca_file: /ca, cert_file: /cert, key_file: /key}}]",
    **{name: f"environments: [{{name: cf, profile: {name}}}]" for name in PROFILES},
    **{f"auto: {given}": f"environments: [{{name: cf, profile: {AUTO}, {given}}}]" for given in AUTOS},
}


def read(text: str) -> tuple[Environment, ...]:
    return environments(parse(text, "f"))


@pytest.mark.parametrize("what", FILES)
def test_it_is_read_as_the_same(what: str) -> None:
    found = read(FILES[what])
    text = written({"environments": found})
    assert read(text) == found
    assert written({"environments": read(text)}) == text


def test_every_key_of_a_full_entry_is_printed() -> None:
    given, printed = yaml.safe_load(FULL)["environments"][0], entry(read(FULL)[0])
    assert set(given) <= set(printed)
    assert {key: printed[key] for key in given if key != "statefulsets"} == {
        key: value for key, value in given.items() if key != "statefulsets"
    }


def test_sections_are_printed_with_their_defaults() -> None:
    document = parse("exporter: {recent_observations: 5}", "f")
    text = written({"exporter": exporter_settings(document)})
    assert exporter_settings(parse(text, "f")) == exporter_settings(document)
    assert set(yaml.safe_load(text)["exporter"]) == {"scrape_margin", "default_deadline", "recent_observations"}


def test_a_path_is_printed_and_no_content(tmp_path: Path) -> None:
    key = tmp_path / "schlüssel"
    key.write_text("hunter2")
    tls = f"{{ca_file: /ca, cert_file: /cert, key_file: {key}}}"
    text = written({"environments": read(f"environments: [{{name: cf, tls: {tls}}}]")})
    assert str(key) in text
    assert "hunter2" not in text
