"""The image as buildah makes it of image/Containerfile, as it is."""

from pathlib import Path

import pytest

from tests.testbed.node.builder import Builder
from tests.testbed.node.images import Image

pytestmark = pytest.mark.node
_MEBIBYTE = 2**20
_COMPILERS = {"cc", "gcc", "g++", "clang", "ld", "as", "make", "go", "rustc"}


@pytest.fixture(scope="module")
def ours(product_image: Image) -> dict[str, int]:
    """The files that it adds to its base, with their sizes."""
    return {each.name: each.size for each in product_image.files(-1) if each.isfile()}


def test_it_runs_as_nobody_in_particular(product_image: Image) -> None:
    assert product_image.config["config"]["User"] == "65532:65532"
    assert product_image.config["config"]["Entrypoint"] == ["stagekeeper"]


def test_it_adds_one_layer_of_modest_size(product_image: Image, ours: dict[str, int]) -> None:
    assert len(product_image.manifest["layers"]) == 2
    assert 20 * _MEBIBYTE < sum(ours.values()) < 80 * _MEBIBYTE


def test_everything_that_it_adds_is_in_its_own_folder(ours: dict[str, int]) -> None:
    assert {name for name in ours if not name.startswith("opt/stagekeeper/")} == set()


def test_it_has_a_bill_of_materials_and_neither_compilers_nor_tests(product_image: Image, ours: dict[str, int]) -> None:
    assert "opt/stagekeeper/sbom.cdx.json" in ours
    parts = {part for name in ours for part in Path(name).parts}
    assert not parts & {"test", "tests", "simulator", "pip", "pytest"}
    commands = {
        Path(each.name).name for each in product_image.files(0) if Path(each.name).parent.name in {"bin", "sbin"}
    }
    assert not (commands | {Path(name).name for name in ours}) & _COMPILERS


def test_two_builds_of_the_same_are_the_same_image(builder: Builder, context: Path) -> None:
    base = builder.base()
    first, second = builder.product(base, context, "first"), builder.product(base, context, "second")
    assert first.digest == second.digest
    builder.clean()
