"""Tests that share something dear stay together: were they apart, all would pass, only much later."""

from types import SimpleNamespace

import pytest

from tests.order import _FIRST, _TOGETHER, TESTS, TogetherScheduling


class _Node:
    """A worker, as far as the scheduler talks to it."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        """Remember what it is to run."""
        self.sent += indices

    def shutdown(self) -> None:
        """Nothing more comes."""
        self.shutting_down = True


def test_tests_that_share_something_go_to_one_worker(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytestconfig.option, "tx", ["2*popen"])
    monkeypatch.setattr(pytestconfig.option, "loadscopereorder", False)
    shared = [f"tests/image/test_{name}.py::test_it" for name in ("one", "two", "three")]
    alone = [f"tests/kube/test_client.py::test_it[{number}]" for number in range(3)]
    scheduler = TogetherScheduling(pytestconfig)
    nodes = [_Node("gw0"), _Node("gw1")]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, [*shared, *alone])
    scheduler.schedule()
    assert [set(node.sent) & {0, 1, 2} for node in nodes] == [{0, 1, 2}, set()]
    assert len(nodes[1].sent) > 1


@pytest.mark.parametrize("path", [*_FIRST, *(path for paths in _TOGETHER.values() for path in paths)])
def test_every_place_exists(path: str) -> None:
    assert list(TESTS.glob(f"{path}*"))
