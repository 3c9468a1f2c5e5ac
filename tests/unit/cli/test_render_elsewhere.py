"""`passthru render --machine`: a configuration made where it will not run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from passthru.nginx.process import find_nginx
from tests.checkout import ROOT
from tests.unit.cli.command import Done, environment, run

NGINX_V: Final = ROOT / "tests/golden/nginx-V"
SECRET: Final = "me:hunter2"
FACTS: Final[dict[str, Any]] = {
    "name": "shelf",
    "instance": "3f9c2a1b",
    "ca_bundle": "/etc/ssl/certs/ca-certificates.crt",
}


class Elsewhere:
    """A spec and the facts of a machine, both in one folder."""

    def __init__(self, folder: Path, **facts: object) -> None:
        """Write both; the spec wants credentials, and the machine is to write the late files."""
        self.folder = folder
        self.late = folder / "late"
        self.secret = folder / "secret"
        self.spec = folder / "spec.json"
        self.facts = folder / "machine.json"
        self.write_spec({"url": "http://192.0.2.1", "credentials_file": str(self.secret)})
        places = {f"{name}_directory": str(folder / name) for name in ("state", "runtime", "cache")}
        self.facts.write_text(json.dumps({**FACTS, **places, "late": str(self.late), **facts}))

    def write_spec(self, upstream: dict[str, object]) -> None:
        """Write a spec of one upstream."""
        self.spec.write_text(json.dumps({"upstreams": [upstream]}))

    def words(self, *more: str, out: Path, nginx: str = "nginx-1.30") -> tuple[str, ...]:
        """Return the command line after `passthru`."""
        told = str(NGINX_V / f"{nginx}.txt")
        known = ("--machine", str(self.facts), "--nginx-v", told)
        return ("render", str(self.spec), *known, "--out", str(out), *more)

    def render(self, *more: str, out: Path, nginx: str = "nginx-1.30") -> Done:
        """Run the command."""
        return run(*self.words(*more, out=out, nginx=nginx), cwd=self.folder)


def texts(folder: Path) -> dict[str, str]:
    """Return all files below a folder by name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_a_build_reads_no_secret_and_writes_none(tmp_path: Path) -> None:
    """The credentials file need not exist, and what stands in for it holds nothing."""
    there = Elsewhere(tmp_path)
    done = there.render(out=tmp_path / "out")
    made = texts(tmp_path / "out")

    assert done.code == 0, done.err
    assert f"include {there.late}/credentials.conf;" in made["http.conf"]
    assert 'default "";' in made["late/credentials.conf"]
    assert set(made) >= {"late/resolvers.conf", "late/credentials.conf", "http.conf", "server.conf"}
    assert not there.late.exists()


def test_the_machine_writes_what_was_left(tmp_path: Path) -> None:
    """--late writes name servers and credentials, the latter for their owner alone."""
    there = Elsewhere(tmp_path)
    there.secret.write_text(SECRET)
    there.secret.chmod(0o600)
    done = there.render("--late", out=there.late)
    made = texts(there.late)

    assert done.code == 0, done.err
    assert sorted(made) == ["credentials.conf", "resolvers.conf"]
    assert 'default "Basic bWU6aHVudGVyMg==";' in made["credentials.conf"]
    assert "\nresolver " in made["resolvers.conf"]
    assert (there.late / "credentials.conf").stat().st_mode & 0o777 == 0o600


def test_name_servers_that_are_known_are_not_left(tmp_path: Path) -> None:
    """Facts with name servers leave none to be found."""
    there = Elsewhere(tmp_path, resolvers=["127.0.0.53"])
    there.write_spec({"url": "https://cache.example.org"})
    there.render(out=tmp_path / "out")
    there.render("--late", out=there.late)

    assert "resolver 127.0.0.53 valid" in texts(tmp_path / "out")["http.conf"]
    assert not there.late.exists()


def test_nothing_of_this_machine_is_in_it(tmp_path: Path) -> None:
    """The same spec and facts give the same bytes on a machine of another name, without network."""
    there = Elsewhere(tmp_path)
    there.render(out=tmp_path / "out")
    first = texts(tmp_path / "out")
    away = ["unshare", "-r", "-u", "-n", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if subprocess.run([*away, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces can be had here")
    words = there.words(out=tmp_path / "out")
    subprocess.run(
        [*away, sys.executable, "-m", "passthru", *words],
        check=True,
        cwd=tmp_path,
        env=environment(tmp_path / "nowhere", SSL_CERT_FILE=str(there.spec)),
        capture_output=True,
    )

    assert texts(tmp_path / "out") == first


@pytest.mark.parametrize(
    ("url", "nginx"),
    [("http://shelf.local", "nginx-1.30"), ("https://cache.example.org", "debian-12")],
)
def test_a_name_that_would_have_to_be_looked_up_now_is_refused(
    tmp_path: Path, url: str, nginx: str
) -> None:
    """A build must not depend on what a name means today."""
    there = Elsewhere(tmp_path)
    there.write_spec({"url": url})
    done = there.render(out=tmp_path / "out", nginx=nginx)

    assert done.code == 1
    assert f"cannot look up {url.partition('//')[2]}" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"resolvers": ["one; evil"]}, "resolvers.0: string should match"),
        ({"instance": "no"}, "instance: "),
        ({"colour": "red"}, "colour: extra inputs are not permitted"),
        ({"late": "relative"}, "late: "),
    ],
)
def test_wrong_facts_are_named(tmp_path: Path, facts: dict[str, object], said: str) -> None:
    """What stands in the file reaches nginx, so it is held to a grammar."""
    done = Elsewhere(tmp_path, **facts).render(out=tmp_path / "out")

    assert done.code == 78
    assert said in done.err


def test_late_needs_to_know_for_whom_and_where(tmp_path: Path) -> None:
    """--late alone is a usage error."""
    there = Elsewhere(tmp_path)

    assert run("render", str(there.spec), "--late", cwd=tmp_path).code == 2


def test_nginx_accepts_the_parts_together(tmp_path: Path) -> None:
    """First with what stands in for the late files, then with the files themselves."""
    there = Elsewhere(tmp_path)
    there.secret.write_text(SECRET)
    there.secret.chmod(0o600)
    nginx = find_nginx()
    told = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=True).stderr
    (tmp_path / "nginx-v.txt").write_text(told)
    chosen = ("--nginx-v", str(tmp_path / "nginx-v.txt"))
    there.render(*chosen, out=tmp_path / "out")
    for name in ("state/logs", "runtime/temp", "cache"):
        (tmp_path / name).mkdir(parents=True)
    test = [
        nginx,
        "-t",
        "-p",
        str(tmp_path),
        "-c",
        str(tmp_path / "out/nginx.conf"),
        "-e",
        "stderr",
    ]

    there.late.symlink_to(tmp_path / "out/late")
    before = subprocess.run(test, capture_output=True, text=True, check=False)
    there.late.unlink()
    there.render(*chosen, "--late", out=there.late)
    after = subprocess.run(test, capture_output=True, text=True, check=False)

    assert (before.returncode, after.returncode) == (0, 0), before.stderr + after.stderr
