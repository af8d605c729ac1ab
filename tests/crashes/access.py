"""What the two programs may do: exactly what the chart gives them, in mode act, and nothing else.

The chart's ServiceAccounts, Roles, bindings and admission policy are put on the real API, but no Deployment: the
programs run as processes here, with tokens of those ServiceAccounts.
"""

from pathlib import Path

import yaml

from simulator.layouts import CFEE_2
from tests.chart.helm import Helm
from tests.testbed.api import Api, ApiError
from tests.testbed.binaries import find_program
from tests.testbed.control_plane import ControlPlane

_KINDS = (
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)
_GUARD = "only by its UID and resourceVersion"


def grant(plane: ControlPlane, namespace: str, home: Path) -> None:
    """Put on the API what the chart renders for a release in `namespace` that looks after the Diego there."""
    values = {
        "environments": [{"name": "cf", "profile": CFEE_2.profile, "namespace": namespace}],
        "remediator": {"mode": "act", "alertmanagers": [{"url": "http://127.0.0.1:9093"}]},
    }
    rendered = Helm(find_program("helm"), home).template("--namespace", namespace, values=values)
    granted = [each for each in rendered.objects if each["kind"] in _KINDS]
    assert {each["kind"] for each in granted} == set(_KINDS)
    plane.kubectl("create", "--filename", "-", stdin=yaml.safe_dump_all(granted))


def is_guarded(plane: ControlPlane, namespace: str, pod: str) -> bool:
    """Whether the remediator has its rights and the admission policy bounds them: both come by watches."""
    remediator = Api(plane.url, plane.ca_file, plane.service_account_token(namespace, "stagekeeper-remediator"))
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
    try:
        remediator.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod}", options)
    except ApiError as refusal:
        return _GUARD in str(refusal)
    return False
