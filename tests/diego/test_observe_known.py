"""What an observer keeps from its last observation: where to ask, and nothing of what was answered there."""

import asyncio

from stagekeeper.diego.observation import NOT_CONFIGURED, Probe, Reply
from stagekeeper.diego.observe import Observer
from tests.diego.listeners import listening
from tests.diego.world import ENOUGH, PODS, Cluster, pod
from tests.kube.api_server import hanging


async def test_pods_of_the_last_observation_are_asked_before_the_list_has_come(world: Cluster) -> None:
    asked = asyncio.Queue[None]()

    async def converse(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(None)

    async with listening(converse) as port:
        here = world.with_(port=port, service_host="127.0.0.2")
        observer = Observer(here.environment, here.kube)
        await observer.observe(ENOUGH)
        await asyncio.wait_for(asked.get(), ENOUGH)
        await asyncio.wait_for(asked.get(), ENOUGH)
        world.api.answers[PODS] = hanging
        observation = asyncio.create_task(observer.observe(ENOUGH))
        await asyncio.wait_for(asked.get(), ENOUGH)
        observation.cancel()
        await asyncio.wait({observation})


async def test_a_pod_that_is_gone_since_the_last_observation_is_not_heard(world: Cluster) -> None:
    observer = Observer(world.environment, world.kube)
    await observer.observe(ENOUGH)
    world.pods([pod("diego-api-0", uid="another")])
    seen = await observer.observe(ENOUGH)
    assert [(each.pod.uid, each.reply) for each in seen.known_pods] == [("another", Reply.REFUSED)]


async def test_a_pod_that_has_another_address_since_the_last_observation_is_asked_there(world: Cluster) -> None:
    observer = Observer(world.environment, world.kube)
    await observer.observe(ENOUGH)
    world.pods([pod("diego-api-0", ip="127.0.0.2"), pod("diego-api-1")])
    seen = await observer.observe(ENOUGH)
    assert [isinstance(each.probe, Probe) and each.probe.address for each in seen.known_pods] == [
        "127.0.0.2",
        "127.0.0.1",
    ]


async def test_an_answer_is_not_heard_if_the_second_list_shows_another_address(world: Cluster) -> None:
    world.pods([pod("diego-api-0")], [pod("diego-api-0", ip="127.0.0.2")])
    assert (await world.observe()).known_pods[0].probe is NOT_CONFIGURED
