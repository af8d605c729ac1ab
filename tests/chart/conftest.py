from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chart.helm import Helm
from tests.chart.operator_apis import PLURALS, definitions
from tests.chart.scene import Scene, scene
from tests.testbed.control_plane import ControlPlane


@pytest.fixture(scope="session")
def helm(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm without any cluster."""
    return Helm(program("helm"), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def cluster(helm: Helm, control_plane: ControlPlane) -> Helm:
    """Helm on the real Kubernetes API."""
    return Helm(helm.program, helm.home, control_plane.kubeconfig)


@pytest.fixture(scope="module")
def here(control_plane: ControlPlane, cluster: Helm) -> Iterator[Scene]:
    """The chart in mode act, with an environment, for a module's tests."""
    with scene(control_plane, cluster) as made:
        yield made


@pytest.fixture(scope="session")
def operator(control_plane: ControlPlane) -> None:
    """The Prometheus Operator's APIs, without the Operator."""
    files = [argument for file in definitions() for argument in ("--filename", str(file))]
    control_plane.kubectl("create", "--validate=false", *files)
    control_plane.wait_for_definitions(*(f"{plural}.monitoring.coreos.com" for plural in PLURALS.values()))
