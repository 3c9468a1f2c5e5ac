"""Where errors become text and exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from passthru.cli import main
from passthru.cli.app import app
from passthru.errors import (
    ListenError,
    NginxError,
    NotRunningError,
    PassthruError,
    Problem,
    ReloadRejectedError,
    SpecError,
)
from tests.unit.cli.command import environment, run

SPEC_ERROR = SpecError(
    (
        Problem("upstreams[0].url", "has no scheme", "write https://example.org"),
        Problem("cache.sise", "is not known", "did you mean size?"),
    ),
    source="passthru.toml",
)
REJECTED = ReloadRejectedError(
    "nginx did not take generation 3f9c live", lines=("[emerg] one", "[emerg] two"), hint="wait"
)
TOLD_SPEC = """\
error: passthru.toml: upstreams[0].url: has no scheme; write https://example.org
error: passthru.toml: cache.sise: is not known; did you mean size?
"""
TOLD_REJECTED = """\
error: nginx did not take generation 3f9c live
    [emerg] one
    [emerg] two
hint: wait
"""


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Put in what `schema` (plain) and `version` (with --json) shall raise."""
    errors: list[BaseException] = []

    def fail(**_options: object) -> None:
        raise errors[0]

    monkeypatch.setattr(app.commands["schema"], "callback", fail)
    monkeypatch.setattr(app.commands["version"], "callback", fail)
    return errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PassthruError("no"), 1),
        (ListenError("no"), 1),
        (NginxError("no"), 1),
        (NotRunningError("no"), 4),
        (REJECTED, 5),
        (SPEC_ERROR, 78),
        (PermissionError(13, "Permission denied", "/x"), 1),
        (KeyError("x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    failing: list[BaseException], error: BaseException, code: int
) -> None:
    """Scripts and systemd tell the failures apart by the code."""
    failing.append(error)

    assert main(["schema"]) == code


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PassthruError("it is broken", hint="mend it"), "error: it is broken\nhint: mend it\n"),
        (PassthruError("it is broken"), "error: it is broken\n"),
        (
            NotRunningError("nobody is there"),
            "error: nobody is there\nhint: start it with `passthru up`\n",
        ),
        (
            REJECTED,
            TOLD_REJECTED,
        ),
        (
            SPEC_ERROR,
            TOLD_SPEC,
        ),
        (PermissionError(13, "Permission denied", "/x/y"), "error: /x/y: permission denied\n"),
    ],
)
def test_errors_are_told_on_stderr(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    text: str,
) -> None:
    """What, why and what to do; nothing on stdout."""
    failing.append(error)
    main(["schema"])

    assert capsys.readouterr() == ("", text)


def test_unexpected_errors_say_how_to_report_them(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of ours is one line and no traceback, until asked for with --debug."""
    failing.append(KeyError("x"))
    main(["schema"])
    out, err = capsys.readouterr()

    assert out == ""
    assert err.startswith("error: unexpected KeyError: 'x'\nhint: this is a fault of passthru")
    assert "Traceback" not in err

    main(["--debug", "schema"])

    assert "Traceback" in capsys.readouterr().err


def test_json_is_asked_for_and_so_are_errors_in_json(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json the error is the record on stdout, every field there, and stderr is silent."""
    failing.append(REJECTED)
    code = main(["version", "--json"])
    out, err = capsys.readouterr()

    assert (code, err) == (5, "")
    assert json.loads(out) == {
        "version": 1,
        "error": {
            "kind": "reload-rejected",
            "message": "nginx did not take generation 3f9c live",
            "hint": "wait",
            "lines": ["[emerg] one", "[emerg] two"],
            "problems": [],
        },
    }


def test_json_errors_list_the_problems_of_a_spec(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    """An editor can put each problem at its key."""
    failing.append(SPEC_ERROR)
    main(["version", "--json"])

    assert json.loads(capsys.readouterr().out)["error"]["problems"] == [
        {
            "where": "upstreams[0].url",
            "message": "has no scheme",
            "hint": "write https://example.org",
        },
        {"where": "cache.sise", "message": "is not known", "hint": "did you mean size?"},
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chekc"], "error: no such command: chekc; did you mean `check`?\n"),
        (["frobnicate"], "error: no such command: frobnicate\n"),
        (["snippet", "nixos", "a", "b"], "error: got unexpected extra argument (b)\n"),
        (["check", "--debug"], "hint: write it before the command: passthru --debug check\n"),
        (["render", "--out", "x", "--diff"], "error: --out and --diff exclude each other\n"),
        (["snippet"], "hint: see `passthru snippet --help`\n"),
        (["discover", "--wait", "nan"], "error: invalid value for '--wait': nan is no number"),
        (["fills", "x", "--settings", "y"], "error: SPEC and --settings exclude each other\n"),
        (["hot", "x", "--settings", "y"], "error: SPEC and --settings exclude each other\n"),
    ],
)
def test_wrong_command_lines_end_with_2(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    """A mistyped command line says what is wrong and where to look, and does nothing."""
    code = main(words)
    out, err = capsys.readouterr()

    assert (code, out) == (2, "")
    assert told in err


def test_no_command_shows_the_help(tmp_path: Path) -> None:
    """`passthru` alone is a question; its answer is no data."""
    done = run(cwd=tmp_path)

    assert "Commands:" in done.out + done.err
    assert "Traceback" not in done.err


def colored(wish: list[str], variables: dict[str, str], tmp_path: Path, *, tty: bool) -> bool:
    """Tell whether an error comes in colour, with a terminal as stderr or without."""
    words = [sys.executable, "-m", "passthru", *wish, "check", str(tmp_path / "none.toml")]
    env = environment(tmp_path) | {"TERM": "xterm"} | variables
    if not tty:
        return "\x1b[" in run(*words[3:], cwd=tmp_path, env=env).err
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            words,
            cwd=tmp_path,
            env=env,
            stderr=theirs,
            timeout=30,
            check=False,
            stdout=subprocess.DEVNULL,
        )
        return b"\x1b[" in os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("wish", "variables", "tty", "expected"),
    [
        ([], {}, True, True),
        ([], {}, False, False),
        ([], {"NO_COLOR": "1"}, True, False),
        ([], {"TERM": "dumb"}, True, False),
        (["--color", "never"], {}, True, False),
        (["--color", "always"], {"NO_COLOR": "1"}, False, True),
    ],
)
def test_colour_is_for_terminals(
    tmp_path: Path, wish: list[str], variables: dict[str, str], *, tty: bool, expected: bool
) -> None:
    """Files and pipes get plain text; NO_COLOR is heard, and --color has the last word."""
    assert colored(wish, variables, tmp_path, tty=tty) is expected


def test_a_closed_pipe_is_no_news(tmp_path: Path) -> None:
    """`passthru man | head` ends without a word about the pipe."""
    with subprocess.Popen(
        [sys.executable, "-m", "passthru", "man"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        told = process.stderr.read()

    assert told == b""


@pytest.mark.parametrize("words", [["metrics"], ["doctor"], ["status"], ["version", "--json"]])
@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_closed_stream_changes_no_answer(tmp_path: Path, words: list[str], stream: str) -> None:
    """`passthru metrics >&-` ends as it would otherwise, without a fault of its own."""
    told = run(*words, cwd=tmp_path)
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {stream}>&-', "sh", sys.executable, "-m", "passthru", *words],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == told.code
    assert "unexpected" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [["version", "--json"], ["metrics", "--json"], ["metrics"]])
def test_a_full_disk_is_told_in_a_line(tmp_path: Path, words: list[str]) -> None:
    """What cannot be written to stdout is told on stderr, in JSON's place too."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "passthru", *words],
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "error: no space left on device\n"


@pytest.mark.parametrize("words", [[], *([name, "--help"] for name in app.commands), ["man"]])
def test_output_is_ascii(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """A console in the C locale shows every letter."""
    main(words or ["--help"])

    assert capsys.readouterr().out.isascii()


def test_interrupt_is_quiet(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a command ends it with 130 and no traceback."""
    program = (
        "import os, signal, sys\n"
        "from passthru.cli import app as module, main\n"
        "from passthru.cli.app import app\n"
        "app.commands['schema'].callback = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(main(['schema']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )

    assert done.returncode == 130
    assert done.stderr.strip() == ""


def test_click_is_not_asked_for_more_than_it_had(tmp_path: Path) -> None:
    """The group is built with what click 8.1.7 had: a Group, whatever its version."""
    assert isinstance(app, click.Group)
    assert run("--version", cwd=tmp_path).out == "passthru 0.1.0\n"


def test_a_usage_error_is_one_line(tmp_path: Path) -> None:
    """Click lists the choices of an argument below each other, and we do not."""
    done = run("snippet", cwd=tmp_path)

    assert done.code == 2
    assert len(done.err.splitlines()) == 2
    assert "choose from: nix-conf, nixos, " in done.err.lower()
