"""`passthru render`."""

import subprocess
from pathlib import Path

import pytest

from passthru.cli.files import write_files
from passthru.cli.render import FILES
from passthru.nginx.process import find_nginx
from tests.checkout import ROOT
from tests.unit.cli.command import environment, invoke, run

NGINX_V = ROOT / "tests/golden/nginx-V/nginx-1.30.txt"
SPEC = '[[upstreams]]\nurl = "http://192.0.2.1"\n'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Make a directory with a spec whose state is in it too."""
    (tmp_path / "passthru.toml").write_text(
        f'state_directory = "{tmp_path}/state"\nruntime_directory = "{tmp_path}/run"\n'
        f'cache = {{ directory = "{tmp_path}/cache" }}\n{SPEC}'
    )
    return tmp_path


def test_configuration_is_printed_and_nothing_else(here: Path) -> None:
    """On stdout is nginx.conf, twice the same, and no file is made."""
    once, twice = run("render", cwd=here), run("render", cwd=here)

    assert (once.code, once.err) == (0, "")
    assert "include http.conf;" in once.out
    assert once == twice
    assert [path.name for path in here.iterdir()] == ["passthru.toml"]


@pytest.mark.parametrize("name", FILES)
def test_any_file_can_be_printed(here: Path, name: str) -> None:
    """--file shows what --out writes."""
    printed = run("render", "--file", name, cwd=here).out

    assert {
        "nginx.conf": "events {",
        "http.conf": "proxy_cache_path",
        "server.conf": "location",
        "facts.json": '"upstreams"',
    }.get(name, "<!doctype html>") in printed


def test_a_file_that_is_not_rendered_is_told(here: Path) -> None:
    """Without the exporter there are no facts for it, and --file says why."""
    with (here / "passthru.toml").open("a") as spec:
        spec.write("[status]\nenable = false\n")
    done = run("render", "--file", "facts.json", cwd=here)

    assert (done.code, done.out) == (1, "")
    assert "hint: write enable = true in [status]" in done.err


def test_another_nginx_is_rendered_for_without_any(here: Path) -> None:
    """`nginx -V` of the target is enough: a configuration can be made where it will not run."""
    missing = environment(here, PASSTHRU_NGINX="/nonexistent/nginx")
    other = run("render", "--nginx-v", str(NGINX_V), "--file", "server.conf", cwd=here, env=missing)
    refused = run("render", cwd=here, env=missing)

    assert (other.code, other.err) == (0, "")
    assert "location" in other.out
    assert refused.code == 1
    assert "error: " in refused.err


def test_a_name_that_nginx_cannot_look_up_is_told(here: Path) -> None:
    """Its addresses are written down, so the bytes depend on the moment: that is said."""
    with (here / "passthru.toml").open("a") as spec:
        spec.write('[[upstreams]]\nurl = "http://localhost:9"\n')
    done = run("render", "--nginx-v", str(NGINX_V.with_name("debian-12.txt")), cwd=here)

    assert "note: this nginx cannot look up localhost; as of now: 127.0.0.1" in done.err


def test_something_else_than_nginx_v_is_refused(here: Path) -> None:
    """A file that does not come from nginx is named as such."""
    done = run("render", "--nginx-v", "passthru.toml", cwd=here)

    assert done.code == 1
    assert "does not look like the output of `nginx -V`" in done.err
    assert "hint: write the file with: nginx -V 2> FILE" in done.err


def test_written_files_can_be_used_from_there(here: Path) -> None:
    """A real nginx reads them at DIR, the page included."""
    done = run("render", "--out", "conf", cwd=here)
    conf = here / "conf"
    for name in ("state/logs", "run/temp", "cache"):
        (here / name).mkdir(parents=True)

    assert (done.code, done.out) == (0, "")
    assert sorted(str(p.relative_to(conf)) for p in conf.rglob("*") if p.is_file()) == sorted(FILES)
    assert f"{conf}/pages" in (conf / "server.conf").read_text()
    subprocess.run(
        [find_nginx(), "-t", "-q", "-e", "stderr", "-p", str(here), "-c", str(conf / "nginx.conf")],
        timeout=30,
        check=True,
    )


def test_files_are_replaced_at_once(tmp_path: Path) -> None:
    """A reader that opened the old file goes on reading it, and no leftover stays."""
    write_files({"nginx.conf": "old"}, tmp_path)
    with (tmp_path / "nginx.conf").open() as reader:
        write_files({"nginx.conf": "new", "pages/index.html": "page"}, tmp_path)
        assert reader.read() == "old"

    assert (tmp_path / "nginx.conf").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "index.html",
        "nginx.conf",
        "pages",
    ]
    assert (tmp_path / "nginx.conf").stat().st_mode & 0o777 == 0o644


def test_nothing_is_left_behind_when_it_fails(tmp_path: Path) -> None:
    """A text that cannot be written leaves the old file and no other."""
    write_files({"nginx.conf": "old"}, tmp_path)
    with pytest.raises(UnicodeEncodeError):
        write_files({"nginx.conf": "\udcff"}, tmp_path)

    assert (tmp_path / "nginx.conf").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_diff_is_against_what_is_live(here: Path) -> None:
    """All is new before the first start; what is live gives no line; a change gives its own."""
    spec = here / "passthru.toml"
    first = invoke("render", "--diff", str(spec))
    now = here / "state/generations/now"
    write_files({name: invoke("render", "--file", name, str(spec)) for name in FILES}, now)
    (here / "state/live").symlink_to("generations/now")
    same = invoke("render", "--diff", str(spec))
    spec.write_text(f"{spec.read_text()}[nix_cache_info]\npriority = 25\n")
    changed = invoke("render", "--diff", str(spec))

    assert first.startswith("--- /dev/null\n")
    assert same == ""
    assert "--- live/server.conf\n" in changed
    assert any("25" in line for line in changed.splitlines() if line.startswith("+"))
