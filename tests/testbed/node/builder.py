"""Images built by Debian's buildah: a base made of Debian's packages, the product's, and the stand-ins' upon it.

Nothing is fetched from a registry of images, since none can be reached. buildah runs in a mount namespace of its own,
with its storage in a folder of ours.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from scripts import debian
from scripts.cache import ROOT, SetupError, cache_folder, made_once, must, output_of
from tests.testbed.binaries import find_program
from tests.testbed.node.images import Image
from tests.testbed.wheels import locked_wheels

BASE = "localhost/python-base"
PRODUCT = "localhost/stagekeeper"
STAND_INS = "localhost/diego"
_SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""The release of Debian that has our own Python, for which the wheels are."""
_PACKAGES = "python3,python3-pip,ca-certificates"
_LEFT_OUT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
)
_TIME = "1700000000"
"""The time of everything in an image, so that the same content is the same image."""
_SECONDS = 900.0


class BuildError(Exception):
    """buildah failed; the message ends with what it said."""


class Builder:
    """buildah with storage in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buildah = find_program("buildah")

    def run(self, *arguments: str | Path) -> str:
        """Run a command of buildah's; what it prints. Raises BuildError."""
        storage = ("--root", self._folder / "root", "--runroot", self._folder / "run")
        command = ["unshare", "--mount", self._buildah, *storage, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            raise BuildError(f"buildah {arguments[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return done.stdout.strip()

    def flags(self) -> tuple[str, ...]:
        """Those of a build here: nothing but a chroot, and pip takes the wheels that we have."""
        pip = self._folder / "pip.conf"
        pip.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
        return "--isolation", "chroot", f"--volume={pip}:/etc/pip.conf:ro", f"--volume={locked_wheels()}:/wheels:ro"

    def storage_conf(self) -> Path:
        """The storage, as whoever starts buildah by itself has to be told of it."""
        file = self._folder / "storage.conf"
        folders = "".join(
            f'{name} = "{self._folder / each}"\n' for name, each in (("graphroot", "root"), ("runroot", "run"))
        )
        file.write_text(f'[storage]\ndriver = "overlay"\n{folders}')
        return file

    def clean(self) -> None:
        """Remove all images: their files may not be ours alone to remove."""
        self.run("rmi", "--all", "--force")

    def base(self) -> str:
        """The base image, by digest: Python and pip of Debian, as `FROM` takes it."""
        container = self.run("from", "scratch")
        self.run("add", container, base_system())
        self.run("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        # Its files keep their times: Python's bytecode names those of its sources.
        self.run("commit", "--rm", container, f"{BASE}:1")
        return f"{BASE}@{self.run('inspect', '--type', 'image', '--format', '{{.FromImageDigest}}', f'{BASE}:1')}"

    def product(self, base: str, context: Path, tag: str = "node") -> Image:
        """The product's image, from image/Containerfile as it is. pip takes the wheels that we have."""
        self.run(
            *("build", *self.flags(), "--timestamp", _TIME, "--build-arg", f"PYTHON_IMAGE={base}"),
            *("--file", context / "image" / "Containerfile", "--tag", f"{PRODUCT}:{tag}", context),
        )
        return self._saved(PRODUCT, tag)

    def stand_ins(self, product: Image) -> Image:
        """The image of Diego's stand-ins: the simulator beside the libraries of the product's."""
        container = self.run("from", "--pull-never", f"{product.name}:node")
        self.run("add", container, ROOT / "simulator", "/opt/stagekeeper/lib/simulator")
        # The tutorial's test, and `diagnose --from-pod`, connect from the Cloud Controller's pod.
        self.run("add", "--chmod", "755", container, find_program("nc.traditional").resolve(), "/usr/local/bin/nc")
        compiled = ("python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
        self.run("run", "--user", "0", "--isolation", "chroot", container, *compiled, "/opt/stagekeeper/lib/simulator")
        self.run("config", "--entrypoint", "[]", "--env", "PYTHONPATH=/opt/stagekeeper/lib", container)
        self.run("commit", "--rm", "--timestamp", _TIME, container, f"{STAND_INS}:node")
        return self._saved(STAND_INS, "node")

    def _saved(self, name: str, tag: str) -> Image:
        archive = self._folder / f"{name.rpartition('/')[2]}-{tag}.tar"
        archive.unlink(missing_ok=True)
        self.run("push", f"{name}:{tag}", f"oci-archive:{archive}:{name}:{tag}")
        return Image(name, archive)


def built(context: Path) -> tuple[Image, Image]:
    """The product's image and the stand-ins', built once for the same content. Raises BuildError and SetupError."""
    files = [*context.rglob("*"), *(ROOT / "simulator").rglob("*.py")]
    parts = [f"{sys.version_info} {_PACKAGES} {_LEFT_OUT}".encode(), find_program("nc.traditional").read_bytes()]
    parts += [str(file.name).encode() + file.read_bytes() for file in sorted(files) if file.is_file()]
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]

    def make(made: Path) -> None:
        made.mkdir()
        storage = made.with_name("storage")
        storage.mkdir()
        builder = Builder(storage)
        product = builder.product(builder.base(), context)
        for name, image in (("product", product), ("stand-ins", builder.stand_ins(product))):
            shutil.move(image.archive, made / f"{name}.tar")
        builder.clean()

    folder = made_once(cache_folder() / "images" / key, make)
    return Image(PRODUCT, folder / "product.tar"), Image(STAND_INS, folder / "stand-ins.tar")


def base_system() -> Path:
    """A folder with Debian's Python and pip, made once (a minute). Raises SetupError."""
    suite = _SUITES.get(sys.version_info[:2])
    if suite is None:
        raise SetupError(f"no release of Debian has Python {sys.version_info[0]}.{sys.version_info[1]}, as we have")
    key = hashlib.sha256(f"{_PACKAGES} {_LEFT_OUT}".encode()).hexdigest()[:12]

    def make(made: Path) -> None:
        log = made.with_name("debootstrap.log")
        mirror = _mirror()
        where = (suite, made, mirror) if mirror else (suite, made)
        command = (find_program("debootstrap"), "--variant=minbase", f"--include={_PACKAGES}", *where)
        must(command, log, f"debootstrap of {suite}")
        for name in _LEFT_OUT:
            shutil.rmtree(made / name, ignore_errors=True)

    return made_once(cache_folder() / "base" / f"{suite}-{key}", make)


def _mirror() -> str:
    """Where this machine has Debian's packages from, for debootstrap, which doesn't know its settings."""
    listed = output_of(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages"])
    lines = [line.split() for line in (listed or "").splitlines() if debian.release().startswith("debian")]
    return next((line[0] for line in lines if line[1:] == ["main"] and "security" not in line[0]), "")
