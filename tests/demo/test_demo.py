"""`make demo` as a newcomer runs it: each fault is dealt with rightly, and nothing is left behind."""

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.demo.scenarios import SCENARIOS
from tests.demo.conftest import Start

pytestmark = pytest.mark.programs

_ASKED = r"(?:A person must decide on this restart\.|person +stagekeeper restart --accept stuck_unavailable)"
"""Told by two programs, so in either order."""
_TOLD = {
    "hang": [
        r"\A(?=.*alertmanager +the remediator is called by webhook)",  # told when seen, so perhaps after the restart
        r"Restarting diego-api-0, diego-api-1: Both BBS pods are Running but refuse",
        *(rf"\[x\] {step}\. " for step in range(1, 9)),
        r"recovered, proven +\d",
        r"pods deleted +2 +diego-api-0 diego-api-1$",
        r"Remediation diego-api-r1: Recovered\.",
    ],
    "failover": [r"prometheus +bbs_reachable is 0", r"alert fired +-", r"remediation opened +-", r"pods deleted +0$"],
    "migrating": [r"alert StagerUnavailable fires", r"pods deleted +0$", r"Remediation diego-api-r1: SelfHealed\."],
    "unavailable": [
        *[_ASKED, _ASKED],
        r"Restarting diego-api-0, diego-api-1: .*503 from diego-api-1",
        r"pods deleted +2 +diego-api-0 diego-api-1$",
        r"Remediation diego-api-r2: Recovered\.",
    ],
    "certificate": [
        r"alert StagerCertificateExpired fires",
        r"alertmanager +StagerUnavailable is inhibited",
        r"remediation opened +-",
        r"pods deleted +0$",
    ],
    "database": [r"pods deleted +0$", r"Escalated\. A restart is not the fix\. crash_looping"],
    "split-brain": [r"alert StagerSplitBrain fires", r"remediation opened +-", r"pods deleted +0$"],
    "locket": [
        r"\[x\] 3\. ",
        r"pods deleted +4 +diego-api-0 diego-api-1 locket-0 locket-1$",
        r"Remediation diego-api-r1: Recovered\.",
    ],
}
"""What must be read, in this order."""
_KEPT = "split-brain"
"""The one that is played with --keep."""


def test_every_fault_of_the_demo_is_tried_here() -> None:
    assert _TOLD.keys() == SCENARIOS.keys()


def _assert_told(fault: str, output: str) -> None:
    assert re.search(".*?".join(_TOLD[fault]), output, re.MULTILINE | re.DOTALL), output
    assert f"\nRight: {SCENARIOS[fault].moral}\n" in output


@pytest.mark.parametrize("fault", [fault for fault in _TOLD if fault != _KEPT])
def test_the_right_thing_is_done_and_told(demo: Start, fault: str) -> None:
    running = demo("--fault", fault)
    assert running.end() == 0, running.output
    _assert_told(fault, running.output)
    assert running.left_behind() == []


def test_keep_tells_all_prints_where_to_look_and_stays_until_ctrl_c(
    demo: Start, program: Callable[[str], Path]
) -> None:
    running = demo("--fault", _KEPT, "--keep")
    running.wait_for("Everything stays up until Ctrl-C.")
    _assert_told(_KEPT, running.output)
    addresses = re.findall(r"http://127\.0\.0\.1:\d+/\S*$", running.output, re.MULTILINE)
    assert len(addresses) == 5, running.output
    assert {address: running.get(address).status for address in addresses} == dict.fromkeys(addresses, 200)
    for told in ("StagerSplitBrain", "stagekeeper-exporter", "diego-api-0", "listen at once"):
        running.wait_for_page(addresses[0], told)
    (command,) = re.findall(r"kubectl (--kubeconfig .* get remediations,pods)$", running.output, re.MULTILINE)
    done = subprocess.run([program("kubectl"), *command.split()], capture_output=True, text=True, check=False)
    assert re.search(r"^pod/diego-api-0 +2/2 +Running ", done.stdout, re.MULTILINE), done.stderr
    running.signal(signal.SIGINT)
    assert running.end() == 130, running.output
    assert running.left_behind() == []
