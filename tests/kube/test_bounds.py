"""What the client does not do for a server that misbehaves: follow it, read without end, run after its pages."""

import asyncio
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from stagekeeper.kube import paging, transport
from stagekeeper.kube.client import Call, Kube, Response, connect
from stagekeeper.kube.errors import (
    Invalid,
    KubeError,
    MalformedResponse,
    OversizedResponse,
    RequestTimeout,
    Unavailable,
    Unreachable,
)
from stagekeeper.kube.remediations import Remediations
from tests.kube import api_server
from tests.kube.api_server import ApiServer, answering, connected, kubeconfig, refusing, saying, status
from tests.testbed.process import free_port

PATH = "/apis/stagekeeper.dev/v1alpha1/namespaces/cf/remediations"
ENOUGH = 60.0


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_no_redirect_is_followed(code: int, method: str, server: ApiServer, kube: Kube) -> None:
    async with api_server.api_server() as elsewhere:
        server.answers[PATH] = answering({}, code, Location=f"{elsewhere.url}/secret-of-a-login")
        with pytest.raises(MalformedResponse, match=f"a redirect .HTTP {code}., which is not followed") as raised:
            await kube.send(Call(method, PATH), timeout=ENOUGH)
        assert (len(server.requests), elsewhere.requests) == (1, [])
    assert "login." not in str(raised.value)


async def test_what_is_larger_than_anything_is_not_read(server: ApiServer, kube: Kube) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65536)
            sent += 65536

    server.answers[PATH] = endless
    with pytest.raises(MalformedResponse, match="answers with more than 16 MiB, which is not read"):
        await kube.get(PATH, timeout=ENOUGH)
    assert sent < 2**26


async def test_an_answer_is_read_up_to_16_mib(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = saying(" " * 16_777_216)
    assert len((await kube.text(Call("GET", PATH), timeout=ENOUGH))[0]) == 16_777_216
    server.answers[PATH] = saying(" " * 16_777_217)
    with pytest.raises(OversizedResponse):
        await kube.text(Call("GET", PATH), timeout=ENOUGH)


async def test_32_requests_are_in_flight_and_no_more(server: ApiServer, kube: Kube) -> None:
    in_flight, most, all_there = 0, 0, asyncio.Event()

    async def counted(_: web.Request) -> web.Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        if in_flight == 32:
            await asyncio.sleep(0.1)  # for one more, which must not come
            all_there.set()
        await all_there.wait()
        in_flight -= 1
        return web.json_response({})

    server.answers[PATH] = counted
    await asyncio.gather(*(kube.get(PATH, timeout=ENOUGH) for _ in range(40)))
    assert most == 32


async def test_a_connection_is_used_again_after_an_answer_that_was_read(server: ApiServer, kube: Kube) -> None:
    peers = set()

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.json_response({})

    server.answers[PATH] = answer
    for _ in range(3):
        await kube.get(PATH, timeout=ENOUGH)
    assert len(peers) == 1


async def test_nothing_is_unpacked(server: ApiServer, kube: Kube) -> None:
    """A small body can unpack to one that fills the memory."""

    async def packed(_: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(b" " * 2**24), headers={"Content-Encoding": "gzip"})

    server.answers[PATH] = packed
    with pytest.raises(MalformedResponse, match="not a JSON object"):
        await kube.get(PATH, timeout=ENOUGH)
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


async def test_no_cookie_is_kept(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = answering({}, 200, **{"Set-Cookie": "session=x"})
    for _ in range(2):
        await kube.get(PATH, timeout=ENOUGH)
    assert ["Cookie" in each.headers for each in server.requests] == [False, False]


# What others say stays one line


PAGE = "<!DOCTYPE html>\n<html>\n<head>\n<title>502 Bad\nGateway</title>\n</head><body>" + "<p>x</p>\n" * 20
SAID = {
    "a proxy's page": (saying(PAGE, 502, "text/html"), 'HTTP 502: an HTML page ("502 Bad Gateway")'),
    "a page without a title": (saying("<html>\n" * 9, 502), "HTTP 502: an HTML page"),
    "lines": (refusing(403, message="no:\n  because\r\n\tof it"), "HTTP 403: no: because of it"),
    "what a terminal obeys": (refusing(403, message="a\x1b[31mb\x9bc\u202ed\u2028e"), "HTTP 403: a [31mb c d e"),
    "a novel": (refusing(422, message="x" * 5000), f"HTTP 422: {'x' * 997}..."),
    "our own token": (refusing(401, message="who is made-up?"), "HTTP 401: who is [hidden]?"),
}


@pytest.mark.parametrize("case", SAID)
async def test_what_the_other_side_says_is_one_short_line_without_our_secrets(
    case: str, server: ApiServer, kube: Kube
) -> None:
    server.answers[PATH], words = SAID[case]
    with pytest.raises(KubeError) as raised:
        await kube.get(PATH, timeout=ENOUGH)
    assert str(raised.value) == f"GET {PATH}: {words}"


async def test_a_page_with_status_200_is_said_to_be_one(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = saying(PAGE, 200, "text/html")
    with pytest.raises(MalformedResponse, match=r'answered with an HTML page \("502 Bad Gateway"\)'):
        await kube.get(PATH, timeout=ENOUGH)


async def test_a_server_that_is_down_is_one_plain_line(tmp_path: Path) -> None:
    port = free_port()
    async with connected(f"http://127.0.0.1:{port}", tmp_path) as kube:
        with pytest.raises(Unreachable) as raised:
            await kube.get(PATH, timeout=ENOUGH)
    assert str(raised.value) == f"GET {PATH}: http://127.0.0.1:{port} can't be reached: Connection refused."


async def test_a_name_that_nobody_knows_is_said_as_that(tmp_path: Path) -> None:
    async with connected("https://nowhere.invalid:6443", tmp_path) as kube:
        with pytest.raises(Unreachable, match=r"the name nowhere\.invalid is not known to DNS\.$"):
            await kube.get(PATH, timeout=ENOUGH)


async def test_a_proxys_name_that_nobody_knows_is_said_as_that(tmp_path: Path) -> None:
    path = kubeconfig(
        tmp_path / "kubeconfig", "https://127.0.0.1:1", None, **{"proxy-url": "http://u:s3cret@proxy.invalid:1"}
    )
    async with connect(path) as kube:
        with pytest.raises(Unreachable, match=r"the name proxy\.invalid is not known to DNS\.$"):
            await kube.get(PATH, timeout=ENOUGH)


async def test_a_server_without_tls_is_said_as_that(server: ApiServer, tmp_path: Path) -> None:
    async with connected(server.url.replace("http:", "https:"), tmp_path) as kube:
        with pytest.raises(Unreachable, match=r"TLS fails \(wrong version number\)\.$"):
            await kube.get(PATH, timeout=ENOUGH)


# Pages


class Pages:
    """A list in pages, as the API gives it, with what may go wrong."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.version = 7
        self.forgetting: list[str] = []
        """Tokens that are forgotten, once each."""
        self.largest = 10**9

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One page."""
        token, limit = request.query.get("continue", ""), int(request.query["limit"])
        if token in self.forgetting:
            self.forgetting.remove(token)
            self.version += 1
            return status(410, "Expired", "The provided continue parameter is too old")
        start, version = (int(each) for each in token.split("-")) if token else (0, self.version)
        page, rest = self.names[start : start + limit], self.names[start + limit :]
        metadata = {"resourceVersion": str(version), **({"continue": f"{start + limit}-{version}"} if rest else {})}
        body = {"metadata": metadata, "items": [{"metadata": {"name": each}} for each in page]}
        if len(page) > self.largest:
            return web.Response(text=json.dumps(body) + " " * (transport.MOST + 1))
        return web.json_response(body, headers={"Date": api_server.DATE})


async def names(kube: Kube) -> list[str]:
    """Of all records."""
    found = await Remediations(kube, "cf", ENOUGH).list(dict)
    return [each["metadata"]["name"] for each in found.items]


@pytest.fixture
def some(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Pages:
    """Seven records, three to a page."""
    monkeypatch.setattr(paging, "PAGE", 3)
    pages = Pages(*"abcdefg")
    server.answers[PATH] = pages.answer
    return pages


@pytest.mark.usefixtures("some")
async def test_a_list_is_read_page_by_page_from_a_consistent_first_read(server: ApiServer, kube: Kube) -> None:
    assert await names(kube) == list("abcdefg")
    assert [each.query for each in server.requests] == [
        {"limit": "3"},
        {"limit": "3", "continue": "3-7"},
        {"limit": "3", "continue": "6-7"},
    ]


@pytest.mark.usefixtures("some")
async def test_of_a_list_only_what_is_kept_of_each_item_stays(kube: Kube) -> None:
    def vowel(item: Any) -> str | None:
        name: str = item["metadata"]["name"]
        return name.upper() if name in "aeiou" else None

    assert (await Remediations(kube, "cf", ENOUGH).list(vowel)).items == ["A", "E"]


async def test_the_time_of_a_list_is_that_of_its_first_page(server: ApiServer, kube: Kube, some: Pages) -> None:
    async def later(request: web.Request) -> web.StreamResponse:
        response = await some.answer(request)
        if "continue" in request.query:
            response.headers["Date"] = "Mon, 23 Nov 2026 12:09:00 GMT"
        return response

    server.answers[PATH] = later
    assert (await Remediations(kube, "cf", ENOUGH).list(dict)).date.minute == 0


@pytest.mark.parametrize("forgotten", [["3-7"], ["6-7"], ["3-7", "6-8"]])
async def test_a_list_that_the_api_forgot_is_read_again(forgotten: list[str], kube: Kube, some: Pages) -> None:
    some.forgetting = forgotten
    assert await names(kube) == list("abcdefg")


async def test_pages_of_two_moments_are_no_list(server: ApiServer, kube: Kube, some: Pages) -> None:
    async def moving(request: web.Request) -> web.StreamResponse:
        response = await some.answer(request)
        assert isinstance(response, web.Response)
        if len(server.requests) == 2:
            response.text = (response.text or "").replace('"7"', '"8"')
        return response

    server.answers[PATH] = moving
    assert await names(kube) == list("abcdefg")
    assert len(server.requests) == 5


async def test_a_list_that_is_forgotten_each_time_is_given_up(kube: Kube, some: Pages) -> None:
    some.forgetting = ["3-7", "3-8", "3-9"]
    with pytest.raises(Unavailable, match="forgot the list 3 times"):
        await names(kube)


async def test_a_410_for_the_first_page_is_the_apis_own(server: ApiServer, kube: Kube) -> None:
    server.answers[PATH] = refusing(410, "Expired")
    with pytest.raises(Invalid, match="HTTP 410"):
        await names(kube)


async def test_records_that_somebody_made_large_are_read_in_smaller_pages(
    kube: Kube, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever may create records could make the list unreadable."""
    monkeypatch.setattr(transport, "MOST", 2**16)
    pages = Pages(*"abcdefg")
    pages.largest = 2
    server.answers[PATH] = pages.answer
    assert await names(kube) == list("abcdefg")
    assert [each.query["limit"] for each in server.requests] == ["500", "62", "7", *"1111111"]


async def test_one_record_that_is_too_large_is_said(kube: Kube, some: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST", 2**16)
    some.largest = 0
    with pytest.raises(MalformedResponse, match="more than"):
        await names(kube)


class Sized(Kube):
    """Answers an empty list that is said to have so many characters."""

    def __init__(self, size: int) -> None:
        """Without a way to it."""
        self.size = size

    async def get(self, path: str, *, timeout: float, query: Mapping[str, str] | None = None) -> Response:  # noqa: ARG002 -- the signature of what it stands for
        """The last page of it."""
        return Response({"items": []}, None, self.size)


async def test_a_list_is_read_up_to_64_mib() -> None:
    assert (await Sized(67_108_864).list_all(PATH, timeout=ENOUGH, kept=dict)).body["items"] == []
    with pytest.raises(MalformedResponse, match="the list has more than 64 MiB, which is not read"):
        await Sized(67_108_865).list_all(PATH, timeout=ENOUGH, kept=dict)


ENDLESS: dict[str, Any] = {
    "the same page for ever": ({"metadata": {"continue": "x"}, "items": []}, "names itself as the next"),
    "a token that is none": ({"metadata": {"continue": 7}, "items": []}, "names itself as the next"),
    "metadata that is none": ({"metadata": [], "items": []}, "something that is not a list"),
    "items that are none": ({"items": {}}, "something that is not a list"),
    "no items": ({}, "something that is not a list"),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_a_list_that_is_none_is_malformed(case: str, server: ApiServer, kube: Kube) -> None:
    body, words = ENDLESS[case]
    server.answers[PATH] = answering(body)
    with pytest.raises(MalformedResponse, match=words):
        await names(kube)


async def test_a_list_that_takes_too_long_ends_in_time(server: ApiServer, kube: Kube) -> None:
    async def more(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"continue": str(len(server.requests))}, "items": []})

    server.answers[PATH] = more
    with pytest.raises(RequestTimeout):
        await Remediations(kube, "cf", 0.3).list(dict)


async def test_a_record_is_read_created_and_swapped_by_its_name(server: ApiServer, kube: Kube) -> None:
    records, one = Remediations(kube, "cf", ENOUGH), f"{PATH}/diego-api-r1"
    stored = {"metadata": {"name": "diego-api-r1", "resourceVersion": "7"}}
    server.answers |= dict.fromkeys((PATH, one, f"{one}/status"), answering(stored))
    created = await records.create("diego-api-r1", {"a": "b"}, {"environment": "cf"})
    assert [await records.get("diego-api-r1"), created, await records.swap_status(stored)] == [stored] * 3
    sent = [(each.method, each.path, json.loads(each.body or "{}")) for each in server.requests]
    record = {
        "apiVersion": "stagekeeper.dev/v1alpha1",
        "kind": "Remediation",
        "metadata": {"name": "diego-api-r1", "namespace": "cf", "labels": {"a": "b"}},
        "spec": {"environment": "cf"},
    }
    assert sent == [("POST", PATH, record), ("GET", one, {}), ("PUT", f"{one}/status", stored)]


async def test_records_without_a_crd_are_said_to_be_that(kube: Kube) -> None:
    with pytest.raises(KubeError, match="is not installed in this cluster"):
        await names(kube)
