"""Kubeconfig files, found and merged as client-go does it: one cluster and one user come out.

The rules (k8s.io/client-go: tools/clientcmd/loader.go, validation.go): `KUBECONFIG` is a list; missing and empty files
in it are skipped; of two entries with one name the first wins, whole; `current-context` is the first that is set; a
relative path is relative to the file that it stands in. What kubectl refuses is refused here.

No message holds a value of an entry: names of files, entries and keys are all that is said.
"""

import base64
import json
import os
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_LARGEST = 8 * 2**20
"""Bytes of one file, or of one that it names. Nobody's is larger, and a device never ends."""
_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_CLUSTER = {
    "server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data",
    "proxy-url", "disable-compression", "extensions",
}  # fmt: skip
_USER = {
    "client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile", "as",
    "as-uid", "as-groups", "as-user-extra", "username", "password", "auth-provider", "exec", "extensions",
}  # fmt: skip
_SAYABLE = re.compile(r"[A-Za-z][\w.-]{0,40}")
"""What may be said of an unknown key: a misspelt word is one, a token that has slipped there is not."""


class KubeconfigError(Exception):
    """A kubeconfig can't be used. The message is a sentence without its end, and holds no value of an entry."""


_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """YAML as Go's library reads it into JSON: what looks like a date, 12:30:45, or = stays text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML's own way to say it
        first: [
            (f"{_TAG}str", re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?$")),
            *(each for each in resolvers if each[0] not in {f"{_TAG}timestamp", f"{_TAG}value"}),
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class KubeconfigEntry:
    """A mapping in a kubeconfig, read by keys. Each method raises `KubeconfigError` for a value of another type."""

    file: Path
    name: str
    """How messages name it, such as `user "admin"`."""
    content: Mapping[Any, Any] = field(repr=False)

    def wrong(self, what: str) -> KubeconfigError:
        """The error that says `what` of this entry."""
        return KubeconfigError(f"{self.name} in {self.file}: {what}" if self.name else f"{self.file}: {what}")

    def text(self, key: str) -> str:
        """The text of `key`; empty if it is not there."""
        found = self.content.get(key)
        if found is not None and not isinstance(found, str):
            raise self.wrong(f"{key} must be text; put it into quotes")
        return found or ""

    def flag(self, key: str) -> bool:
        """Whether `key` is true."""
        found = self.content.get(key)
        if found is not None and not isinstance(found, bool):
            raise self.wrong(f"{key} must be true or false")
        return bool(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts of `key`."""
        found = self.content.get(key) or ()
        if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
            raise self.wrong(f"{key} must be a list of texts")
        return tuple(found)

    def data(self, key: str) -> bytes:
        """The bytes that `key` holds in base64."""
        try:
            return base64.b64decode("".join(self.text(key).split()), validate=True)
        except ValueError:
            raise self.wrong(f"{key} is not base64") from None

    def path(self, key: str) -> Path | None:
        """The file that `key` names."""
        found = self.text(key)
        return self.file.absolute().parent / found if found else None

    def part(self, key: str) -> "KubeconfigEntry | None":
        """The mapping below `key`; None if it is not there."""
        found = self.content.get(key)
        if found is not None and not isinstance(found, Mapping):
            raise self.wrong(f"{key} must be a mapping")
        return (
            None if found is None else KubeconfigEntry(self.file, f"{key} of {self.name}" if self.name else key, found)
        )

    def parts(self, key: str) -> list["KubeconfigEntry"]:
        """The mappings in the list below `key`."""
        found = self.content.get(key) or []
        if not isinstance(found, list) or not all(isinstance(each, Mapping | None) for each in found):
            raise self.wrong(f"{key} must be a list of mappings")
        return [KubeconfigEntry(self.file, f"{key} of {self.name}" if self.name else key, each or {}) for each in found]

    def material(self, key: str) -> "Material | None":
        """What `key`-data holds or the file that `key` names; both at once are refused, as kubectl does."""
        data, path = self.data(f"{key}-data"), self.path(key)
        if data and path:
            raise self.wrong(f"{key} and {key}-data exclude each other")
        return Material(self, key, path, data) if data or path else None


@dataclass(frozen=True, slots=True)
class Material:
    """A certificate or a key, in the kubeconfig or in a file."""

    entry: KubeconfigEntry
    key: str
    path: Path | None
    data: bytes = field(repr=False)

    def read(self) -> bytes:
        """The bytes. Raises `KubeconfigError`."""
        if self.path is None:
            return self.data
        try:
            return read_bounded(self.path)
        except OSError as problem:
            why = problem.strerror or type(problem).__name__
            raise self.entry.wrong(f"{self.key}: {self.path} can't be read ({why})") from problem


@dataclass(frozen=True, slots=True)
class ContextEntries:
    """The cluster and the user that a context names, and keys of theirs that mean nothing."""

    cluster: KubeconfigEntry
    user: KubeconfigEntry
    unknown: tuple[str, ...]
    """Each as entry, file and key; kubectl ignores such keys, so they are no error by themselves."""


def read_bounded(path: Path) -> bytes:
    """The content of a file. Raises `OSError`, also for one that is larger than anything that is meant."""
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(0, "too large")
    return content


def decoded(content: bytes) -> Any:
    """JSON, or the first document of YAML, in UTF-8 or (as PowerShell writes it) UTF-16.

    Raises `yaml.YAMLError`, `ValueError`, `RecursionError`.
    """
    text = content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    with suppress(ValueError):  # JSON first: it may have tabs, which PyYAML takes in no YAML
        return json.loads(text)
    try:
        return next(yaml.load_all(text, _Loader), None)
    except (AttributeError, LookupError, TypeError):  # so PyYAML, of a value that does not fit its tag
        raise ValueError("a value does not fit its tag") from None


def find(explicit: Path | None, context: str | None, environ: Mapping[str, str] = os.environ) -> ContextEntries:
    """What the files say: `explicit` alone, else those of `$KUBECONFIG`, else `~/.kube/config`.

    Raises `KubeconfigError`.
    """
    documents = [each for path in _paths(explicit, environ) if (each := _document(path, needed=bool(explicit)))]
    if not documents:
        raise KubeconfigError("no such file, or nothing in it")
    named: dict[str, dict[str, tuple[KubeconfigEntry, KubeconfigEntry]]] = {section: {} for section in _SECTIONS}
    for document in documents:
        for section, kind in _SECTIONS.items():
            for name, entry in _named(document, section, kind):
                named[section].setdefault(name, entry)
    current = context or next((name for each in documents if (name := each.text("current-context"))), "")
    if not current:
        raise KubeconfigError("no current-context is set; name one with --context")
    return _resolved(current, named)


def described(explicit: Path | None) -> str:
    """Where `find` looks, for messages."""
    if explicit:
        return str(explicit)
    return f"KUBECONFIG={os.environ['KUBECONFIG']}" if os.environ.get("KUBECONFIG") else "~/.kube/config"


def _paths(explicit: Path | None, environ: Mapping[str, str]) -> list[Path]:
    if explicit:
        return [explicit]
    listed = environ.get("KUBECONFIG", "")
    if not listed:
        try:
            return [Path.home() / ".kube" / "config"]
        except RuntimeError as problem:
            raise KubeconfigError(
                "HOME is not set, and this user has no home; name a file with --kubeconfig"
            ) from problem
    return [Path(each) for each in dict.fromkeys(listed.split(os.pathsep)) if each]


def _document(path: Path, *, needed: bool) -> KubeconfigEntry | None:
    """The file's content; None if it has none, or is not there and need not be."""
    try:
        content = decoded(read_bounded(path))
    except FileNotFoundError as problem:
        if needed:
            raise KubeconfigError("no such file") from problem
        return None
    except OSError as problem:
        raise KubeconfigError(f"{path}: {problem.strerror or 'unreadable'}") from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)  # the rest of its message quotes the file
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise KubeconfigError(f"{path} is neither YAML nor JSON{where}") from None
    except (ValueError, RecursionError):
        raise KubeconfigError(f"{path} is neither YAML nor JSON in UTF-8") from None
    if content is None:
        return None
    if not isinstance(content, Mapping) or str(content.get("kind", "Config")) not in {"Config", ""}:
        raise KubeconfigError(f"{path} is not a kubeconfig (a mapping of the kind Config)")
    return KubeconfigEntry(path, "", content)


def _named(
    document: KubeconfigEntry, section: str, kind: str
) -> Iterator[tuple[str, tuple[KubeconfigEntry, KubeconfigEntry]]]:
    """The entries of one section by name, each with the list's item around it."""
    names: set[str] = set()
    for item in document.parts(section):
        name = item.text("name")
        if name in names:
            raise document.wrong(f'{section} has two entries of the name "{name}"')
        names.add(name)
        inner = item.part(kind)
        yield (
            name,
            (
                KubeconfigEntry(document.file, f'{kind} "{name}"', inner.content if inner else {}),
                KubeconfigEntry(document.file, f'{kind} "{name}"', item.content),
            ),
        )


def _resolved(
    current: str, named: Mapping[str, Mapping[str, tuple[KubeconfigEntry, KubeconfigEntry]]]
) -> ContextEntries:
    if current not in named["contexts"]:
        known = ", ".join(sorted(named["contexts"])) or "none"
        raise KubeconfigError(f'there is no context "{current}"; there are: {known}')
    context, item = named["contexts"][current]
    found: list[KubeconfigEntry] = []
    misspelt = _unknown(item, {"name", "context"})
    unknown = [f"{context.name} in {context.file}: {each}" for each in misspelt]
    for key, section, known_keys in (("cluster", "clusters", _CLUSTER), ("user", "users", _USER)):
        name = context.text(key)
        if key == "user" and not name and not found[0].text("server").lower().startswith("https:"):
            found.append(KubeconfigEntry(context.file, "no user", {}))  # `kubectl proxy` asks for none
            continue
        if not name or name not in named[section]:
            named_it = f'the {key} "{name}", which is not there' if name else f"no {key}"
            raise context.wrong(f"it names {named_it}{_but(misspelt)}")
        entry, item = named[section][name]
        strange = [*_unknown(item, {"name", key}), *_unknown(entry, known_keys)]
        if not entry.content.keys() & known_keys and strange:
            raise entry.wrong(f"nothing that is known stands there{_but(strange)}")
        unknown += [f"{entry.name} in {entry.file}: {each}" for each in strange]
        found.append(entry)
    return ContextEntries(found[0], found[1], tuple(unknown))


def _unknown(entry: KubeconfigEntry, known: set[str]) -> list[str]:
    strange = [str(key) for key in entry.content if key not in known]
    return [f'the key "{key}"' if _SAYABLE.fullmatch(key) else f"a key of {len(key)} characters" for key in strange]


def _but(unknown: list[str]) -> str:
    return f", but {' and '.join(unknown)}; is it misspelt?" if unknown else ""
