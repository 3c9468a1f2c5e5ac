"""`passthru status` with an exporter's stand-in behind a real nginx, and without either."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.nginx.cache import Cache
from tests.nginx.commands import spec_file, type_in
from tests.nginx.conftest import StartCache
from tests.nginx.fake_exporter import FakeExporter, fake_exporter
from tests.nginx.origin import Origin
from tests.stats.snapshots import busy, later
from tests.unit.cli.command import environment

SNAPSHOT: Final = busy().model_dump_json(by_alias=True).encode()
WATCH: Final = (sys.executable, "-m", "passthru", "status", "--watch")
PATIENT: Final = (
    "import sys; from passthru.cli import main, watching; watching.EVERY = {};"
    "sys.exit(main(['status', '--watch', *sys.argv[1:]]))"
)
"""The same, with other pauses between two looks, in seconds."""

SEQUENCE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@contextmanager
def exporter_of(one: Cache, body: bytes = SNAPSHOT) -> Iterator[FakeExporter]:
    """Answer for a cache's exporter with `body`."""
    with fake_exporter(one.site.exporter_socket) as fake:
        fake.body = body
        yield fake


def test_figures_are_shown(cache: StartCache, origin: Origin) -> None:
    """Plain text of at most 80 columns, where stdout is no terminal."""
    one = cache(origin)
    with exporter_of(one) as fake:
        done = type_in("status", str(spec_file(one)))

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("all is well\n")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out
    assert [target for _method, target, _headers in fake.asked] == ["/status.json"]


def test_json_is_the_snapshot(cache: StartCache, origin: Origin) -> None:
    """As it came."""
    one = cache(origin)
    with exporter_of(one):
        done = type_in("status", str(spec_file(one)), "--json")

    assert (done.code, json.loads(done.out)) == (0, json.loads(SNAPSHOT))


def test_page_need_not_be_for_us(cache: StartCache, origin: Origin) -> None:
    """The exporter is asked itself: neither `enable` nor `allow` nor `path` keeps figures back."""
    one = cache(origin, status={"allow": ["192.0.2.1"], "path": "/figures"})
    with exporter_of(one):
        assert type_in("status", str(spec_file(one))).code == 0
        assert type_in("status", str(spec_file(one, status={"enable": False}))).code == 0


def test_nothing_runs(cache: StartCache, origin: Origin) -> None:
    """One line, what to type, and an exit code of its own."""
    one = cache(origin, start=False)
    done = type_in("status", str(spec_file(one)))

    assert (done.code, done.out) == (4, "")
    assert done.err == (
        f"error: nobody answers on {one.site.socket}: no such file or directory\n"
        "hint: start it with `passthru up`\n"
    )
    told = json.loads(type_in("status", str(spec_file(one)), "--json").out)
    assert told["error"]["kind"] == "not-running"
    assert type_in("status", str(spec_file(one)), "--watch").code == 4


def test_exporter_is_down(cache: StartCache, origin: Origin) -> None:
    """What nginx tells by itself is shown, and that there is no more."""
    one = cache(origin)
    done = type_in("status", str(spec_file(one)))

    assert done.code == 4
    assert done.out.startswith(f"nginx serves generation {one.rendering.generation} of passthru ")
    assert re.search(r": \d+ connections, \d+ requests so far\n$", done.out)
    assert done.err.startswith("error: the cache serves, and there are no figures: ")
    assert "passthru exporter" in done.err


def test_figures_are_switched_off(cache: StartCache, origin: Origin) -> None:
    """Then what to write is told."""
    one = cache(origin, status={"enable": False})
    done = type_in("status", str(spec_file(one)))

    assert done.code == 4
    assert "enable = true" in done.err


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b"hello\n",
        b"9" * 5000,
        SNAPSHOT.replace(b'"version":1', b'"version":"x"'),
        SNAPSHOT.replace(b'"lines"', b'"\\u001b[31m"'),
    ],
    ids=range(8),
)
def test_figures_that_are_none(cache: StartCache, origin: Origin, body: bytes) -> None:
    """Whatever answers in the exporter's place is told in one line."""
    one = cache(origin)
    with exporter_of(one, body):
        done = type_in("status", str(spec_file(one)))

    assert done.code == 4
    error, hint = done.err.splitlines()[-2:]  # the stand-in may complain that we hung up
    assert error.startswith("error: the cache serves, and there are no figures: ")
    assert error.isprintable()
    assert len(error) < 400
    assert hint.startswith("hint: ")


def test_answer_without_end(cache: StartCache, origin: Origin) -> None:
    """No more is read than any snapshot has."""
    one = cache(origin)
    with exporter_of(one, b"x" * (17 << 20)):
        assert type_in("status", str(spec_file(one))).code == 4


class Terminal:
    """`passthru status --watch` in a terminal of its own."""

    def __init__(
        self, one: Cache, *, columns: int = 80, rows: int = 40, every: int = 2, **extra: str
    ) -> None:
        self.near, far = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PATIENT.format(every), str(spec_file(one))],
            stdin=far,
            stdout=far,
            stderr=far,
            env=environment(one.home, TERM="xterm", **extra),
            start_new_session=True,
        )
        os.close(far)
        self.seen = ""

    def resize(self, columns: int, rows: int) -> None:
        """Give it another size."""
        termios.tcsetwinsize(self.near, (rows, columns))

    def read_until(self, pattern: str, *, within: float = 20.0) -> str:
        """Return what was written up to the first match of `pattern` since the last call."""
        deadline = time.monotonic() + within
        while not (found := re.search(pattern, self.seen, re.DOTALL)):
            assert time.monotonic() < deadline, self.seen
            if select.select([self.near], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.near, 65536).decode()
                except OSError:
                    break
        assert found, self.seen
        text, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return text

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()
        os.close(self.near)


@contextmanager
def terminal(one: Cache, **settings: int | str) -> Iterator[Terminal]:
    """Run it in a terminal."""
    shown = Terminal(one, **settings)  # type: ignore[arg-type] # columns, rows, and variables
    try:
        yield shown
    finally:
        shown.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch(cache: StartCache, origin: Origin, number: signal.Signals) -> None:
    """It draws on a screen of its own, again and again, and leaves the terminal as it was."""
    one = cache(origin)
    with exporter_of(one) as fake, terminal(one) as shown:
        begun = shown.read_until(r"all is well.*\x1b\[J")
        fake.body = later(busy()).model_dump_json(by_alias=True).encode()
        shown.read_until(r"all is well.*\x1b\[J")
        os.killpg(shown.process.pid, number)
        ended = shown.read_until(r"\x1b\[\?1049l")

        assert shown.process.wait(10) == 0
    assert begun.startswith("\x1b[?1049h\x1b[?25l")
    assert ended.endswith("\x1b[?7h\x1b[?25h\x1b[?1049l")
    assert "Traceback" not in begun + ended + shown.seen
    assert len(fake.asked) >= 2


def test_watch_loses_and_finds_it(cache: StartCache, origin: Origin) -> None:
    """The last figures stay, with a line that says so, until there are new ones."""
    one = cache(origin)
    with terminal(one) as shown:
        with exporter_of(one):
            shown.read_until("all is well.*\x1b\\[J")
        lost = SEQUENCE.sub("", shown.read_until("lost at [^\n]*\n.*\x1b\\[J"))
        assert "no figures" in lost
        assert "nixos      well   1 204 117" in lost
        with exporter_of(one):
            shown.read_until(r"\x1b\[H[^l]*all is well")


def test_watch_follows_the_size(cache: StartCache, origin: Origin) -> None:
    """Another size is drawn without waiting for the next look, and nothing is beyond it."""
    one = cache(origin)
    told = {"COLUMNS": "80", "LINES": "24"}  # of another terminal, as a shell may export them
    with exporter_of(one), terminal(one, columns=100, rows=60, every=300, **told) as shown:
        wide = SEQUENCE.sub("", shown.read_until(r"\x1b\[J"))
        shown.resize(50, 20)
        os.killpg(shown.process.pid, signal.SIGWINCH)
        narrow = SEQUENCE.sub("", shown.read_until(r"\x1b\[H.*?\x1b\[J"))

    assert "last error" in wide or "took" in wide
    lines = narrow.split("\r\n")
    assert len(lines) == 20
    assert max(map(len, lines)) <= 50


def test_no_color(cache: StartCache, origin: Origin) -> None:
    """NO_COLOR keeps the drawing and drops the colours."""
    one = cache(origin)
    with exporter_of(one), terminal(one, NO_COLOR="1") as shown:
        text = shown.read_until(r"all is well.*\x1b\[J")

    assert not re.search(r"\x1b\[[0-9;]*m", text)


def test_watch_without_a_terminal(cache: StartCache, origin: Origin, tmp_path: Path) -> None:
    """Frame after frame as plain text; in JSON a line each."""
    one = cache(origin)
    with exporter_of(one):
        for options, count in (((), "all is well"), (("--json",), '"version": 1')):
            out = tmp_path / "out"
            with out.open("w") as file:
                process = subprocess.Popen(
                    [*WATCH, *options, str(spec_file(one))],
                    stdout=file,
                    env=environment(one.home),
                )
                deadline = time.monotonic() + 20
                while out.read_text().count(count) < 2 and time.monotonic() < deadline:
                    time.sleep(0.1)
                process.send_signal(signal.SIGINT)
                assert process.wait(10) == 0
            text = out.read_text()
            assert text.count(count) >= 2
            assert "\x1b" not in text
            if options:
                assert all(json.loads(line)["version"] == 1 for line in text.splitlines())
