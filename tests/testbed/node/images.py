"""Images as archives: what is in an OCI archive; and one that needs no builder, a static program in a layer."""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed.binaries import find_program
from tests.testbed.node.runtime import PAUSE


@dataclass(frozen=True, slots=True)
class Image:
    """An image in an OCI archive."""

    name: str
    """Without tag and digest."""
    archive: Path

    @property
    def digest(self) -> str:
        """That of its manifest, by which a pod can name exactly this image."""
        return str(self._json("index.json")["manifests"][0]["digest"])

    @property
    def manifest(self) -> Any:
        """Its layers, and where its configuration is."""
        return self._json(_blob(self.digest))

    @property
    def config(self) -> Any:
        """Its configuration: user, environment, entry point."""
        return self._json(_blob(self.manifest["config"]["digest"]))

    def files(self, layer: int) -> list[tarfile.TarInfo]:
        """What is in a layer."""
        with tarfile.open(self.archive) as archive:
            packed = archive.extractfile(_blob(self.manifest["layers"][layer]["digest"]))
            with tarfile.open(fileobj=packed) as opened:
                return opened.getmembers()

    def _json(self, name: str) -> Any:
        with tarfile.open(self.archive) as archive:
            found = archive.extractfile(name)
            assert found is not None, f"{self.archive} has no {name}"
            return json.load(found)


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def pause_archive(folder: Path) -> Path:
    """The image of each pod's sandbox: it only sleeps, and containerd ends it by SIGKILL."""
    return static_image(PAUSE, find_program("busybox"), ["/bin/busybox", "sleep", "infinity"], folder / "pause.tar")


def static_image(name: str, program: Path, command: list[str], archive: Path) -> Path:
    """An image of one static program, at /bin/NAME."""
    layer = _tar({f"bin/{program.name}": program.read_bytes()}, mode=0o755)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": command},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    archive.write_bytes(_tar({"config.json": config, "layer.tar": layer, "manifest.json": manifest}, mode=0o644))
    return archive


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()
