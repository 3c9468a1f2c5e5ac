"""`passthru up` with upstreams behind proxies, from start to end."""

import json
import os
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, noise
from tests.nix.running import Passthru
from tests.ports import free_port
from tests.unit.cli.command import run
from tests.upstreams.process import COMMAND
from tests.upstreams.proxies import PASSWORD, FakeProxy, socks_to
from tests.upstreams.real_proxies import real_proxy
from tests.waiting import eventually

HOST = "up.test"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory that nginx's workers may enter, with a short name."""
    with tempfile.TemporaryDirectory(prefix="pt-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Return an origin with one narinfo and one NAR."""
    with Origin({NARINFO: narinfo(), NAR: noise(300_000)}) as origin:
        yield origin


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return what ends with the test."""
    with ExitStack() as stack:
        yield stack


def spec_of(folder: Path, *upstreams: dict[str, Any], port: int = 0) -> dict[str, Any]:
    """Return the spec of an instance that keeps everything below `folder`."""
    return {
        "state_directory": f"{folder}/state",
        "runtime_directory": f"{folder}/run",
        "listen": {"addresses": ["127.0.0.1"], "port": port or free_port()},
        "cache": {"directory": f"{folder}/cache", "size": "64M", "min_free": "1M"},
        "upstreams": list(upstreams),
    }


def serve(spec: dict[str, Any], folder: Path) -> Passthru:
    """Return a `passthru up` on a spec."""
    return Passthru(spec, address=f"http://127.0.0.1:{spec['listen']['port']}", folder=folder)


def tunnel_processes(folder: Path) -> list[int]:
    """Return the tunnels that follow a list below `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:4] == [word.encode() for word in COMMAND[1:4]] and any(
            word.startswith(f"{folder}/".encode()) for word in words
        ):
            found.append(int(entry.name))
    return found


def all_texts(folder: Path) -> str:
    """Return all that anybody but their owner can read below `folder`, and nginx's configuration."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "passthru.json"]
    return "".join(
        path.read_text(errors="replace") for path in paths if path.name != "tunnels.json"
    )


def test_a_spec_with_a_proxy_works_at_once(folder: Path, origin: Origin) -> None:
    """When `up` says that it serves, the way through the proxy is there; the password is nowhere."""
    with real_proxy("microsocks", login=True) as proxy:
        upstream = {"url": origin.url, "name": "far", "proxy": proxy.url}
        with serve(spec_of(folder, upstream), folder) as one:
            assert eventually(lambda: "serving http" in one.output)
            answers = [one.get(NARINFO), one.get(NAR), one.get("/")]
            (pid,) = tunnel_processes(folder)
            texts = all_texts(folder) + one.output + str(answers)
            proc = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
            secret = folder / "state/live/tunnels.json"

            assert [answer.status for answer in answers] == [200, 200, 200]
            assert answers[1].body == noise(300_000)
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
            assert "S3CRET" in secret.read_text()
            assert "S3CRET" not in texts
            assert PASSWORD not in texts
            assert not any(b"S3CRET" in found for found in proc)
            started = time.monotonic()

        assert time.monotonic() - started < 4
    assert not list((folder / "run").glob("*.sock"))
    assert tunnel_processes(folder) == []


def test_a_proxy_may_come_and_change(folder: Path, origin: Origin, stack: ExitStack) -> None:
    """By `passthru apply` and by SIGHUP, without a restart; no tunnel runs where there is no proxy."""
    places = {HOST: ("127.0.0.1", origin.port)}
    first = stack.enter_context(FakeProxy(socks_to(places)))
    second = stack.enter_context(FakeProxy(socks_to(places)))
    spec = spec_of(folder, {"url": origin.url, "name": "near"})
    file = folder / "passthru.json"
    with serve(spec, folder) as one:
        assert (one.get(NARINFO).status, tunnel_processes(folder)) == (200, [])

        far = spec_of(folder, {"url": f"http://{HOST}", "name": "far"}, port=spec["listen"]["port"])
        write(file, far, f"socks5h://127.0.0.1:{first.port}")
        done = run("apply", str(file), cwd=folder)
        assert done.code == 0, done.err
        assert eventually(lambda: one.get(NARINFO).status == 200)
        assert first.count == 1

        (before,) = tunnel_processes(folder)
        write(file, far, f"socks5h://u:S3CRET@127.0.0.1:{second.port}")
        os.kill(one._process.pid, signal.SIGHUP)
        assert eventually(lambda: "reload accepted" in one.output)
        assert eventually(lambda: f":{second.port}" in one.output)
        assert one.get(NAR).status == 200
        assert (first.count, second.count) == (1, 1)
        assert tunnel_processes(folder) == [before]
        assert "S3CRET" not in one.output + run("render", "--diff", str(file), cwd=folder).out


def write(file: Path, spec: dict[str, Any], proxy: str) -> None:
    """Write a spec whose one upstream is behind `proxy`."""
    spec["upstreams"][0]["proxy"] = proxy
    file.write_text(json.dumps(spec))


def test_a_tunnel_that_dies_ends_the_instance(folder: Path, stack: ExitStack) -> None:
    """With its name, so that systemd starts all of it anew."""
    spec = spec_of(folder, {"url": "http://x.test", "name": "x", "proxy": "http://127.0.0.1:9"})
    one = serve(spec, folder)
    stack.callback(one._process.kill)  # its tunnel and its nginx die with it
    assert eventually(lambda: "serving http" in one.output)
    (pid,) = tunnel_processes(folder)
    os.kill(pid, signal.SIGKILL)

    assert one._process.wait(10) == 1
    assert "error: tunnel died: killed by SIGKILL" in one.output


def test_a_download_through_a_tunnel_ends_in_peace(folder: Path, origin: Origin) -> None:
    """The tunnel stays until nginx needs it no more."""
    origin.fail(Fault("^/nar/", drip=200_000))
    with real_proxy("microsocks") as proxy, ThreadPoolExecutor(1) as pool:
        upstream = {"url": origin.url, "name": "far", "proxy": proxy.url}
        with serve(spec_of(folder, upstream), folder) as one:
            assert eventually(lambda: "serving http" in one.output)
            download = pool.submit(one.get, NAR)
            origin.wait_for("^/nar/")
            one._process.send_signal(signal.SIGTERM)
            assert download.result().body == noise(300_000)


def test_a_tunnel_without_up(folder: Path, origin: Origin, stack: ExitStack) -> None:
    """`passthru tunnel SPEC` opens the sockets that `passthru render` writes into nginx.conf."""
    way = stack.enter_context(FakeProxy(socks_to({HOST: ("127.0.0.1", origin.port)})))
    file = folder / "passthru.json"
    write(
        file,
        spec_of(folder, {"url": f"http://{HOST}", "name": "far"}),
        f"socks5h://u:S3CRET@127.0.0.1:{way.port}",
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*COMMAND, str(file)], stderr=log, cwd=folder)
    try:
        assert eventually((folder / "run/tunnel-far.sock").is_socket)
        done = run("render", "--out", "out", str(file), cwd=folder)
        printed = run("render", "--file", "http.conf", str(file), cwd=folder).out
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(5) == 0

    assert done.code == 0, done.err
    assert f"unix:{folder}/run/tunnel-far.sock" in printed
    assert "S3CRET" not in printed + done.out + done.err + (folder / "log").read_text()
    assert stat.S_IMODE((folder / "out/tunnels.json").stat().st_mode) == 0o600
