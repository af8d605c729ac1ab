import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.cache import ROOT, SetupError
from scripts.release import context_of
from tests.testbed.binaries import MissingProgramError
from tests.testbed.missing import missing_component
from tests.testbed.node.builder import Builder, built
from tests.testbed.node.images import Image
from tests.testbed.node.machine import what_is_missing
from tests.testbed.node.node import Node
from tests.testbed.node.node import node as running_node
from tests.testbed.patience import HANG_GUARD

_BRIEF = (
    "test_helm_test_passes[cfee-1]",
    "test_the_tutorials_fault_is_ended_by_one_restart_of_each_pod[cfee-1]",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the story that `make test` runs as well."""
    for item in items:
        if item.name in _BRIEF:
            item.add_marker("brief")


@pytest.fixture(scope="session")
def _able() -> None:
    """Asks for a machine on which a node can run."""
    if missing := what_is_missing():
        missing_component("a real node", missing)


@pytest.fixture(scope="session")
def builder(_able: None, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """buildah, with nothing built yet."""
    try:
        return Builder(tmp_path_factory.mktemp("buildah"))
    except MissingProgramError as error:
        missing_component(error.name, error.how_to_get_it)


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What image/Containerfile copies, with the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=HANG_GUARD, check=True)
    (wheel,) = folder.glob("*.whl")
    return context_of(wheel, tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="session")
def images(_able: None, context: Path) -> tuple[Image, Image]:
    """The product's image and that of Diego's stand-ins."""
    try:
        return built(context)
    except MissingProgramError as error:
        missing_component(error.name, error.how_to_get_it)
    except SetupError as error:
        missing_component("a base image", str(error))


@pytest.fixture(scope="session")
def product_image(images: tuple[Image, Image]) -> Image:
    """The product's image."""
    return images[0]


@pytest.fixture(scope="session")
def stand_ins(images: tuple[Image, Image]) -> Image:
    """The image of Diego's stand-ins."""
    return images[1]


@pytest.fixture(scope="module")
def node(product_image: Image, stand_ins: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of this module's own, with the product's image and the stand-ins'."""
    try:
        with running_node(tmp_path_factory.mktemp("node"), [product_image, stand_ins]) as started:
            yield started
    except MissingProgramError as error:
        missing_component(error.name, error.how_to_get_it)
