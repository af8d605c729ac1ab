"""A YAML file of ours: read once for everybody, with the line of every key, whatever it contains."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stagekeeper.config.errors import ConfigurationError

SECTIONS = ("environments", "exporter", "remediator")
"""The keys of the configuration file; each program validates its own section, and `environments` is shared."""

_MOST_KEYS = 10_000
"""Keys of one file, aliases followed: more are a mistake, or an attempt to make us busy."""
_LONGEST_NUMBER = 100
"""Characters. Python writes no number of more than 4,300 digits, and a short hexadecimal one has more (`0x...`)."""
_PYYAML_RAISES = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What PyYAML lets through for a value that does not fit its explicit tag (`!!int ""`), and for a date that is none."""
_NAMED = re.compile(r"""\b(alias|anchor|tag|tag handle) (?:'(?:[^'\\]|\\.)*'|"[^"]*")""")
"""A password that begins with `*`, `&` or `!` is one of these to YAML, which would quote it, wherever it stands."""
SECRET = re.compile("token|password|passwd|secret|credential|authorization|key_file|basic_auth", re.IGNORECASE)
"""What a key is called whose value is not to be printed."""
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_WHOLE = "tag:yaml.org,2002:int"

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration file as read, and the line on which each key stands."""

    data: Mapping[str, Any] = field(default_factory=dict)
    source: str = "the defaults"
    lines: Mapping[Place, int] = field(default_factory=dict)

    def section(self, name: str) -> Any:
        """The value of one top-level key, None where the file has none."""
        return self.data.get(name)

    def where(self, place: Place) -> str:
        """`file:line: ` of a key, or of the nearest thing around it that has a line."""
        line = next((self.lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in self.lines), None)
        return f"{self.source}:{line}: " if line else f"{self.source}: "

    def problem(self, place: Place, sentence: str) -> ConfigurationError:
        """A mistake at `place`, said with its line and its key."""
        return ConfigurationError(
            f"{self.where(place)}{spell(place)}: {sentence}" if place else f"{self.where(place)}{sentence}"
        )


def read(path: Path | None) -> Document:
    """The file at `path`, or an empty document without one. Raises `ConfigurationError`."""
    if path is None:
        return Document()
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as problem:
        raise ConfigurationError(
            f"{path}: can't be read: {problem.strerror}. Name a readable file with --config.file."
        ) from problem
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{path}: is not UTF-8 text (byte {problem.start}).") from problem


def parse(text: str, source: str, sections: Sequence[str] = SECTIONS) -> Document:
    """A document from YAML text, with `sections` as its top-level keys (none: any); `source` names it in messages.

    Keys are text, whatever YAML makes of such values: a user may be called `no`. Raises `ConfigurationError`.
    """
    lines: dict[Place, int] = {}
    try:
        data = _loaded(text, lines, source)
    except yaml.YAMLError as problem:
        raise ConfigurationError(_not_yaml(problem, source)) from problem
    except RecursionError as problem:
        raise ConfigurationError(f"{source}: is nested too deeply, or contains itself by an alias.") from problem
    except _PYYAML_RAISES as problem:
        said = "a value does not fit its tag" if "'" in str(problem) else str(problem)  # it may quote a password
        raise ConfigurationError(f"{source}: is not valid YAML: {said}.") from problem
    if data is None:
        return Document(source=source)
    document = Document(data if isinstance(data, Mapping) else {}, source, lines)
    if not isinstance(data, Mapping):
        keys = f" with the keys {', '.join(sections)}" if sections else ""
        raise document.problem((), f"the file must be a mapping{keys}.")
    for key in data if sections else ():
        if key not in sections:
            raise document.problem((key,), f"unknown key{hint(key, sections)}. Known are {', '.join(sections)}.")
    return document


def spell(place: Place) -> str:
    """A place as a person writes it: `environments[0].service.host`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")


def hint(given: str, known: Sequence[str]) -> str:
    """` (did you mean x?)`, or nothing where no known key is near."""
    near = difflib.get_close_matches(given, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _not_yaml(problem: yaml.YAMLError, source: str) -> str:
    mark = getattr(problem, "problem_mark", None)
    at = f":{mark.line + 1}" if mark else ""
    said = [getattr(problem, "context", None), getattr(problem, "problem", None)]
    what = ", ".join(filter(None, said)) or str(problem).splitlines()[0]
    what, hidden = _NAMED.subn(r"\1", what)
    do = "; put quotes around a value that begins with *, & or !" if hidden else ""
    return f"{source}{at}: is not valid YAML: {what}{do}."


def _loaded(text: str, lines: dict[Place, int], source: str) -> Any:
    """The value, with the line of every key in `lines`. First the lines: making the value melts merges away."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        _collect(node, (), lines, source)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _collect(node: yaml.Node | None, place: Place, lines: dict[Place, int], source: str) -> None:
    """Note the line of every key below `node`; a key given twice is a mistake that YAML itself lets pass."""
    if len(lines) > _MOST_KEYS:
        raise ConfigurationError(f"{source}: has more than {_MOST_KEYS} keys, aliases followed.")
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*place, index)] = item.start_mark.line + 1
            _collect(item, (*place, index), lines, source)
    elif isinstance(node, yaml.MappingNode):
        node.value = [(_as_text(key), item) for key, item in node.value]
        for key, item in node.value:
            at = (*place, str(key.value))
            line = key.start_mark.line + 1
            if at in lines:
                raise ConfigurationError(
                    f"{source}:{line}: {spell(at)}: is given twice; the first is on line {lines[at]}."
                )
            lines[at] = line
            _collect(item, at, lines, source)
    elif isinstance(node, yaml.ScalarNode) and node.tag == _WHOLE and len(node.value) > _LONGEST_NUMBER:
        raise ConfigurationError(f"{source}:{node.start_mark.line + 1}: {spell(place)}: is a number that is too long.")


def _as_text(key: yaml.Node) -> yaml.Node:
    """A key as it is written; `<<` is none."""
    if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
        return key
    return yaml.ScalarNode(_TEXT, key.value, key.start_mark, key.end_mark)
