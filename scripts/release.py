"""`make release PYTHON_IMAGE=NAME@sha256:...`: everything that a release uploads, in dist/release; docs/releasing.md.

Run twice on the same commit it makes the same bytes: every time in it is that of the commit.
"""

import gzip
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from scripts import go_tools
from scripts.cache import ROOT, SetupError, on_path, say

TARGET = ROOT / "dist" / "release"
_SBOM = "opt/stagekeeper/sbom.cdx.json"
_SECONDS = 1800.0


def release(base: str, target: Path) -> None:
    """Make all files of a release in `target`, which is emptied. Raises SetupError."""
    if "@sha256:" not in base:
        raise SetupError("PYTHON_IMAGE needs a digest, such as docker.io/library/python:3.13-slim@sha256:...")
    if _run("git", "status", "--porcelain"):
        raise SetupError("a release is made of a commit: commit or stash what git status shows")
    time, revision = _run("git", "log", "-1", "--format=%ct %H").split()
    version = str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for what in ("sdist", "wheel"):
        _run(
            sys.executable, "-m", "hatchling", "build", "--target", what, "--directory", target, SOURCE_DATE_EPOCH=time
        )
    image = target / f"stagekeeper-{version}-image.tar"
    digest = _image(base, image, version, revision, time)
    _chart(digest, target, int(time))
    (target / f"stagekeeper-{version}.cdx.json").write_bytes(_from_image(image, _SBOM))
    (target / "NOTES.md").write_text(notes((ROOT / "CHANGELOG.md").read_text(), version, base, digest))
    _sums(target)


def notes(changelog: str, version: str, base: str, digest: str) -> str:
    """The section of a version, and what the image is. Raises SetupError where the version has no section."""
    found = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None:
        raise SetupError(f"CHANGELOG.md has no section [{version}]: write one, or set the version in pyproject.toml")
    return f"# Stagekeeper {version}\n\nImage: `{digest}`, on `{base}`\n\n{found.group(1).strip()}\n"


def repacked(archive: bytes, time: int) -> bytes:
    """The same tar archive with its files in order, of nobody, and of one time."""
    written = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as given, tarfile.open(fileobj=written, mode="w") as made:
        for entry in sorted(given.getmembers(), key=lambda each: each.name):
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = time
            entry.pax_headers = {}
            made.addfile(entry, given.extractfile(entry) if entry.isfile() else None)
    return written.getvalue()


def context_of(wheel: Path, folder: Path) -> Path:
    """What image/Containerfile copies, in a folder: the build needs no checkout."""
    for name in ("image", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "dist").mkdir()
    shutil.copy(wheel, folder / "dist")
    return folder


def _image(base: str, archive: Path, version: str, revision: str, time: str) -> str:
    """Build the image, keep it as an OCI archive; its digest."""
    engine = on_path("buildah")
    if engine is None:
        raise SetupError("buildah is missing (on Debian and Ubuntu: apt-get install buildah)")
    name = f"localhost/stagekeeper:{version}"
    with tempfile.TemporaryDirectory() as folder:
        context = context_of(next(archive.parent.glob("*.whl")), Path(folder))
        more = shlex.split(os.environ.get("BUILD_FLAGS", ""))
        containerfile = context / "image" / "Containerfile"
        _run(
            *(engine, "build", f"--timestamp={time}", f"--build-arg=PYTHON_IMAGE={base}"),
            *(f"--build-arg=REVISION={revision}", f"--file={containerfile}", f"--tag={name}", *more, f"{context}"),
        )
        _run(engine, "push", name, f"oci-archive:{context / 'image.tar'}:{name}")
        archive.write_bytes(repacked((context / "image.tar").read_bytes(), int(time)))
    return str(json.loads(_member(archive, "index.json"))["manifests"][0]["digest"])


def _from_image(archive: Path, name: str) -> bytes:
    """A file that the image adds to its base."""
    manifest = json.loads(_member(archive, _blob(json.loads(_member(archive, "index.json"))["manifests"][0]["digest"])))
    with tarfile.open(fileobj=io.BytesIO(_member(archive, _blob(manifest["layers"][-1]["digest"])))) as layer:
        found = layer.extractfile(name)
        return b"" if found is None else found.read()


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        found = opened.extractfile(name)
        return b"" if found is None else found.read()


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _chart(digest: str, target: Path, time: int) -> None:
    """Package the chart; its default image is the one of this digest, wherever it was pushed to."""
    helm = go_tools.find(go_tools.HELM, go_tools.HELM.tools[0])
    if helm is None:
        raise SetupError("helm is missing: run `make chart-tools`")
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "stagekeeper"
        shutil.copytree(ROOT / "charts" / "stagekeeper", chart)
        values = (chart / "values.yaml").read_text()
        (chart / "values.yaml").write_text(values.replace('  digest: ""\n', f"  digest: {digest}\n", 1))
        _run(helm, "package", chart, "--destination", target)
    (package,) = target.glob("stagekeeper-*.tgz")
    package.write_bytes(gzip.compress(repacked(gzip.decompress(package.read_bytes()), time), mtime=time))


def _sums(target: Path) -> None:
    """As `sha256sum --check` reads them."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in sorted(target.iterdir())]
    (target / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603 -- our own words
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise SetupError(f"{Path(command[0]).name} {command[1]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout.strip()


def main(arguments: list[str]) -> int:
    """The command line: the base image and, in place of dist/release, a folder."""
    if len(arguments) not in {1, 2}:
        say("usage: make release PYTHON_IMAGE=NAME@sha256:...")
        return 2
    target = Path(arguments[1]) if len(arguments) == 2 else TARGET  # noqa: PLR2004 -- the second argument
    try:
        release(arguments[0], target.resolve())
    except SetupError as error:
        say(f"  MISSING: {error}")
        return 1
    for file in sorted(target.iterdir()):
        say(f"  {file.stat().st_size:>12,}  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
