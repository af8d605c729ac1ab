"""What is in the image, as CycloneDX 1.6: made from the lock, with the licences that the installed files state.

The same lock and the same files give the same text: no time of day, and a serial number made of the content.
"""

import email
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any

_LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:(?P<digest>[0-9a-f]{64})")
_OURS = "stagekeeper"


class Mismatch(Exception):
    """What is installed is not what the lock says."""


def text(lock: str, library: Path) -> str:
    """The bill of materials of what stands in `library`. Raises Mismatch."""
    installed = {_normal(each["Name"]): each for each in _metadata(library)}
    locked = dict(_locked(lock))
    strangers = set(installed) - set(locked) - {_OURS}
    if strangers:
        raise Mismatch(f"{', '.join(sorted(strangers))}: installed, but not in the lock.")
    for name in set(installed) & set(locked):
        if installed[name]["Version"] != locked[name][0]:
            raise Mismatch(f"{name}: {installed[name]['Version']} is installed, {locked[name][0]} is locked.")
    components = [_component(name, *locked[name], installed[name]) for name in sorted(set(installed) & set(locked))]
    own = installed.get(_OURS)
    content = {
        "metadata": {"component": _component(_OURS, own["Version"], (), own) if own else {}},
        "components": components,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return json.dumps({**head, **content}, indent=2) + "\n"


def _locked(lock: str) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """Each name with its version, and the digests of the files that may be installed for it."""
    found = list(_LOCKED.finditer(lock))
    for each, following in zip(found, [*found[1:], None], strict=True):
        block = lock[each.end() : following.start() if following else len(lock)]
        yield _normal(each["name"]), (each["version"], tuple(sorted(_HASH.findall(block))))


def _metadata(library: Path) -> Iterator[Message]:
    for file in sorted(library.glob("*.dist-info/METADATA")):
        yield email.message_from_string(file.read_text(encoding="utf-8"))


def _component(name: str, version: str, digests: tuple[str, ...], metadata: Message) -> Mapping[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    found: dict[str, Any] = {
        "type": "application" if name == _OURS else "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    if licence := _licence(metadata):
        found["licenses"] = [licence]
    if digests:
        # Which of the locked files it was depends on the platform; all that could have been are listed.
        files = [{"alg": "SHA-256", "content": digest} for digest in digests]
        found["externalReferences"] = [{"type": "distribution", "url": purl, "hashes": files}]
    return found


def _licence(metadata: Message) -> Mapping[str, Any] | None:
    if expression := metadata.get("License-Expression"):
        return {"expression": expression}
    named = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    stated = named[0] if named else (metadata.get("License") or "").strip().partition("\n")[0]
    return {"license": {"name": stated}} if stated else None


def _normal(name: str) -> str:
    """A project's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
