"""Bodies that can never become valid are answered once and for all; the right token comes in whatever others try."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from remediator.webhook import PATH
from tests.remediator.receiving import TOKEN, Receiving, alert, notification, receiving

MIB = 1024 * 1024
GOOD = notification(alert())


@pytest.fixture
async def remediator(tmp_path: Path) -> AsyncIterator[Receiving]:
    async with receiving(tmp_path) as found:
        yield found


async def refusal(remediator: Receiving, body: Any, headers: dict[str, str] | None = None) -> tuple[int, str]:
    response = await remediator.post(body, headers)
    assert remediator.opened() == {"cf": 0}
    return response.status, (await response.json())["error"]


@pytest.mark.parametrize(
    "body",
    [b"", b"not JSON", b'{"version": "4"', b"\xff\xfe", b"[" * 500_000, b'{"a":' * 100_000, b"NaN", b'"\\ud800"'],
    ids=["nothing", "text", "cut", "binary", "deep lists", "deep mappings", "NaN", "lone surrogate"],
)
async def test_what_is_not_json_is_refused(remediator: Receiving, body: bytes) -> None:
    status, said = await refusal(remediator, body)
    assert status == 400
    assert len(said) < 300


@pytest.mark.parametrize("body", [{"alerts": []}, {"text": "The stager is down"}])
async def test_a_replaced_payload_is_told_from_which_option_it_comes(remediator: Receiving, body: Any) -> None:
    said = (
        "The body has no version: it is not Alertmanager's own. "
        "Remove the option `payload:` from the webhook_config that sends here."
    )
    assert await refusal(remediator, body) == (400, said)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([], "body"),
        ("text", "body"),
        (None, "body"),
        ({"version": "4"}, "alerts"),
        ({"version": "4", "alerts": {}}, "alerts"),
        (notification("alert"), "alerts.0"),  # type: ignore[arg-type]
        (notification({**alert(), "status": "smouldering"}), "alerts.0.status"),
        (notification({**alert(), "labels": None}), "alerts.0.labels"),
        (notification({**alert(), "status": "smouldering", "labels": None}), "alerts.0.status"),
        (notification({**alert(), "labels": {"environment": 7}}), "alerts.0.labels.environment"),
        (notification({**alert(), "startsAt": 1.5}), "alerts.0.startsAt"),
    ],
)
async def test_a_wrong_type_is_named_with_its_place(remediator: Receiving, body: Any, place: str) -> None:
    status, said = await refusal(remediator, json.dumps(body).encode())
    assert status == 400
    assert f": {place}: " in said


async def test_a_body_of_wrong_alerts_costs_no_more_than_its_first(remediator: Receiving) -> None:
    body = b'{"version": "4", "alerts": [' + b"1," * 500_000 + b"1]}"
    status, said = await refusal(remediator, body)
    assert (status, "alerts.0: " in said) == (400, True)


async def test_wrong_alerts_around_a_good_one_are_bounded_too(remediator: Receiving) -> None:
    good = json.dumps(alert()).encode()
    body = b'{"version": "4", "alerts": [' + good + b",1" * 500_000 + b"]}"
    status, said = await refusal(remediator, body)
    assert (status, "alerts.1: " in said) == (400, True)


async def test_a_mebibyte_is_taken_and_one_byte_more_is_not(remediator: Receiving) -> None:
    text = json.dumps(GOOD).encode()
    assert await refusal(remediator, text + b" " * (MIB + 1 - len(text))) == (
        413,
        "The body is too large. Lower max_alerts in Alertmanager's webhook_config.",
    )
    assert (await remediator.post(text + b" " * (MIB - len(text)))).status == 200


async def test_a_packed_body_is_unpacked(remediator: Receiving) -> None:
    packed = gzip.compress(json.dumps(GOOD).encode())
    assert (await remediator.post(packed, {"Content-Encoding": "gzip"})).status == 200


async def test_a_packed_body_is_bounded_by_what_it_unpacks_to(remediator: Receiving) -> None:
    bomb = gzip.compress(b" " * (64 * MIB))
    assert (await refusal(remediator, bomb, {"Content-Encoding": "gzip"}))[0] == 413


@pytest.mark.parametrize("body", [b"this was never packed", zlib.compress(b"{}")[:5]])
async def test_a_body_that_can_not_be_unpacked_is_refused(remediator: Receiving, body: bytes) -> None:
    response = await remediator.post(body, {"Content-Encoding": "gzip"})
    assert response.status == 400


async def test_a_body_in_chunks_is_taken(remediator: Receiving) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in json.dumps(GOOD).encode():
            yield bytes([byte])

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with remediator.client.post(PATH, data=chunks(), headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(("path", "status"), [(f"{PATH}/", 404), ("/", 405), ("/webhook", 404)])
async def test_a_post_to_another_path_is_told_the_right_one(remediator: Receiving, path: str, status: int) -> None:
    async with remediator.client.post(path, json=GOOD, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
        assert response.status == status
        assert f"Alertmanager's url must end with {PATH}, without a slash" in await response.text()


@pytest.mark.parametrize("version", [4, None, ["4"]])
async def test_a_version_that_is_no_text_is_not_called_missing(remediator: Receiving, version: Any) -> None:
    status, said = await refusal(remediator, json.dumps({**GOOD, "version": version}).encode())
    assert status == 400
    assert said.startswith('The body has a version that is not the text "4": it is not')


async def test_only_post_is_answered(remediator: Receiving) -> None:
    async with remediator.client.get(PATH, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
        assert response.status == 405


# Who may call -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]
)
async def test_without_the_token_nothing_is_read(remediator: Receiving, header: str) -> None:
    response = await remediator.post(b"not even JSON", {"Authorization": header})
    assert response.status == 401
    assert remediator.opened() == {"cf": 0}


async def test_a_rotated_token_is_taken_at_once_and_the_old_one_for_a_while(
    remediator: Receiving, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("another-token-of-the-tests")
    assert (await remediator.post(GOOD, {"Authorization": "Bearer another-token-of-the-tests"})).status == 200
    assert (await remediator.post(GOOD)).status == 200


async def test_guessing_does_not_keep_the_right_token_out(remediator: Receiving) -> None:
    guesses = [asyncio.create_task(remediator.post(GOOD, {"Authorization": "Bearer guess"})) for _ in range(60)]
    assert (await remediator.post(GOOD)).status == 200
    assert {(await each).status for each in guesses} == {401}


async def test_answers_are_counted_by_status(remediator: Receiving) -> None:
    await remediator.post(GOOD)
    await remediator.post(b"not JSON")
    await remediator.post(GOOD, {"Authorization": "Bearer wrong"})
    counts = {
        code: remediator.registry.get_sample_value("stagekeeper_webhook_requests_total", {"code": code})
        for code in ("200", "400", "401", "413")
    }
    assert counts == {"200": 1, "400": 1, "401": 1, "413": 0}
