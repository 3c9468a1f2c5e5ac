"""`passthru doctor` on a running instance, and on everything that may be wrong with one."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from passthru.cli import checkup_local
from passthru.cli.checkup_serving import check_announcement, check_fills
from passthru.cli.instance import prepare
from tests.faults.conftest import folder
from tests.nginx.blackhole import Blackhole
from tests.nginx.certificates import Authority
from tests.nginx.commands import type_in
from tests.nginx.conftest import MakeOrigin
from tests.nginx.origin import Fault, Origin
from tests.nix.running import Passthru
from tests.ports import free_port

__all__ = ["folder"]

INFO = b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n"


@pytest.fixture
def origin(origins: MakeOrigin) -> Origin:
    """Return an origin that says what it is."""
    return origins({"/nix-cache-info": INFO})


@contextmanager
def running(
    origin: Origin, folder: Path, *, addresses: tuple[str, ...] = ("127.0.0.1",), **more: object
) -> Iterator[Path]:
    """Run a whole `passthru up`, and yield its spec once its exporter answers too."""
    port = free_port()
    path = write_spec(folder, origin.url, port=port, addresses=addresses, **more)
    spec, address = json.loads(path.read_text()), f"http://127.0.0.1:{port}"
    with Passthru(spec, address=address, folder=folder):
        figures = spec.get("status") != {"enable": False}
        deadline = time.monotonic() + 20
        while figures and not (folder / "run/exporter.sock").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield folder / "passthru.json"


def diagnose(spec: Path, *, code: int | None = None) -> dict[str, dict[str, Any]]:
    """Return the checks by name; `code` is the exit code."""
    done = type_in("doctor", str(spec), "--json")
    record = json.loads(done.out)
    assert done.err == ""
    assert set(record) == {"version", "spec", "ok", "checks"}
    assert [check["number"] for check in record["checks"]] == [*range(1, len(record["checks"]) + 1)]
    for check in record["checks"]:
        assert set(check) == {"number", "name", "verdict", "message", "fix", "details"}
        assert check["fix"] or check["verdict"] in {"ok", "skipped"}, check
    bad = [check for check in record["checks"] if check["verdict"] == "fail"]
    assert done.code == (3 if bad else 0)
    assert record["ok"] is not bool(bad)
    assert code in {None, done.code}, bad
    return {check["name"]: check for check in record["checks"]}


def verdicts(checks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the verdicts by name."""
    return {name: check["verdict"] for name, check in checks.items()}


def write_spec(
    folder: Path,
    origin: str,
    *,
    port: int = 18_080,
    addresses: tuple[str, ...] = ("127.0.0.1",),
    **more: object,
) -> Path:
    """Write a spec, with `more` of its tables, of an instance that does not run."""
    path = folder / "other.json"
    tables = {
        "state_directory": f"{folder}/state",
        "runtime_directory": f"{folder}/run",
        "listen": {"addresses": addresses, "port": port},
        "cache": {"directory": f"{folder}/cache", "size": "64M", "min_free": "1M"},
        "upstreams": [{"url": origin, "name": "a"}],
        **more,
    }
    path.write_text(json.dumps(tables))
    return path


def test_all_is_well(origin: Origin, folder: Path) -> None:
    """Every check is made on a sound instance, none fails, and nothing is stored."""
    with running(origin, folder) as spec:
        checks = diagnose(spec, code=0)

    assert verdicts(checks) == {
        "spec": "ok",
        "nginx": "ok",
        "configuration": "ok",
        "addresses": "ok",
        "certificate": "skipped",
        "directories": "ok",
        "zones": "ok",
        "space": "ok",
        "instance": "ok",
        "upstream a": "ok",
        "clock": "ok",
        "way through": "ok",
        "network": "skipped",
        "mdns": "skipped",
        "figures": "ok",
        "fills": "ok",
    }
    assert [p for p in (folder / "cache").rglob("*") if p.is_file()] == []
    (narinfo,) = origin.seen("narinfo$")
    assert narinfo.path in checks["way through"]["details"][0]
    assert "404 MISS, then 404 HIT" in checks["way through"]["message"]


def test_text_is_numbered(folder: Path, origin: Origin) -> None:
    """A line a check, its fix below, and the count of verdicts at the end, on stderr."""
    done = type_in("doctor", str(write_spec(folder, origin.url)))
    lines = done.out.splitlines()

    assert done.code == 3
    assert lines[0].startswith(" 1  ok       spec: ")
    assert " 9  fail     instance: nobody answers" in done.out
    assert "             fix: start it with `passthru up`\n" in done.out
    assert done.err == "1 fail, 8 ok, 7 skipped\n"
    assert "\x1b" not in done.out


def test_spec_has_changed(origin: Origin, folder: Path) -> None:
    """What runs is compared with what the spec says by now."""
    with running(origin, folder) as path:
        spec = json.loads(path.read_text())
        path.write_text(json.dumps({**spec, "nix_cache_info": {"priority": 11}}))
        check = diagnose(path, code=0)["instance"]

    assert check["verdict"] == "warn"
    assert "passthru apply" in check["fix"]


def test_spec_is_invalid(tmp_path: Path) -> None:
    """All its faults are told, and nothing else is looked at."""
    path = tmp_path / "bad.toml"
    path.write_text('mood = "x"\n[cache]\nsize = "lots"\n')
    checks = diagnose(path, code=3)

    assert verdicts(checks) == {"spec": "fail"}
    assert "mood" in checks["spec"]["message"]
    assert "size" in checks["spec"]["details"][0]


def test_nginx_is_missing(folder: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said, and the rest cannot be known."""
    monkeypatch.setenv("PASSTHRU_NGINX", "/nonexistent/nginx")
    checks = diagnose(write_spec(folder, origin.url), code=3)

    assert verdicts(checks) == {"spec": "ok", "nginx": "fail"}


@pytest.mark.parametrize(
    ("fault", "verdict", "said"),
    [
        (Fault(status=500), "fail", "answers 500"),
        (Fault(status=404), "fail", "answers 404"),
        (Fault(status=401), "fail", "wants credentials"),
        (
            Fault(status=302, headers=(("Location", "https://else.where/\x1b"),)),
            "warn",
            "else.where",
        ),
        (Fault(body=b"<html>sign in</html>"), "fail", "not a nix-cache-info"),
        (Fault(body=b"StoreDir: /gnu/store\n"), "fail", "/gnu/store"),
        (Fault(body=b"StoreDir: x\x1b[31m\n"), "fail", "not an absolute path"),
        (Fault(raw=b"\x1b[31m\r\n\r\n"), "fail", "answer"),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else None,
)
def test_upstream_is_ailing(
    folder: Path, origin: Origin, fault: Fault, verdict: str, said: str
) -> None:
    """What is wrong with an upstream is told, and nothing of it reaches the terminal as it is."""
    if fault.body is not None:
        origin.files["/nix-cache-info"] = fault.body
    else:
        origin.fail(fault)
    spec = write_spec(folder, origin.url)
    check = diagnose(spec)["upstream a"]

    assert (check["verdict"], said in check["message"]) == (verdict, True), check
    assert type_in("doctor", str(spec)).out.replace("\n", "").isprintable()


def test_upstream_refuses_credentials(folder: Path, origin: Origin) -> None:
    """They are said to be wrong, and are not told."""
    secret = folder / "secret"
    secret.write_text("user:S3CRET\n")
    secret.chmod(0o600)
    origin.fail(Fault(status=403))
    upstreams = [{"url": origin.url, "name": "a", "credentials_file": str(secret)}]
    spec = write_spec(folder, origin.url, upstreams=upstreams)
    check = diagnose(spec)["upstream a"]

    assert "refuses our credentials" in check["message"]
    assert "S3CRET" not in type_in("doctor", str(spec)).out
    assert "S3CRET" not in json.dumps(check)


def test_no_network(folder: Path) -> None:
    """Without an upstream in reach it fails honestly and soon, and shows no proxy's password."""
    upstreams: list[dict[str, str]] = [
        {"url": "https://cache.invalid", "name": "nameless"},
        {"url": "http://127.0.0.1:9", "name": "closed"},
        {"url": "http://far.invalid", "name": "far", "proxy": "http://u:S3CRET@127.0.0.1:9"},
    ]
    spec = write_spec(folder, "", upstreams=upstreams)
    checks = diagnose(spec, code=3)

    assert checks["upstream nameless"]["message"].startswith("lookup: ")
    assert checks["upstream closed"]["message"].startswith("connect: ")
    assert checks["upstream far"]["message"].startswith("connect: ")
    assert "proxy" in checks["upstream far"]["fix"]
    assert checks["clock"]["verdict"] == "skipped"
    assert "S3CRET" not in json.dumps(checks)


def test_upstream_is_silent(origin: Origin, folder: Path) -> None:
    """One whose packets go nowhere is given up, and the others are told of all the same."""
    with Blackhole() as hole:
        upstreams = [{"url": hole.url, "name": "silent"}, {"url": origin.url, "name": "a"}]
        checks = diagnose(write_spec(folder, "", upstreams=upstreams), code=3)

    assert checks["upstream silent"]["message"] == "connect: 127.0.0.1: no answer in time"
    assert checks["upstream a"]["verdict"] == "ok"


def test_certificate_of_an_upstream_ends(folder: Path, origins: MakeOrigin, tmp_path: Path) -> None:
    """It is warned of while there is time."""
    authority = Authority(tmp_path)
    origin = origins({"/nix-cache-info": INFO}, tls=authority.context("localhost", days=5))
    url = f"https://localhost:{origin.port}"
    upstreams = [{"url": url, "name": "a", "ca_file": str(authority.file)}]
    check = diagnose(write_spec(folder, "", upstreams=upstreams))["upstream a"]

    assert check["verdict"] == "warn"
    assert "certificate for 4 days" in check["message"]


def test_clock_is_off(folder: Path, origin: Origin) -> None:
    """An hour between us and the upstreams is ours, if they agree."""
    origin.fail(Fault(headers=(("Date", "Fri, 31 Dec 1999 23:59:59 GMT"),)))
    check = diagnose(write_spec(folder, origin.url))["clock"]

    assert check["verdict"] == "warn"
    assert "ahead of the upstreams'" in check["message"]


def test_upstream_is_down(origin: Origin, folder: Path) -> None:
    """The way through is broken where the upstream is, and the instance runs on."""
    with running(origin, folder) as spec:
        origin.stop()
        checks = diagnose(spec, code=3)

    assert checks["instance"]["verdict"] == "ok"
    assert checks["upstream a"]["verdict"] == "fail"
    assert checks["way through"]["message"] == "502 MISS, then 502 MISS"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to somebody else")
def test_instance_of_somebody_else(origin: Origin, folder: Path) -> None:
    """What another user runs cannot be compared with what we would render, and is not faulted."""
    with running(origin, folder) as path:
        spec = json.loads(path.read_text())
        path.write_text(json.dumps({**spec, "nix_cache_info": {"priority": 11}}))
        os.chown(folder / "state", 12345, -1)
        check = diagnose(path, code=0)["instance"]
        os.chown(folder / "state", 0, -1)

    assert check["verdict"] == "ok"
    assert "12345" in check["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else")
def test_asked_by_somebody_else(
    origin: Origin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only the instance's user can tell is not faulted, and it is said whom to be."""
    may = os.access

    def may_as_another(path: str | Path, mode: int) -> bool:
        return not (mode & os.W_OK and Path(path).is_relative_to(folder)) and may(path, mode)

    with running(origin, folder) as spec:
        (folder / "state/live/nginx.conf").unlink()
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        monkeypatch.setattr(os, "access", may_as_another)
        checks = diagnose(spec)

    for name in ("addresses", "directories"):
        assert checks[name]["verdict"] == "skipped"
        assert "run it as root" in checks[name]["message"]


def test_fills_is_not_there(origin: Origin, folder: Path) -> None:
    """One that does not answer costs followers their time, and nobody else anything."""
    with running(origin, folder) as spec:
        frozen = int((folder / "run/fills.pid").read_text())
        os.kill(frozen, signal.SIGSTOP)
        try:
            check = check_fills(prepare(spec))
        finally:
            os.kill(frozen, signal.SIGCONT)

    assert check.verdict == "warn"
    assert "waits until it is whole" in check.message


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to somebody else")
def test_zone_of_somebody_else(origin: Origin, folder: Path) -> None:
    """Workers that do not own what they are to write are told of, with the command that helps."""
    with running(origin, folder) as spec:
        for zone in (folder / "cache").iterdir():
            os.chown(zone, 12345, -1)
        check = diagnose(spec, code=3)["zones"]

    assert check["verdict"] == "fail"
    assert check["fix"].startswith("chown -R ")


def test_no_room(folder: Path, origin: Origin) -> None:
    """Less than half of min_free: nothing is stored, and that is said."""
    cache = {"directory": f"{folder}/cache", "size": "64M", "min_free": "9000T"}
    check = diagnose(write_spec(folder, origin.url, cache=cache), code=3)["space"]

    assert "nothing new is stored" in check["message"]


def test_no_room_for_the_log(folder: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk of the state is told, too: nginx can write of it nowhere."""
    monkeypatch.setattr(checkup_local, "LEAST_BYTES", 1 << 62)
    check = diagnose(write_spec(folder, origin.url), code=3)["space"]

    assert check["verdict"] == "fail"
    assert f"are free for {folder}" in check["message"]


def test_reachable_on_the_network(origin: Origin, folder: Path) -> None:
    """An instance for everybody answers on this machine's own address, if it has one."""
    with running(origin, folder, addresses=("*",)) as spec:
        check = diagnose(spec)["network"]

    assert check["verdict"] in {"ok", "warn"}, check
    if check["verdict"] == "ok":
        assert "with generation" in check["message"]


@pytest.mark.parametrize(
    ("heard", "verdict"),
    [
        (None, "fail"),
        ("[]", "warn"),
        ("{", "warn"),
        ('{"a": 1}', "warn"),
        ('[{"name": "x", "url": "http://x", "ourselves": true}]', "ok"),
    ],
)
def test_announcement(origin: Origin, folder: Path, heard: str | None, verdict: str) -> None:
    """What the sidecar hears of ourselves is looked at, whatever is in its file."""
    spec = write_spec(folder, origin.url, addresses=("*",), mdns={"enable": True})
    if heard is not None:
        (folder / "run").mkdir()
        (folder / "run/neighbours.json").write_text(heard)

    assert check_announcement(prepare(spec)).verdict == verdict


def test_figures_are_not_there(origin: Origin, folder: Path) -> None:
    """Without its exporter an instance serves, and shows nothing."""
    with running(origin, folder, status={"enable": False}) as spec:
        assert diagnose(spec, code=0)["figures"]["verdict"] == "skipped"
