"""What is fuzzed. A target takes bytes, and raises only where the product is at fault."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import yaml
from prometheus_client import CollectorRegistry

from exporter.assessment import judged
from exporter.counters import Counters
from exporter.history import entry
from exporter.metrics import Scrape
from exporter.samples import ScrapeData
from exporter.settings import Reloads, exporter_settings
from incidents.reading import from_text
from incidents.replay import replay
from remediator import record
from remediator.alertmanager import Receivers
from remediator.decision import decide
from remediator.inputs import DeletePod
from remediator.intake import Judgement, Verdict
from remediator.reconciler import Reconciler
from remediator.remediation import Request
from remediator.settings import remediator_settings
from remediator.webhook import Refused, Webhook, parse
from stagekeeper.config.document import parse as parse_settings
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.diagnosis import diagnose
from stagekeeper.diego.domains import told
from stagekeeper.diego.environments import environments
from stagekeeper.diego.observation import BbsPod, Observation, Probe, Reply
from stagekeeper.diego.ping import PING, NotABbs, exchange, meaning
from stagekeeper.kube import objects
from stagekeeper.kube.client import _decoded
from stagekeeper.service.metrics import metrics_response
from tests.diego.observations import NOW
from tests.fuzz.shaping import shaped
from tests.fuzz.templates import CONFIGURATION, INCIDENT, KUBERNETES, NOTIFICATION, REMEDIATION, WORDS
from tests.remediator.builders import ACT, inputs
from tests.remediator.receiving import MemoryCluster

Target = Callable[[bytes], None]
_REPLAYED = 300.0
"""Seconds of an incident that are replayed: a fuzzer would rather replay thirty days."""


def webhook(data: bytes) -> None:
    """Any body is refused, or judged with one verdict for each alert that can be sent back as JSON."""
    with suppress(Refused):
        notification = parse(_raw_or_shaped(data, NOTIFICATION))
        verdicts = asyncio.run(_judge(notification))
        assert len(verdicts) == len(notification.alerts)
        json.dumps(verdicts).encode()


class _Opening(Reconciler):
    """Opens a remediation for whatever asks."""

    def __init__(self) -> None:
        super().__init__(MemoryCluster(), ACT)
        self.opened: list[Request] = []

    async def open(self, request: Request) -> Verdict:
        """Opened, and told."""
        self.opened.append(request)
        return Verdict(Judgement.OPENED, "opened", "diego-api-r1")


async def _judge(notification: Any) -> list[dict[str, Any]]:
    reconciler = _Opening()
    verdicts = await Webhook("StagerUnavailable", {"cf": reconciler}, lambda: False, Receivers("stagekeeper")).judge(
        notification
    )
    assert [each.environment for each in reconciler.opened] in ([], ["cf"])
    return verdicts


def bbs(data: bytes) -> None:
    """Any bytes are a reply: nothing but a BBS's own answer is one that serves."""
    reply, detail = asyncio.run(_exchange(data))
    if reply is Reply.OK:
        assert b"200" in data
        assert b"\x08\x01" in data
    assert detail or reply is Reply.OK


class _Writer:
    def write(self, _data: bytes) -> None:
        """Take the request."""

    async def drain(self) -> None:
        """Be ready at once."""


async def _exchange(data: bytes) -> tuple[Reply, str]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await said(reader, _Writer())  # type: ignore[arg-type]  # the two methods that are used


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Reply, str]:
    """What a ping over this connection means, as the probe takes it."""
    try:
        return meaning(PING, *await exchange(reader, writer, PING))
    except NotABbs as problem:
        return Reply.BAD_REPLY, str(problem)


def domains(data: bytes) -> None:
    """Any body is a list of domains, or a sentence about it."""
    found = told(Probe(Reply.OK, body=data))
    assert found.listed is not bool(found.detail)
    json.dumps(found.names).encode()


def kubernetes(data: bytes) -> None:
    """Any JSON in place of pods and StatefulSet is read, judged and published without an exception."""
    parts = _decoded(json.dumps(shaped(KUBERNETES, data, WORDS))) or {}
    listed = objects.items({"items": parts.get("pods")})
    replies = [Reply.REFUSED, Reply.OK, Reply.TIMEOUT]
    pods = [objects.pod(each) for each in listed]
    seen = Observation(
        environment="cf",
        taken_at=NOW,
        service=Probe(Reply.REFUSED),
        pods=tuple(
            BbsPod(each, each.labels.get("skiff-role-active") == "true", Probe(replies[len(data) % 3])) for each in pods
        ),
        workloads=(objects.statefulset(parts.get("statefulset")),),
        steady=True,
    )
    for each in objects.items({"items": parts.get("slices")}):
        objects.ready_addresses(each)
    found_diagnosis = diagnose(seen)
    assert found_diagnosis.why
    observation = judged(seen, NOW.timestamp(), 0.1)
    entry(observation, {}).details()
    metrics_response(
        {},
        Scrape(
            (ScrapeData("cf", observation, Counters().add(observation), {}),),
            Reloads(successful=True, succeeded_at=0.0),
            CollectorRegistry(),
        ),
    )


def remediation(data: bytes) -> None:
    """Any record, whoever wrote it, is unreadable or leads to a decision that can be stored and deletes only ours."""
    source = _decoded(json.dumps(shaped(REMEDIATION, data, WORDS))) or {}
    with suppress(record.Unreadable):
        remediation = record.load(source)
        assert record.load(record.store(remediation)) == record.load(
            record.store(record.load(record.store(remediation)))
        )
        after, _, action = decide(remediation, inputs())
        json.dumps(record.store(after))
        if isinstance(action, DeletePod):
            assert action.pod.owner == "diego-api"
            assert action.pod.uid == action.planned.uid


def configuration(data: bytes) -> None:
    """Any file is a configuration, or a list of sentences about it."""
    with suppress(ConfigurationError):
        document = parse_settings(_yaml(data, CONFIGURATION), "fuzzed.yaml")
        environments(document)
        exporter_settings(document)
        remediator_settings(document)


def incident(data: bytes) -> None:
    """Any file is an incident that can be replayed, or a list of sentences about it."""
    with suppress(ConfigurationError):
        found = from_text(_yaml(data, INCIDENT), "fuzzed.yaml")
        replay(found.model_copy(update={"until": min(found.until, _REPLAYED)}))


TARGETS: Mapping[str, Target] = {
    target.__name__: target for target in (webhook, bbs, domains, kubernetes, remediation, configuration, incident)
}


def _raw_or_shaped(data: bytes, template: Any) -> bytes:
    """By the first byte: the rest as it is, or the template changed by the rest."""
    if data[:1] == b"!":
        return json.dumps(shaped(template, data[1:], WORDS)).encode()
    return data


def _yaml(data: bytes, template: Any) -> str:
    if data[:1] == b"!":
        return str(yaml.safe_dump(shaped(template, data[1:], WORDS)))
    return data.decode(errors="replace")
