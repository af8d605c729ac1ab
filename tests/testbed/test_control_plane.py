import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.api import Api, ApiError
from tests.testbed.control_plane import ControlPlane
from tests.testbed.patience import HANG_GUARD, until_true
from tests.testbed.process import Process

pytestmark = pytest.mark.real


def _stateful_set(replicas: int) -> dict[str, Any]:
    labels = {"app": "bbs"}
    container = {"name": "bbs", "image": "example.invalid/bbs"}
    return {
        "metadata": {"name": "bbs"},
        "spec": {
            "serviceName": "bbs",
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def test_the_api_server_is_the_pinned_version(control_plane: ControlPlane) -> None:
    assert control_plane.api.request("GET", "/version")["gitVersion"] == "v1.37.2"


def test_the_statefulset_controller_makes_the_first_pod_and_brings_it_back_as_another(
    control_plane: ControlPlane,
) -> None:
    namespace = control_plane.create_namespace()
    control_plane.api.request("POST", f"/apis/apps/v1/namespaces/{namespace}/statefulsets", _stateful_set(2))
    pod = f"/api/v1/namespaces/{namespace}/pods/bbs-0"
    until_true(lambda: control_plane.api.exists(pod))
    first = control_plane.api.request("GET", pod)["metadata"]["uid"]
    control_plane.api.request("DELETE", pod)  # not bound to a node: gone at once
    api = control_plane.api
    until_true(lambda: api.exists(pod) and api.request("GET", pod)["metadata"]["uid"] != first)


def test_a_service_account_may_do_what_its_role_says_and_nothing_else(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace()
    for command in (
        ("create", "serviceaccount", "reader"),
        ("create", "role", "reader", "--verb=list", "--resource=pods"),
        ("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader"),
    ):
        control_plane.kubectl("--namespace", namespace, *command)
    token = control_plane.service_account_token(namespace, "reader")
    reader = Api(control_plane.url, control_plane.ca_file, token)
    path = f"/api/v1/namespaces/{namespace}"
    until_true(lambda: reader.exists(f"{path}/pods"))  # the authorizer learns of the binding by a watch
    with pytest.raises(ApiError) as refused:
        reader.request("GET", f"{path}/secrets")
    assert refused.value.status == 403


def test_a_frozen_api_server_answers_again_once_it_is_thawed(control_plane: ControlPlane) -> None:
    control_plane.apiserver.freeze()
    try:
        assert Path(f"/proc/{control_plane.apiserver.pid}/stat").read_text().split()[2] == "T"
    finally:
        control_plane.apiserver.thaw()
    assert control_plane.api.exists("/readyz")


def test_a_restarted_api_server_keeps_its_address_its_certificate_and_its_objects(control_plane: ControlPlane) -> None:
    namespace = control_plane.create_namespace()
    before = control_plane.apiserver.pid, control_plane.ca_file.read_bytes()
    control_plane.restart_apiserver()
    assert control_plane.apiserver.pid != before[0]
    assert control_plane.ca_file.read_bytes() == before[1]
    assert control_plane.api.exists(f"/api/v1/namespaces/{namespace}")


async def test_an_async_test_uses_the_control_plane_from_a_thread(control_plane: ControlPlane) -> None:
    assert await asyncio.to_thread(control_plane.api.exists, "/readyz")


def test_the_command_form_says_where_it_is_and_ends_on_sigterm(
    tmp_path: Path, control_plane_binaries: object, python: Callable[..., Process]
) -> None:
    assert control_plane_binaries
    server = python("-m", "tests.testbed.serve_control_plane", str(tmp_path))
    ready = tmp_path / "ready.json"
    server.wait_until(ready.exists, "ready.json", HANG_GUARD)
    facts = json.loads(ready.read_text())
    assert Api(facts["url"], Path(facts["ca_file"]), facts["token"]).exists("/readyz")
    os.kill(server.pid, signal.SIGTERM)
    until_true(lambda: server.exit_code is not None)
    assert server.exit_code == 0, server.tail()
    for name in ("etcd", "apiserver", "controller_manager"):
        assert not Path(f"/proc/{facts[f'{name}_pid']}").exists()


def test_a_definition_that_has_no_conditions_yet_is_waited_for(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kubectl wait` ends with an error then, which is a race that a busy machine loses."""
    established = {"conditions": [{"type": "Established", "status": "True"}]}
    answers: list[dict[str, Any]] = [{}, {"status": {}}, {"status": {"conditions": None}}, {"status": established}]
    monkeypatch.setattr(Api, "request", lambda *_: answers.pop(0))
    control_plane.wait_for_definitions("things.example.com")
    assert answers == []
