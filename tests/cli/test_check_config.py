"""`stagekeeper check-config`."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from stagekeeper.cli.check_config import ABSENT, UNCHECKED, command
from tests.testbed.patience import HANG_GUARD


def check(path: Path, text: str) -> Result:
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(command, [f"--config.file={path}"])


def test_what_was_understood_is_printed_with_every_default(tmp_path: Path) -> None:
    ended = check(
        tmp_path / "a.yaml",
        "environments: [{name: cf, tls: {ca_file: /a, cert_file: /b, key_file: /c}}]\n"
        "exporter: {recent_observations: 5}\n",
    )
    understood = yaml.safe_load(ended.stdout)
    assert ended.exit_code == 0
    (environment,) = understood["environments"]
    assert environment["service"] == {"host": "diego-api.cf.svc.cluster.local", "name": "diego-api", "port": 8889}
    assert (environment["tls"]["ca_file"], environment["tls"]["server_name"]) == ("/a", "diego-api")
    assert "remediator" not in understood
    assert f"# remediator: {ABSENT}" in ended.stdout
    assert understood["exporter"] == {"scrape_margin": "500ms", "default_deadline": "9.5s", "recent_observations": 5}


def test_the_mistakes_of_every_section_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    ended = check(path, "environments: [{name: CF}]\nexporter: {recent_observations: -1}\n")
    assert ended.exit_code == 2
    assert ended.stdout == ""
    first, second = ended.stderr.splitlines()
    assert first.startswith(f"{path}:1: environments[0].name: must be a Kubernetes name")
    assert second == f"{path}:2: exporter.recent_observations: must be at least 0. It is -1."


def test_a_section_that_is_there_is_checked(tmp_path: Path) -> None:
    ended = check(tmp_path / "a.yaml", "remediator: {mode: perhaps}\n")
    assert ended.exit_code == 2
    assert "a.yaml:1: remediator.mode: " in ended.stderr


@pytest.mark.parametrize(
    ("mode", "database", "said"),
    [("act", "", True), ("act", ", database: {address: 'db:5432'}", False), ("observe", "", False)],
)
def test_act_without_a_look_at_the_database_is_pointed_out(
    tmp_path: Path, mode: str, database: str, *, said: bool
) -> None:
    webhook = "webhook: {token_file: /token}, alertmanagers: [{url: 'http://am:9093'}]"
    text = f"environments: [{{name: cf, profile: cfee-2{database}}}]\nremediator: {{mode: {mode}, {webhook}}}\n"
    ended = check(tmp_path / "a.yaml", text)
    assert ended.exit_code == 0, ended.output
    assert (f"# cf: {UNCHECKED}" in ended.stdout.splitlines()) is said


def test_a_file_that_can_not_be_read_is_a_mistake(tmp_path: Path) -> None:
    ended = CliRunner().invoke(command, [f"--config.file={tmp_path / 'none.yaml'}"])
    assert ended.exit_code == 2
    assert "none.yaml: can't be read: No such file or directory." in ended.stderr


def test_the_file_must_be_named() -> None:
    assert CliRunner().invoke(command, []).exit_code == 2


AUTO = "environments: [{name: cf, profile: auto, namespace: cf}]\n"
ACT = """
remediator:
  mode: act
  webhook: {token_file: /none}
  alertmanagers:
    - {url: "http://a:9093", username: me, password_file: /none}
    - {url: "https://b/prefix", bearer_token_file: /none, ca_file: /none, timeout: 2.5}
  policy: {cooldown: 60, restart_stuck_unavailable: true}
"""
REMEDIATOR = "remediator: {mode: observe, webhook: {token_file: /none}}\n"


def test_profile_auto_is_understood_as_such(tmp_path: Path) -> None:
    ended = check(tmp_path / "a.yaml", AUTO)
    assert ended.exit_code == 0
    (environment,) = yaml.safe_load(ended.stdout)["environments"]
    assert environment["profile"] == "auto"
    assert not {"candidates", "selector", "statefulsets"} & set(environment), "these are found at each observation"


@pytest.mark.parametrize("text", ["", AUTO, REMEDIATOR, ACT, "environments: [{name: cf, profile: cfee-4}]\n"])
def test_what_is_printed_is_a_file_that_is_understood_as_the_same(tmp_path: Path, text: str) -> None:
    printed = check(tmp_path / "a.yaml", text)
    assert printed.exit_code == 0, printed.stderr
    again = check(tmp_path / "b.yaml", printed.stdout)
    assert (again.exit_code, again.stdout) == (0, printed.stdout)


def test_profile_auto_is_a_mistake_beside_a_remediator(tmp_path: Path) -> None:
    ended = check(tmp_path / "a.yaml", AUTO + REMEDIATOR)
    assert ended.exit_code == 2
    assert "a.yaml:1: environments[0].profile: auto is for the exporter" in ended.stderr


def test_the_remediator_does_not_start_with_profile_auto(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(AUTO + REMEDIATOR, encoding="utf-8")
    given = ("-m", "remediator", "--web.listen-address=127.0.0.1:0", f"--config.file={path}")
    done = subprocess.run([sys.executable, *given], capture_output=True, text=True, timeout=HANG_GUARD, check=False)
    assert done.returncode == 2
    assert "the remediator restarts only what the configuration names" in done.stderr


def test_two_environments_of_a_remediator_do_not_share_locket(tmp_path: Path) -> None:
    """An exporter may look at it twice: nobody restarts anything there."""
    entry = "{{name: {0}, profile: kubecf, statefulsets: [bbs-{0}], locket: {{statefulset: locket, selector: app=l}}}}"
    both = f"environments:\n  - {entry.format('a')}\n  - {entry.format('b')}\n"
    assert check(tmp_path / "a.yaml", both).exit_code == 0
    ended = check(tmp_path / "a.yaml", both + REMEDIATOR)
    assert ended.exit_code == 2
    assert "a.yaml:3: environments[1]: StatefulSet locket in namespace kubecf belongs to environment a" in ended.stderr
