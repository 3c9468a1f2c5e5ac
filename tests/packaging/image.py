"""The container image, built by a real builder from the Dockerfile, and a container of it.

Neither Docker nor a registry is needed: buildah builds on a Debian that is made here, and
systemd-nspawn runs what comes of it, shut in as compose.yaml says.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.checkout import copy_checkout
from tests.debian import UnavailableError
from tests.packaging.container import ConfinedError, Network
from tests.packaging.debian_root import DebianRoot

BASE: Final = "localhost/base"
BUILD_SECONDS: Final = 300
STOP_SECONDS: Final = 20.0
_NAMESPACES: Final = ("--mount", "--uts", "--ipc", "--net", "--pid")


@dataclass(frozen=True, slots=True)
class Image:
    """What was built: its files, and how it says it is to be run."""

    files: Path
    config: Mapping[str, Any]  # Any: of Docker's own format

    @property
    def command(self) -> tuple[str, ...]:
        """What runs when nothing else is said."""
        return (*self.config["Entrypoint"], *self.config["Cmd"])

    @property
    def probe(self) -> tuple[str, ...]:
        """What tells whether it is healthy."""
        first, *words = self.config["Healthcheck"]["Test"]
        assert first == "CMD"
        return tuple(words)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        pairs = (entry.split("=", 1) for entry in self.config["Env"])
        return {name: value for name, value in pairs if not name.startswith(("PIP_", "SSL_"))}


@contextmanager
def built_image(base: DebianRoot) -> Iterator[Image]:
    """Build the Dockerfile of this checkout on `base`; raises UnavailableError and ConfinedError."""
    if shutil.which("buildah") is None:
        raise UnavailableError("buildah is not installed")
    with tempfile.TemporaryDirectory(dir=base.path.parent) as work:
        store = _Store(Path(work))
        checkout = copy_checkout(Path(work) / "checkout")
        try:
            store.keep(base, BASE)
            options = ("--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={BASE}")
            store.run("build", *options, "--tag", "localhost/passthru", str(checkout))
            name = store.run("from", "localhost/passthru")
            told = json.loads(store.run("inspect", "--type", "image", "localhost/passthru"))
            yield Image(Path(store.run("mount", name)), told["Docker"]["config"])
        finally:
            store.run("unmount", "--all")


@dataclass(frozen=True, slots=True)
class _Store:
    """A place for images that is no one else's."""

    place: Path

    def run(self, *words: str) -> str:
        options = ("--root", str(self.place / "root"), "--runroot", str(self.place / "run"))
        done = subprocess.run(
            ["buildah", *options, "--storage-driver", "vfs", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=BUILD_SECONDS,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        assert done.returncode == 0, (
            f"buildah {words[0]}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout.strip()

    def keep(self, root: DebianRoot, name: str) -> None:
        """Make an image of a root, with the variables that lead it to the network."""
        try:
            made = self.run("from", "scratch")
        except AssertionError as error:
            raise ConfinedError(str(error)) from error
        self.run("add", "--quiet", made, str(root.path), "/")
        way_out = root.environment().items() - {("HOME", "/root"), ("LANG", "C.UTF-8")}
        settings = [f"--env={variable}={value}" for variable, value in sorted(way_out)]
        self.run("config", *settings, made)
        self.run("commit", "--quiet", "--rm", made, name)


@dataclass(slots=True)
class Running:
    """A container of an image."""

    image: Image
    process: subprocess.Popen[bytes]
    log: Path

    def probe(self) -> int:
        """Run the image's health check inside, and return its exit code."""
        command = ["nsenter", f"--target={self._main()}", *_NAMESPACES, "--root", "--wd"]
        variables = [f"{name}={value}" for name, value in self.image.environment.items()]
        done = subprocess.run(
            [*command, "setpriv", "--reuid=800", "--regid=800", "--clear-groups", "env", "-i",
             *variables, *self.image.probe],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )  # fmt: skip
        return done.returncode

    def stop(self) -> int:
        """End it as `docker stop` does, and return the exit code."""
        os.kill(self._main(), getattr(signal, self.image.config["StopSignal"]))
        return self.process.wait(STOP_SECONDS)

    def _main(self) -> int:
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])


@contextmanager
def container_of(
    image: Image, service: Mapping[str, Any], network: Network, folder: Path, *, spec: str | None
) -> Iterator[Running]:
    """Run `image` as a service of compose.yaml says, its volumes and its spec in `folder`."""
    options = [f"--setenv={name}={value}" for name, value in image.environment.items()]
    options += [f"--tmpfs={entry}" for entry in service["tmpfs"]]
    options += ["--read-only"] if service["read_only"] else []
    options += ["--drop-capability=all"] if service["cap_drop"] == ["ALL"] else []
    options += (
        ["--no-new-privileges=yes"] if "no-new-privileges:true" in service["security_opt"] else []
    )
    for volume in service["volumes"]:
        name, place = volume.split(":")[:2]
        _fill_volume(folder / name, image.files / place.lstrip("/"))
        options.append(f"--bind={folder / name}:{place}")
    if spec is not None:
        (folder / "passthru.toml").write_text(spec, encoding="utf-8")
        (image.files / "etc/passthru/passthru.toml").touch()  # Docker makes what it mounts on
        options.append(f"--bind-ro={folder}/passthru.toml:/etc/passthru/passthru.toml")
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit"),
                *("--directory", str(image.files), f"--user={image.config['User']}"),
                f"--chdir={image.config['WorkingDir']}",
                f"--network-namespace-path=/run/netns/{network.inside}",
                *(*options, *image.command),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(image, process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_SECONDS)
        sys.stdout.write(log.read_text(encoding="utf-8", errors="replace"))


def _fill_volume(volume: Path, place: Path) -> None:
    """Make a new volume belong to whom the image's directory does, as Docker does."""
    if not volume.exists():
        volume.mkdir()
        facts = place.stat()
        os.chown(volume, facts.st_uid, facts.st_gid)
