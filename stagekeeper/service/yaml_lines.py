"""A YAML file whose every error names the key and the line."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from stagekeeper.service.problems import ConfigurationProblem

_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the file, read key by key. `name` is its dotted place, empty for the file itself."""

    path: Path
    name: str
    entries: Mapping[str, tuple[yaml.Node, yaml.Node]]

    def refuse_all_but(self, known: Collection[str], refused: Mapping[str, str]) -> None:
        """Raise `ConfigurationProblem` for a key outside `known`; `refused` gives the reasons for keys we know of."""
        for key, (key_node, _) in self.entries.items():
            if key in refused:
                raise self._problem(key_node, key, f"is not supported: {refused[key]}")
            if key not in known:
                raise self._problem(key_node, key, f"is unknown; known here: {', '.join(sorted(known))}")

    def text(self, key: str) -> str | None:
        """Return a scalar as its text; None if it is absent, null or empty."""
        if key not in self.entries:
            return None
        value = self.entries[key][1]
        if not isinstance(value, yaml.ScalarNode):
            raise self._problem(value, key, "must be a single value")
        return None if value.tag.endswith(":null") else value.value or None

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return true or false; `default` if it is absent."""
        text = self.text(key)
        if text is None:
            return default
        if text.lower() not in _TRUTHS:
            raise self.wrong(key, f"must be true or false, not {text!r}")
        return _TRUTHS[text.lower()]

    def section(self, key: str) -> "Section":
        """Return the mapping under `key`; an empty one if it is absent or null."""
        name = self._place(key)
        if key not in self.entries:
            return Section(self.path, name, {})
        return _section(self.path, name, self.entries[key][1])

    def wrong(self, key: str, complaint: str) -> ConfigurationProblem:
        """Return the problem to raise about the value of `key`."""
        return self._problem(self.entries[key][1], key, complaint)

    def _place(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _problem(self, node: yaml.Node, key: str, complaint: str) -> ConfigurationProblem:
        return _problem(self.path, node, f"{self._place(key)} {complaint}")


def read_section(text: str, path: Path) -> Section:
    """Return the mapping that is the whole file; raise `ConfigurationProblem` where it is no YAML, or no mapping."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigurationProblem(f"{path}{line}: this is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ConfigurationProblem(f"{path}: this is not YAML: {error}.") from error
    return Section(path, "", {}) if node is None else _section(path, "", node)


def _section(path: Path, name: str, node: yaml.Node) -> Section:
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
        return Section(path, name, {})
    if not isinstance(node, yaml.MappingNode):
        raise _problem(path, node, f"{name or 'the file'} must be a mapping of keys to values")
    entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, key_node, value in _pairs(path, node):
        if key in entries:
            raise _problem(path, key_node, f"the key {key!r} is given twice")
        entries[key] = (key_node, value)
    return Section(path, name, entries)


def _pairs(path: Path, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    for key_node, value in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise _problem(path, key_node, "a key must be a single word")
        yield key_node.value, key_node, value


def _problem(path: Path, node: yaml.Node, complaint: str) -> ConfigurationProblem:
    return ConfigurationProblem(f"{path}, line {node.start_mark.line + 1}: {complaint}.")
