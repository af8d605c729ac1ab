"""The deep probe: what each answer to `/v1/domains/list` means, and that no diagnosis asks for it."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.domains import PATH, told
from stagekeeper.diego.observation import NOT_CONFIGURED, Domains, Observation, Probe, Reply
from stagekeeper.diego.observe import Observer
from tests.diego.listeners import PONG, Certificates, Conversation, listening
from tests.diego.observations import healthy
from tests.diego.world import ENOUGH, Cluster

CF_APPS, CF_TASKS = b"\x12\x07cf-apps", b"\x12\x08cf-tasks"
ERROR = b"\x0a\x0e\x08\x1c\x12\x0adatabase??"
NO_LIST = "bytes that are no list of domains"


def ok(body: bytes) -> Probe:
    return Probe(Reply.OK, body=body)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (ok(CF_APPS + CF_TASKS), Domains(listed=True, names=("cf-apps", "cf-tasks"))),
        (ok(CF_TASKS), Domains(listed=True, names=("cf-tasks",))),
        (ok(b""), Domains(listed=True)),
        (ok(ERROR), Domains(listed=False, detail="error 28: database??")),
        (ok(b"\x0a\x03\x08\xac\x02"), Domains(listed=False, detail="error 300: ")),
        (ok(b"\x0a\x00"), Domains(listed=False, detail="error 0: ")),
        (ok(CF_APPS + ERROR), Domains(listed=False, detail="error 28: database??")),
        (ok(b"\x18\x96\x01\x21abcdefgh\x2dabcd" + CF_APPS), Domains(listed=True, names=("cf-apps",))),
        (ok(b"\x12\x02\xff\xfe"), Domains(listed=True, names=("\ufffd\ufffd",))),
        (ok(b"<html>"), Domains(listed=False, detail=f"6 {NO_LIST}")),
        (ok(b"\x12\x7fcf"), Domains(listed=False, detail=f"4 {NO_LIST}")),
        (ok(b"\x10\x01"), Domains(listed=False, detail=f"2 {NO_LIST}")),
        (ok(b"\x08\x01"), Domains(listed=False, detail=f"2 {NO_LIST}")),
        (ok(b"\xff" * 12), Domains(listed=False, detail=f"12 {NO_LIST}")),
        (Probe(Reply.NO_REPLY, "no answer within 3 s"), Domains(listed=False, detail="no_reply: no answer within 3 s")),
        (Probe(Reply.REFUSED), Domains(listed=False, detail="refused")),
    ],
)
def test_each_answer_has_its_meaning(probe: Probe, expected: Domains) -> None:
    assert told(probe) == expected


@given(st.binary(max_size=64))
def test_any_bytes_are_read_without_an_error(body: bytes) -> None:
    assert isinstance(told(ok(body)), Domains)


@pytest.mark.parametrize("domains", [Domains(listed=False, detail="error 28"), Domains(listed=True), NOT_CONFIGURED])
def test_the_diagnosis_does_not_ask_for_it(domains: Domains) -> None:
    assert diagnose(healthy(domains=domains)).name == diagnose(healthy()).name


def bbs(domains: bytes | None) -> Conversation:
    """A BBS that answers its ping, and the list of domains with this answer; None: never."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(f"POST {PATH} ".encode()):
            if domains is None:
                await reader.read()
                return
            writer.write(domains)
        else:
            writer.write(PONG)
        await writer.drain()

    return converse


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


async def deep_observation(
    world: Cluster, certs: Certificates, domains: bytes | None, *, deep: bool = True
) -> Observation:
    async with listening(bbs(domains), certs.server()) as port:
        there = replace(world.environment, port=port, tls=certs.client, probe_timeout=2.0)
        return await Observer(there, world.kube, deep=deep).observe(ENOUGH)


@pytest.mark.parametrize(
    ("domains", "listed", "said"),
    [
        (answer(CF_APPS), True, "Deep probe: the domains are cf-apps."),
        (answer(b""), True, "Deep probe: the list of domains is empty."),
        (answer(ERROR), False, "Deep probe: no list of domains (error 28: database??)."),
        (answer(b"", "503 Service Unavailable"), False, "(unavailable: HTTP 503 with an empty body)."),
        (None, False, "(no_reply: no answer within 2 s (request))."),
    ],
)
async def test_a_serving_bbs_is_asked_over_the_wire(
    domains: bytes | None, said: str, *, listed: bool, world: Cluster, certs: Certificates
) -> None:
    seen = await deep_observation(world, certs, domains)
    assert isinstance(seen.domains, Domains)
    assert seen.domains.listed is listed
    assert seen.service_ok
    assert diagnose(seen).evidence[-1].endswith(said)


async def test_it_is_off_unless_somebody_asks_for_it(world: Cluster, certs: Certificates) -> None:
    seen = await deep_observation(world, certs, answer(CF_APPS), deep=False)
    assert seen.domains is NOT_CONFIGURED


async def test_a_bbs_that_does_not_serve_is_not_asked(world: Cluster, certs: Certificates) -> None:
    there = replace(world.environment, tls=certs.client)
    assert (await Observer(there, world.kube, deep=True).observe(ENOUGH)).domains is NOT_CONFIGURED
