"""`passthru up` and `passthru apply`, with a real nginx."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import passthru.cli.apply
from passthru.cli.instance import prepare
from tests.ports import free_port
from tests.unit.cli.command import environment, main, run
from tests.waiting import eventually


@pytest.fixture
def spec(folder: Path) -> Path:
    """Write a spec of an instance that keeps everything below `folder`."""
    path = folder / "passthru.toml"
    path.write_text(
        f'state_directory = "{folder}/state"\nruntime_directory = "{folder}/run"\n'
        f'listen = {{ addresses = ["127.0.0.1"], port = {free_port()} }}\n'
        f'cache = {{ directory = "{folder}/cache", size = "64M" }}\n'
        '[[upstreams]]\nurl = "http://127.0.0.1:9"\nname = "dead"\n'
    )
    return path


@contextmanager
def running(spec: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `up` until the block ends; yield the process and the line that it announced itself by."""
    with (spec.parent / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "passthru", "up"],
            cwd=spec.parent,
            env=environment(spec.parent),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout
        yield process, process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def said(spec: Path) -> str:
    """Return what `up` said on stderr so far."""
    return (spec.parent / "stderr").read_text()


def address_of(line: str) -> str:
    """Return the address in the line of `up`."""
    return line.split()[1]


def served(address: str) -> dict[str, str]:
    """Return what the instance says about itself."""
    with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
        record: dict[str, str] = json.load(answer)
        return record


def set_priority(spec: Path, priority: int) -> None:
    """Change something that can be seen from outside."""
    text = spec.read_text().partition("[nix_cache_info]")[0]
    spec.write_text(f"{text}[nix_cache_info]\npriority = {priority}\n")


def cache_info(address: str) -> str:
    """Return /nix-cache-info."""
    with urllib.request.urlopen(f"{address}/nix-cache-info", timeout=5) as answer:
        return str(answer.read().decode())


def test_up_serves_and_says_so(spec: Path) -> None:
    """One line on stdout when it serves; on stderr which spec it took, and what to paste."""
    with running(spec) as (process, line):
        assert line.startswith("serving http://127.0.0.1:")
        assert line.endswith(" from dead (http://127.0.0.1:9)\n")
        address = address_of(line)
        assert served(address)["cache"] == "passthru"
        deadline = time.monotonic() + 5
        while "fallback = true" not in said(spec) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert said(spec).startswith(f"spec {spec}\n")
        assert f"extra-substituters = {address}\n" in said(spec)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0

    assert not (spec.parent / "run/nginx.sock").exists()


def test_landing_page_is_served_with_its_policy(spec: Path) -> None:
    """People find the page at /, and the policy lets its own script run."""
    with (
        running(spec) as (_process, line),
        urllib.request.urlopen(address_of(line), timeout=5) as answer,
    ):
        page = answer.read().decode()
        assert address_of(line) in page
        assert "script-src 'sha256-" in answer.headers["Content-Security-Policy"]


def test_apply_does_not_take_a_lost_spec_for_the_defaults(
    spec: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a directory without a spec, nobody means to replace what runs by the defaults."""
    with running(spec) as (_process, line):
        same = dataclasses.replace(prepare(spec), source=None)
        set_priority(spec, 25)
        other = dataclasses.replace(prepare(spec), source=None)
        codes = []
        for found in (same, other):
            monkeypatch.setattr(passthru.cli.apply, "prepare", lambda _given, found=found: found)
            codes.append(main(["apply"]))

        assert codes == [0, 1]
        assert "hint: name it: `passthru apply SPEC`" in capsys.readouterr().err
        assert "Priority: 30\n" in cache_info(address_of(line))


def test_apply_changes_a_running_instance(spec: Path) -> None:
    """The generation is the data; the same spec again is no work and no failure."""
    with running(spec) as (_process, line):
        address = address_of(line)
        same = run("apply", cwd=spec.parent)
        before = served(address)["generation"]
        set_priority(spec, 25)
        changed = run("apply", "--json", cwd=spec.parent)
        record = json.loads(changed.out)

        assert (same.code, same.out) == (0, f"{before}\n")
        assert same.err == f"unchanged: spec {spec}\n"
        assert record == {
            "version": 1,
            "spec": str(spec),
            "generation": served(address)["generation"],
            "outcome": "applied",
            "address": address,
        }
        assert "Priority: 25\n" in cache_info(address)


def test_hangup_reads_the_spec_again(spec: Path) -> None:
    """`systemctl reload` applies what the file says now; a bad one leaves what is served."""
    with running(spec) as (process, line):
        address = address_of(line)
        set_priority(spec, 25)
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "Priority: 25\n" in cache_info(address))

        good = spec.read_text()
        spec.write_text("mood = 1\n")
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "mood" in said(spec))
        assert "Traceback" not in said(spec)
        assert "Priority: 25\n" in cache_info(address)

        spec.write_text(good.replace(f"{spec.parent}/state", f"{spec.parent}/elsewhere"))
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "directories of a running instance cannot change" in said(spec))
        assert "Priority: 25\n" in cache_info(address)


def test_check_beside_a_running_instance_is_content(spec: Path) -> None:
    """Its own port in use is no finding, and what is served is not disturbed."""
    with running(spec) as (_process, line):
        done = run("check", "--strict", cwd=spec.parent)
        assert (done.code, done.out) == (0, "")
        assert served(address_of(line))["status"] == "ok"
        assert run("render", "--diff", cwd=spec.parent).out == ""


def test_apply_without_an_instance_ends_with_4(spec: Path) -> None:
    """And says how to start one."""
    done = run("apply", cwd=spec.parent)

    assert (done.code, done.out) == (4, "")
    assert "hint: start it with `passthru up`" in done.err
    assert json.loads(run("apply", "--json", cwd=spec.parent).out)["error"]["kind"] == "not-running"


def test_up_without_a_free_port_ends_with_1(spec: Path) -> None:
    """The reason of nginx, our hint, nothing on stdout, and no process left."""
    with running(spec):
        other = spec.parent / "other"
        other.mkdir()
        (other / "passthru.toml").write_text(
            spec.read_text().replace(f"{spec.parent}/", f"{other}/")
        )
        done = run("up", cwd=other)

    assert (done.code, done.out) == (1, "")
    assert "error: cannot listen on 127.0.0.1:" in done.err
    assert not (other / "run/nginx.pid").exists()


def test_up_with_a_bad_spec_ends_with_78(spec: Path) -> None:
    """RestartPreventExitStatus=78 of systemd keeps it from trying again and again."""
    spec.write_text("mood = 1\n")

    assert run("up", cwd=spec.parent).code == 78
    assert list(spec.parent.iterdir()) == [spec]
