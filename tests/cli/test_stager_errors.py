"""Code 170010 in the Cloud Controller's log."""

import json
from pathlib import Path
from typing import cast

import pytest

from stagekeeper.cli.stager_errors import OTHER, StagerErrors, read_errors, tails
from stagekeeper.kube.client import Kube
from stagekeeper.kube.errors import Forbidden, KubeError, NotFound
from tests.diego.observations import pod

V2 = 'Request failed: 503: {"error_code"=>"CF-StagerUnavailable", "code"=>170010,'
V3 = '"error_code" => "CF-StagerUnavailable", "code" => 170010, "description"=>"Stager is unavailable: '


@pytest.mark.parametrize(
    ("line", "tail"),
    [
        (V2 + ' "description"=>"Stager is unavailable: execution expired"', "execution expired"),
        (V3 + 'Connection refused - connect(2)"', "Connection refused"),
        (V3 + 'getaddrinfo: Name or service not known"', "getaddrinfo"),
        (V3 + 'SSL_connect: certificate verify failed"', "certificate verify failed"),
        (V3 + 'failed with status: 503"', "failed with status: 503"),
        (V3 + 'something new"', OTHER),
    ],
)
def test_the_tail_tells_the_cause_whatever_the_level_and_the_spaces(line: str, tail: str) -> None:
    assert tails(f"before\n{line}\nafter\n") == {tail: 1}


CLOUD_CONTROLLER_LOG = Path(__file__).parent / "cloud_controller_ng.log"
"""Three failed stagings as the Cloud Controller's own logger, Steno, writes them."""


def test_a_log_as_the_cloud_controller_writes_it_is_counted() -> None:
    assert tails(CLOUD_CONTROLLER_LOG.read_text()) == {"Connection refused": 3}


@pytest.mark.parametrize("message", [V2, V3])
@pytest.mark.parametrize("escaped", [False, True])
def test_a_line_is_json_whatever_its_writer_escapes(message: str, *, escaped: bool) -> None:
    line = json.dumps({"timestamp": 1796011200.1, "message": f"{message} execution expired", "log_level": "info"})
    assert tails(line.replace(">", "\\u003e") if escaped else line) == {"execution expired": 1}


@pytest.mark.parametrize(
    "line",
    [
        '"code"=>170011',
        '"code"=>1700101',
        '"code": 170010',
        "170010",
        "",
        r"\"code\"=>1700101",
        r"\"error_code\"=>170010",
    ],
)
def test_other_lines_do_not_count(line: str) -> None:
    assert not tails(line)


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        (
            StagerErrors(logs=2),
            "No CF-StagerUnavailable (170010) in the Cloud Controller logs of the last hour (2 containers).",
        ),
        (
            StagerErrors((("getaddrinfo", 2), (OTHER, 1)), logs=1),
            (
                "3 x CF-StagerUnavailable (170010) in the Cloud Controller logs of the last hour (1 container): "
                "2 x getaddrinfo (DNS, or a headless Service without endpoints); 1 x another tail (see the log)."
            ),
        ),
        (StagerErrors(), "The Cloud Controller's log could not be read: there is no pod of it."),
        (StagerErrors(unread="403"), "The Cloud Controller's log could not be read: 403."),
        (
            StagerErrors(logs=1, unread="forbidden"),
            (
                "No CF-StagerUnavailable (170010) in the Cloud Controller logs of the last hour (1 container). "
                "Not all could be read: forbidden."
            ),
        ),
    ],
)
def test_the_finding_is_one_sentence(errors: StagerErrors, sentence: str) -> None:
    assert errors.sentence() == sentence


class Refusing:
    """An API server whose logs cannot be read."""

    def __init__(self, problem: KubeError) -> None:
        self.problem = problem

    async def text(self, *_: object, **__: object) -> tuple[str, str]:
        """As `Kube.text`."""
        raise self.problem


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Forbidden("GET /api/v1/namespaces/cf/pods/api-0/log: HTTP 403: no."), "no right to `get` `pods/log`"),
        (NotFound("pods api-0 not found"), "pods api-0 not found."),
    ],
)
async def test_a_log_that_can_not_be_read_is_told_in_a_whole_sentence(problem: KubeError, said: str) -> None:
    kube = cast("Kube", Refusing(problem))
    found = (await read_errors(kube, "cf", [pod(name="api-0")], timeout=1)).sentence()
    assert found.startswith("The Cloud Controller's log could not be read: ")
    assert said in found
    assert "HTTP 403" not in found
    assert found.endswith(".")
