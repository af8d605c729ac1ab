"""Bad configuration files, each with the very message that a person gets: bad_configuration.yaml is the table."""

from pathlib import Path

import pytest
import yaml

from exporter.settings import load
from stagekeeper.config.errors import ConfigurationError
from stagekeeper.diego.environment_settings import EnvironmentSettings

TABLE = [
    (each["file"], each["message"])
    for each in yaml.safe_load(Path(__file__).with_name("bad_configuration.yaml").read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("text", "message"), TABLE)
def test_a_bad_file_is_told_by_line_key_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "stagekeeper.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    keys = ", ".join(EnvironmentSettings.model_fields)
    assert str(caught.value) == message.replace("FILE", str(path)).replace("ENVIRONMENT_KEYS", keys)


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len({text for text, _ in TABLE}) >= 40
