"""./do, with a Python that is none: when it installs, when it does not, and what it says."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.checkout import ROOT
from tests.debian import unavailable

HERE: Final = Path(__file__).parent
SHELLS: Final = ("dash", "bash", "busybox")
NAMES: Final = ("plain", "with space", 'it\'s "ç" [x] $HOME #1 %20 *', "-dash")
UNAVAILABLE: Final = 69

# All that ./do may call where there is nothing to install; apt-get and sudo are not among it.
TOOLS: Final = (
    *("cat", "chmod", "cksum", "cp", "cut", "date", "env", "find", "flock", "grep", "id", "ls"),
    *("mkdir", "mv", "nproc", "printf", "pwd", "readlink", "rm", "sed", "seq", "sh", "sleep"),
    *("tail", "touch"),
)


def shell_command(shell: str) -> list[str]:
    """Return how to run a script in a shell, which must be there."""
    path = shutil.which(shell)
    if path is None:
        unavailable(f"{shell} is not installed")
    return {"busybox": [path, "sh"], "bash": [path, "--posix"]}.get(shell, [path])


@dataclass(frozen=True, slots=True)
class Checkout:
    """As much of a checkout as ./do reads, and a machine around it."""

    path: Path
    machine: Path
    shell: list[str] = field(default_factory=list)

    @property
    def venv(self) -> Path:
        """Where the virtual environment belongs."""
        return self.path / ".venv"

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a machine with a Python, an nginx and CAs."""
        return {
            "PATH": str(self.machine / "bin"),
            "HOME": str(self.machine),
            "FAKE": str(self.machine),
            "PASSTHRU_NGINX": "/bin/true",
            "SSL_CERT_FILE": str(self.machine / "bin/sh"),
            **more,
        }

    def do(
        self, *words: str, cwd: Path | None = None, script: str | Path = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ./do to its end, in a process group of its own."""
        return subprocess.run(
            [*self.shell, str(script or self.path / "do"), *words],
            cwd=cwd or self.machine,
            env=self.environment(more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            start_new_session=True,
            check=False,
        )

    def next_pip(self, how: str) -> None:
        """Say how the next installations go: fail, kill, slow, or well."""
        (self.machine / "pip").write_text(how, encoding="utf-8")

    def calls(self) -> list[str]:
        """Return what was asked of Python since the last time."""
        path = self.machine / "calls"
        try:
            return path.read_text(encoding="utf-8").split()
        finally:
            path.unlink(missing_ok=True)
            path.touch()


def make_checkout(work: Path, *, name: str = "check out", shell: str = "dash") -> Checkout:
    """Make one below `work`."""
    checkout = Checkout(work / name, work / "machine", shell_command(shell))
    checkout.path.mkdir()
    (checkout.machine / "bin").mkdir(parents=True)
    (checkout.machine / "calls").touch()
    for tool in TOOLS:
        (checkout.machine / "bin" / tool).symlink_to(shutil.which(tool) or "/nowhere")
    for file in ("do", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / file, checkout.path / file)
    add_program(checkout, "python3.12", (HERE / "fake_python.sh").read_text(encoding="utf-8"))
    return checkout


def add_program(checkout: Checkout, name: str, text: str = "#!/bin/sh\nexit 0\n") -> None:
    """Put a program on the machine's PATH."""
    path = checkout.machine / "bin" / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return one that nothing was installed for yet."""
    return make_checkout(tmp_path)


@pytest.mark.parametrize("script", ["do", ".ci/run"])
def test_script_is_clean(script: str) -> None:
    """Shellcheck finds nothing."""
    if not shutil.which("shellcheck"):
        unavailable("shellcheck is not installed")
    result = subprocess.run(
        ["shellcheck", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert result.stdout == ""
    assert result.returncode == 0


def test_help_needs_nothing(checkout: Checkout) -> None:
    """Help lists the commands on stdout and installs nothing."""
    result = checkout.do("help")

    assert result.returncode == 0
    for command in ("up", "demo", "setup", "test", "check", "bench", "help"):
        assert f"\n  {command} " in result.stdout
    assert checkout.calls() == []


@pytest.mark.parametrize("words", [(), ("bogus",), ("up-",)])
def test_wrong_usage(checkout: Checkout, words: tuple[str, ...]) -> None:
    """Anything else is a usage error, and installs nothing."""
    result = checkout.do(*words)

    assert (result.returncode, result.stdout, checkout.calls()) == (2, "", [])
    assert result.stderr


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shell", SHELLS)
def test_second_run_installs_nothing(tmp_path: Path, shell: str, name: str) -> None:
    """Whatever the path and the shell, the first run installs and the second is silent."""
    checkout = make_checkout(tmp_path, name=name, shell=shell)

    first = checkout.do("setup")
    assert (first.returncode, checkout.calls()) == (0, ["venv", "pip", "pip"])
    second = checkout.do("setup")
    assert (second.returncode, second.stdout, second.stderr, checkout.calls()) == (0, "", "", [])


@pytest.mark.parametrize("shell", SHELLS)
def test_up_becomes_passthru(tmp_path: Path, shell: str) -> None:
    """Arguments, working directory, process id and exit code are those of passthru itself.

    So a signal to ./do reaches it; and it does not hold our lock open.
    """
    checkout = make_checkout(tmp_path, shell=shell)
    process = subprocess.Popen(
        [*checkout.shell, str(checkout.path / "do"), "up", "a b", "", "*"],
        cwd=tmp_path,
        env=checkout.environment({}),
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = process.communicate(timeout=30)

    assert said.splitlines() == [str(process.pid), str(tmp_path), "<up><a b><><*>", "0"]
    assert process.returncode == 7


def test_found_through_links_and_by_name(checkout: Checkout) -> None:
    """A chain of symbolic links, a bare name and a relative path all lead to the checkout."""
    (checkout.machine / "one").symlink_to("../check out/do")
    (checkout.machine / "two").symlink_to(checkout.machine / "one")

    for script, cwd in (("two", None), ("./two", None), ("do", checkout.path), ("../do", None)):
        place = cwd or checkout.machine
        if script == "../do":
            place = checkout.path / "deeper"
            place.mkdir()
        assert checkout.do("setup", script=script, cwd=place, CDPATH="/").returncode == 0
    assert checkout.calls() == ["venv", "pip", "pip"]


def test_killed_installation_is_begun_anew(checkout: Checkout) -> None:
    """After kill -9 in the midst of pip nothing is believed, and nothing half is kept."""
    checkout.next_pip("kill")
    assert checkout.do("setup").returncode == -9
    (checkout.venv / "half").touch()
    checkout.calls()
    checkout.next_pip("")

    assert checkout.do("setup").returncode == 0
    assert checkout.calls() == ["venv", "pip", "pip"]
    assert not (checkout.venv / "half").exists()


def test_failed_installation_says_why(checkout: Checkout) -> None:
    """One sentence and the last fifteen lines of the log; the next run tries again."""
    checkout.next_pip("fail")
    result = checkout.do("up")

    assert result.returncode == UNAVAILABLE
    *_, said = [line for line in result.stderr.splitlines() if line.startswith("do: ")]
    assert said.startswith("do: could not install the Python packages (is the package index in")
    assert said.endswith(f"; the end of {checkout.venv}/install.log:")
    last = [f"line {number}" for number in range(86, 101)]
    assert result.stderr.splitlines()[-16:] == [said, *last]
    checkout.next_pip("")
    assert checkout.do("setup").returncode == 0


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_changed_wishes_are_installed(checkout: Checkout, file: str) -> None:
    """A pull that changes what is needed installs it, into the same environment."""
    checkout.do("setup")
    checkout.calls()
    with (checkout.path / file).open("a", encoding="utf-8") as handle:
        handle.write("# changed\n")

    assert checkout.do("setup").returncode == 0
    assert checkout.calls() == ["pip", "pip"]


def test_new_python_is_noticed(checkout: Checkout) -> None:
    """A distribution's upgrade of Python below the environment is no longer up to date."""
    checkout.do("setup")
    checkout.calls()

    assert checkout.do("setup", FAKE_VERSION="3.14.0").returncode == 0
    assert checkout.calls() == ["pip", "pip"]


def test_moved_checkout_is_noticed(checkout: Checkout) -> None:
    """The environment's scripts hold its path: after a move it is brought up to date."""
    checkout.do("setup")
    checkout.calls()
    moved = Checkout(checkout.path.rename(checkout.path.with_name("moved")), checkout.machine)

    assert moved.do("setup").returncode == 0
    assert "pip" in checkout.calls()


def test_two_at_once_install_once(checkout: Checkout) -> None:
    """The second waits for the first, and finds all done."""
    checkout.next_pip("slow")
    command = [*checkout.shell, str(checkout.path / "do"), "setup"]
    processes = [subprocess.Popen(command, env=checkout.environment({})) for _ in range(3)]

    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert checkout.calls() == ["venv", "pip", "pip"]


def test_environment_of_another_maker_is_kept(checkout: Checkout) -> None:
    """A .venv that the user made is installed into, and never emptied."""
    (checkout.venv / "bin").mkdir(parents=True)
    (checkout.venv / "pyvenv.cfg").touch()
    shutil.copy2(checkout.machine / "bin/python3.12", checkout.venv / "bin/python")
    (checkout.venv / "mine").touch()
    checkout.next_pip("kill")
    checkout.do("setup")
    checkout.next_pip("")

    assert checkout.do("setup").returncode == 0
    assert (checkout.venv / "mine").exists()
    assert "venv" not in checkout.calls()


def test_directory_that_is_no_environment_is_refused(checkout: Checkout) -> None:
    """$PASSTHRU_VENV by mistake on a home directory does no harm."""
    (checkout.machine / "letter").touch()
    result = checkout.do("setup", PASSTHRU_VENV=str(checkout.machine))

    assert result.returncode == UNAVAILABLE
    assert "is no virtual environment" in result.stderr
    assert (checkout.machine / "letter").exists()


def test_chosen_environment(checkout: Checkout) -> None:
    """$PASSTHRU_VENV is used, relative to the working directory, and the checkout stays clean."""
    assert checkout.do("setup", PASSTHRU_VENV="of mine").returncode == 0
    assert (checkout.machine / "of mine/bin/passthru").exists()
    assert not checkout.venv.exists()


def test_read_only_checkout(checkout: Checkout) -> None:
    """The environment then lives in the user's cache, and is found there again."""
    read_only = make_read_only(checkout)

    assert read_only.do("setup").returncode == 0
    assert checkout.calls() == ["venv", "pip", "pip"]
    assert read_only.do("setup").returncode == 0
    assert checkout.calls() == []
    assert len(list((checkout.machine / ".cache/passthru").glob("venv-*"))) == 1


def make_read_only(checkout: Checkout) -> Checkout:
    """Return the checkout as one that cannot be written to; for root, by a mount of its own."""
    checkout.path.chmod(0o555)
    if os.geteuid() != 0:
        return checkout
    mount = 'mount --bind -o ro "$0" "$0" && exec "$@"'
    inside = ["unshare", "--mount", "/bin/sh", "-c", mount, str(checkout.path)]
    path = os.environ["PATH"]
    probe = subprocess.run(
        [*inside, "true"], env={"PATH": path}, capture_output=True, timeout=10, check=False
    )
    if probe.returncode != 0:
        unavailable("no mount namespace")
    for tool in ("unshare", "mount"):
        (checkout.machine / "bin" / tool).symlink_to(shutil.which(tool) or "/nowhere")
    return Checkout(checkout.path, checkout.machine, [*inside, *checkout.shell])


@pytest.mark.parametrize(
    ("manager", "advice"),
    [
        ("apt-get", "sudo apt-get install python3-venv"),
        ("dnf", "sudo dnf install python3"),
        ("pacman", "sudo pacman -S python"),
        ("zypper", "sudo zypper install python3"),
        ("apk", "sudo apk add python3"),
        ("nothing", "nix-shell -p python3 --run './do up'"),
    ],
)
def test_without_python(checkout: Checkout, manager: str, advice: str) -> None:
    """Where nothing may be installed, one line says what to type on this system."""
    (checkout.machine / "bin/python3.12").unlink()
    add_program(checkout, manager)
    result = checkout.do("up", script=checkout.path / "do")

    assert result.returncode == UNAVAILABLE
    assert result.stderr == f"do: missing: python3-venv; to install: {advice}\n"


def test_old_python(checkout: Checkout) -> None:
    """An old Python is named, and no package manager is asked for the same again."""
    (checkout.machine / "bin/python3.12").unlink()
    old = "#!/bin/sh\ncase $* in *platform*) echo 3.9.2 ;; *) exit 1 ;; esac\n"
    add_program(checkout, "python3", old)
    result = checkout.do("up")

    assert result.returncode == UNAVAILABLE
    assert "Python 3.11 or newer" in result.stderr
    assert "3.9.2" in result.stderr


def test_broken_newest_python_is_passed_over(checkout: Checkout) -> None:
    """A python3.13 that does not work (a shim of a version manager) is no hindrance."""
    add_program(checkout, "python3.13", "#!/bin/sh\necho 'command not found' >&2\nexit 127\n")

    assert checkout.do("setup").returncode == 0
