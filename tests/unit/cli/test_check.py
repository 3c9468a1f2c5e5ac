"""`passthru check` on this machine, with a real nginx."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from passthru.cli.examine import examine
from passthru.cli.finding import Severity
from passthru.spec import parse_spec
from tests.nginx.certificates import Authority
from tests.ports import free_port
from tests.unit.cli.command import environment, run


@pytest.fixture
def spec(folder: Path) -> Path:
    """Write a spec with which nothing is wrong anywhere."""
    path = folder / "passthru.toml"
    path.write_text(
        f'state_directory = "{folder}/state"\nruntime_directory = "{folder}/run"\n'
        f'listen = {{ addresses = ["127.0.0.1"], port = {free_port()} }}\n'
        f'cache = {{ directory = "{folder}/cache", size = "64M" }}\n'
        '[[upstreams]]\nurl = "http://127.0.0.1:9"\n'
    )
    return path


def with_line(spec: Path, line: str) -> Path:
    """Put a line at the top of a spec, where no table has begun."""
    spec.write_text(f"{line}\n{spec.read_text()}")
    return spec


def codes(spec: Path, *options: str) -> tuple[int, dict[str, str]]:
    """Return the exit code, and the severities of what was found by code."""
    done = run("check", str(spec), "--json", *options, cwd=spec.parent)
    record = json.loads(done.out)
    assert record["ok"] is (done.code == 0)
    assert record["spec"] == str(spec)
    for finding in record["findings"]:
        assert set(finding) == {"code", "severity", "where", "message", "hint", "details"}
    return done.code, {finding["code"]: finding["severity"] for finding in record["findings"]}


def test_all_is_well(spec: Path) -> None:
    """Nothing on stdout, exit code 0, and nothing is left or made anywhere."""
    done = run("check", cwd=spec.parent)

    assert (done.code, done.out) == (0, "")
    assert f"spec {spec}\n" in done.err
    assert list(spec.parent.iterdir()) == [spec]


def test_temporary_directory_is_removed(spec: Path) -> None:
    """What nginx -t made is gone, whatever nginx said."""
    folder = spec.parent / "temporary"
    folder.mkdir()
    run("check", cwd=spec.parent, env=environment(spec.parent, TMPDIR=str(folder)))

    assert list(folder.iterdir()) == []


def test_bad_spec_ends_with_78(spec: Path) -> None:
    """In text it is an error like everywhere; in JSON it is findings."""
    with_line(spec, 'mood = "local"')
    done = run("check", cwd=spec.parent)

    assert (done.code, done.out) == (78, "")
    assert "mood" in done.err
    assert codes(spec) == (78, {"spec-invalid": "error"})


def test_missing_spec_ends_with_78(tmp_path: Path) -> None:
    """Naming a file that is not there is not the same as having no spec."""
    done = run("check", "missing.toml", cwd=tmp_path)

    assert done.code == 78
    assert "missing.toml" in done.err


def test_nginx_refuses_what_it_cannot_read(spec: Path) -> None:
    """A certificate that is not there is found by nginx itself, and quoted."""
    with_line(spec, f'mode = "tls"\nhost_name = "a.example"\n'
        f'tls = {{ certificate = "{spec}.pem", certificate_key = "{spec}.key" }}')  # fmt: skip
    text = spec.read_text().replace("port = ", f"tls_port = {free_port()}, port = ")
    spec.write_text(text)
    done = run("check", cwd=spec.parent)

    assert done.code == 3
    assert "error: nginx.conf: nginx refuses the configuration [nginx-refuses]" in done.out
    assert "    [emerg] cannot load certificate" in done.out


def test_nginx_is_missing(spec: Path) -> None:
    """Without nginx the rest is not known; what to install is said."""
    missing = environment(spec.parent, PASSTHRU_NGINX="/nonexistent/nginx")
    done = run("check", cwd=spec.parent, env=missing)

    assert done.code == 3
    assert "[nginx-unusable]" in done.out
    assert "hint: " in done.out


def test_address_in_use_is_a_warning(spec: Path) -> None:
    """Somebody else's socket may be gone by the time we start; --strict does not wait for that."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = spec.read_text().splitlines()
        text[2] = f'listen = {{ addresses = ["127.0.0.1"], port = {port} }}'
        spec.write_text("\n".join(text))
        loose, strict = codes(spec), codes(spec, "--strict")

    assert loose == (0, {"nginx-version": "note", "address-in-use": "warning"})
    assert strict == (3, loose[1])


def test_foreign_address_is_one_error(spec: Path) -> None:
    """An address of another machine is told in our words, and not again in nginx's."""
    spec.write_text(spec.read_text().replace('"127.0.0.1"]', '"192.0.2.7"]'))

    assert codes(spec) == (3, {"nginx-version": "note", "address-not-here": "error"})


def test_what_is_doubtful_is_a_note(spec: Path) -> None:
    """What may not do what its writer thinks is talk, not data."""
    with_line(spec, "peers = { discover = true }")
    done = run("check", cwd=spec.parent)

    assert (done.code, done.out) == (0, "")
    assert "note: peers.discover: finds others that do not find this one" in done.err


def test_cache_larger_than_the_disk_is_a_warning(spec: Path) -> None:
    """The size is compared with the file system the cache will be on."""
    disk = os.statvfs(spec.parent)
    whole = disk.f_blocks * disk.f_frsize >> 20
    spec.write_text(spec.read_text().replace('"64M"', f'"{whole}M"'))

    assert codes(spec) == (0, {"nginx-version": "note", "cache-too-large": "warning"})


def test_unsupported_key_is_an_error(spec: Path) -> None:
    """What would be left out in silence is refused aloud."""
    proxy = 'proxy = "socks5h://127.0.0.1:1080"\nredirect_hosts = ["*.other.example"]\n'
    spec.write_text(f"{spec.read_text()}{proxy}")
    code, found = codes(spec)

    assert code == 3
    assert found["unsupported"] == "error"


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv"
)
def test_privileged_port_without_the_right(spec: Path) -> None:
    """The kernel refuses port 81, and it is explained once, by us and not by nginx."""
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 81:
        pytest.skip("this kernel lets everybody listen on port 81")
    text = spec.read_text().splitlines()
    text[2] = 'listen = { addresses = ["127.0.0.1"], port = 81 }'
    spec.write_text("\n".join(text))
    passthru = (sys.executable, "-m", "passthru")
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_bind_service", *passthru, "check", str(spec)],
        cwd=spec.parent,
        env=environment(spec.parent),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 3
    assert done.stdout.startswith("error: 127.0.0.1:81: port 81 is below 1024")
    assert done.stdout.count("error:") == 1


def test_file_in_place_of_a_directory_is_an_error(spec: Path) -> None:
    """What `up` would die of is told before, and ends with 3."""
    (spec.parent / "cache").write_text("")
    code, found = codes(spec)

    assert (code, found["directory-is-a-file"]) == (3, "error")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's workers are another user")
def test_directory_that_the_workers_may_not_enter_is_a_warning(spec: Path) -> None:
    """Root may go everywhere, and nginx's workers may not."""
    spec.parent.chmod(0o700)

    assert codes(spec)[1]["directory-closed"] == "warning"


@pytest.mark.parametrize("name", ["do$llar", "semi;colon"])
def test_home_that_nginx_cannot_write_down_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A user's own directories are rendered, and not only those of the trial."""
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(folder / name / variable))
    text = f'listen.port = {free_port()}\n[[upstreams]]\nurl = "http://127.0.0.1:9"\n'
    found = {finding.code: finding for finding in examine(parse_spec(text))}

    assert found["unsupported"].severity is Severity.ERROR
    assert f"{name}/XDG_" in found["unsupported"].message
    assert "cannot be a path" in found["unsupported"].message


def test_temporary_directory_that_nginx_cannot_write_down(spec: Path) -> None:
    """Then nginx is not asked, and the spec is not blamed."""
    folder = spec.parent / "do$llar"
    folder.mkdir()
    done = run("check", cwd=spec.parent, env=environment(spec.parent, TMPDIR=str(folder)))

    assert done.code == 0
    assert "warning: TMPDIR: nginx was not asked" in done.out
    assert "hint: set TMPDIR to another directory" in done.out


@pytest.mark.parametrize(
    ("days", "code", "found"),
    [
        (-1, 3, {"certificate-expired": "error"}),
        (5, 0, {"certificate-ends-soon": "warning"}),
        (60, 0, {}),
    ],
)
def test_own_certificate_is_looked_at(
    spec: Path, days: int, code: int, found: dict[str, str]
) -> None:
    """One that clients will refuse is found before they do; nginx says nothing of it."""
    certificate, key = Authority(spec.parent).issue("a.example", days=days)
    with_line(spec, f'mode = "tls"\nhost_name = "a.example"\n'
        f'tls = {{ certificate = "{certificate}", certificate_key = "{key}" }}')  # fmt: skip
    spec.write_text(spec.read_text().replace("port = ", f"tls_port = {free_port()}, port = "))
    done, all_found = codes(spec)

    assert done == code
    assert {k: v for k, v in all_found.items() if k.startswith("certificate")} == found
