"""What the tests with real Nix clients share."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.debian import UnavailableError, unavailable
from tests.nginx.origin import Origin
from tests.nix.clients import SUITES, Client, Nix, first_nix, nix_of
from tests.nix.running import Passthru
from tests.nix.upstream import Upstream, make_upstream
from tests.ports import free_port


def serve(upstream: Upstream) -> Origin:
    """Make a server of the upstream that takes an encoded `!` for what it is, as real ones do."""
    encoded = {
        path.replace("!", "%21"): (upstream.folder / path[1:]).read_bytes()
        for path in upstream.below("realisations")
    }
    return Origin(encoded, folder=upstream.folder)


class StartPassthru(Protocol):
    """Start an instance in front of `upstreams` (URLs, or tables of the spec).

    Keywords are the spec's other keys, as they are written in JSON.
    """

    def __call__(self, *upstreams: str | Mapping[str, object], **spec: object) -> Passthru:
        """Start it and wait until it answers."""
        ...


@pytest.fixture
def workspace() -> Iterator[Path]:
    """Return a short path that nginx's workers, another user, may walk through."""
    folder = Path(tempfile.mkdtemp(prefix="passthru-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):  # what is in a Nix store is read-only
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture(params=SUITES)
def nix(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Nix:
    """Return each version of Nix in turn."""
    try:
        found = nix_of(request.param)
    except UnavailableError as error:
        unavailable(str(error))
    record_property("nix", found.version)
    return found


@pytest.fixture
def new_client(nix: Nix, workspace: Path) -> Callable[..., Client]:
    """Make clients that have never asked anything; keywords are further environment."""
    made: list[Client] = []

    def make(**environment: str) -> Client:
        folder = workspace / f"client-{len(made)}"
        folder.mkdir()
        made.append(Client(nix=nix, folder=folder, environment=environment))
        return made[-1]

    return make


@pytest.fixture(scope="session")
def upstream() -> Upstream:
    """Return the signed binary cache of 54 paths, made by the first Nix there is."""
    try:
        maker = first_nix()
    except UnavailableError as error:
        unavailable(str(error))
    return make_upstream(maker)


@pytest.fixture
def origin(upstream: Upstream) -> Iterator[Origin]:
    """Serve the upstream, with a log and with faults on demand."""
    with serve(upstream) as server:
        yield server


@pytest.fixture
def start(workspace: Path) -> Iterator[StartPassthru]:
    """Start instances of passthru; all are stopped afterwards."""
    with ExitStack() as stack:

        def up(*upstreams: str | Mapping[str, object], **spec: object) -> Passthru:
            folder = Path(tempfile.mkdtemp(prefix="up-", dir=workspace))
            folder.chmod(0o755)
            tables: list[Mapping[str, object]] = [
                {"url": each} if isinstance(each, str) else each for each in upstreams
            ]
            return stack.enter_context(_make(folder, tables, spec))

        yield up


def _make(
    folder: Path, upstreams: list[Mapping[str, object]], spec: Mapping[str, object]
) -> Passthru:
    port, tls_port = free_port(), free_port()
    listen: dict[str, object] = {"addresses": ["127.0.0.1"], "port": port}
    address = f"http://127.0.0.1:{port}"
    if spec.get("mode") == "tls":
        listen["tls_port"] = tls_port
        address = f"https://127.0.0.1:{tls_port}"
    whole = {
        "state_directory": str(folder / "state"),
        "runtime_directory": str(folder / "run"),
        "listen": listen,
        "cache": {"directory": str(folder / "cache"), "size": "1G", "min_free": "1M"},
        "upstreams": upstreams,
        **spec,
    }
    return Passthru(whole, address=address, folder=folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which versions of Nix were driven."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    versions = {
        str(value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "nix"
    }
    if versions:
        terminalreporter.write_line(f"nix clients: {', '.join(sorted(versions))}")
