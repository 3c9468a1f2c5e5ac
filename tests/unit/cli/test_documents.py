"""What is made from the tree of commands, and other texts for machines."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from passthru.cli.app import app
from passthru.cli.man import manual_page
from passthru.cli.reference import markdown
from passthru.cli.tree import EXIT_CODES
from passthru.errors import PassthruError
from tests.checkout import ROOT
from tests.unit.cli.command import environment, invoke, run


def test_reference_is_up_to_date() -> None:
    """docs/reference/commands.md is `python -m passthru.cli.reference`, as it is now."""
    assert (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8") == markdown(app)


def test_reference_and_man_page_tell_every_command_and_option() -> None:
    """Nothing that can be typed is missing from either."""
    page, man = markdown(app), manual_page(app).replace("\\-", "-")
    for name, command in app.commands.items():
        assert f"## passthru {name}\n" in page
        assert f".SS passthru {name}\n" in man
        for option in command.params:
            for writing in option.opts:
                if writing.startswith("-"):
                    assert writing in page
                    assert writing in man


def test_documented_exit_codes_are_those_of_the_errors() -> None:
    """A new error with a code of its own cannot be forgotten in the documents."""

    def below(error: type[PassthruError]) -> set[int]:
        return {error.exit_code}.union(*(below(child) for child in error.__subclasses__()))

    assert below(PassthruError) <= {code for code, _ in EXIT_CODES}


def test_man_page_is_roff() -> None:
    """Sections in the order of man-pages(7), macros at the beginnings of lines, no stray dots."""
    page = manual_page(app)
    sections = re.findall(r"^\.SH (.+)$", page, flags=re.MULTILINE)

    assert page.startswith('.TH PASSTHRU 1 "" "passthru ')
    assert sections == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS",
        "FILES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO",
    ]  # fmt: skip
    known = r"\.(TH|SH|SS|PP|TP|B|BR|br|nf|fi)( |$)"
    assert [
        line for line in page.splitlines() if line[:1] == "." and not re.match(known, line)
    ] == []


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_has_no_complaint() -> None:
    """The typesetter reads the page without a warning, and shows what is in it."""
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-P-cbou"],
        input=manual_page(app),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stderr == ""
    assert re.search(r"^\s+passthru render \[OPTIONS\] \[SPEC\]$", done.stdout, flags=re.MULTILINE)


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_finds_no_error() -> None:
    """A second reader agrees; that there is no date is on purpose."""
    subprocess.run(
        ["mandoc", "-Tlint", "-Werror"],
        input=manual_page(app),
        text=True,
        timeout=30,
        check=True,
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(shell: str) -> None:
    """Each is a script for its shell that asks passthru."""
    script = invoke("completion", shell)

    assert "_PASSTHRU_COMPLETE" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n"], input=script, text=True, timeout=30, check=True)


def test_completion_needs_no_bash(tmp_path: Path) -> None:
    """A packager's sandbox may have no bash in PATH."""
    done = run("completion", "bash", cwd=tmp_path, env=environment(tmp_path, PATH="/nonexistent"))

    assert (done.code, done.err) == (0, "")
    assert done.out == invoke("completion", "bash")


def test_schema_is_json_schema_of_the_spec() -> None:
    """An editor finds the keys in it."""
    schema = json.loads(invoke("schema"))

    assert {"mode", "upstreams", "cache"} <= set(schema["properties"])


def test_version_names_all_parts(tmp_path: Path) -> None:
    """A bug report holds what matters."""
    done = run("version", cwd=tmp_path)

    assert done.code == 0
    assert re.match(r"passthru \S+\npython   \S+\nnginx    ", done.out)


def test_version_in_json_has_every_field_without_nginx(tmp_path: Path) -> None:
    """A machine without nginx is told in the record, and is no failure."""
    missing = environment(tmp_path, PASSTHRU_NGINX="/nonexistent/nginx")
    record = json.loads(run("version", "--json", cwd=tmp_path, env=missing).out)

    assert record["version"] == 1
    assert record["nginx"]["binary"] is None
    assert record["nginx"]["capabilities"] is None
    assert "/nonexistent/nginx" in record["nginx"]["problem"]
