import pytest

from tests.chart.effects import EFFECTS, Effect
from tests.chart.helm import Helm
from tests.chart.schema import paths

SHOWN_ELSEWHERE = {
    "crds.check": "only a cluster shows it: test_install.py",
}


def test_every_value_is_in_the_table_of_effects() -> None:
    assert {each.path for each in EFFECTS} | set(SHOWN_ELSEWHERE) == set(paths())


@pytest.mark.programs
@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.path)
def test_a_value_does_what_it_says(helm: Helm, effect: Effect) -> None:
    assert helm.template(values=effect.without).at(effect.place) != effect.expected
    assert helm.template(values=effect.values).at(effect.place) == effect.expected
