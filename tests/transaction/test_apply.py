"""The transaction on a running instance."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from passthru.errors import (
    ListenError,
    NginxError,
    NotRunningError,
    PassthruError,
    ReloadRejectedError,
    RenderError,
)
from passthru.nginx.apply import Outcome, Step, apply
from passthru.nginx.generation import KEEP, named_by
from passthru.nginx.lock import transaction
from passthru.nginx.master import check_owner, find_master, serving_workers
from passthru.nginx.rendering import Rendering
from passthru.nginx.serving import Crew
from passthru.nginx.site import Site
from tests.transaction.kit import (
    apply_elsewhere,
    get,
    picture,
    pids_in,
    read_all,
    serves,
    slow,
    tiny,
)
from tests.waiting import eventually


def generations(site: Site) -> set[str]:
    """Return the names of all folders in `generations`."""
    return {path.name for path in Path(site.generations).iterdir()}


@pytest.mark.usefixtures("crew")
class TestAccepted:
    """What a transaction that succeeds leaves behind."""

    def test_a_new_generation_is_live_and_good(self, site: Site, nginx: str) -> None:
        """What was applied is served, and both links name it."""
        assert apply(tiny(site, "bbbb"), site, binary=nginx) is Outcome.APPLIED

        live, good, served, _ = picture(site)
        assert (live, good, served) == ("bbbb", "bbbb", "bbbb")

    def test_who_asks_next_meets_no_old_worker(self, site: Site, nginx: str) -> None:
        """When `apply` returns, no worker of the old generation accepts any more."""
        for generation in ("bbbb", "cccc", "dddd"):
            before = serving_workers(site, find_master(site))
            apply(tiny(site, generation), site, binary=nginx)

            assert len(before) == 2
            assert before.isdisjoint(serving_workers(site, find_master(site)))
            assert {serves(site) for _ in range(50)} == {generation}

    def test_unchanged_is_no_reload(self, site: Site, nginx: str) -> None:
        """The same generation again leaves the very workers that ran before."""
        before = picture(site)

        assert apply(tiny(site, "aaaa"), site, binary=nginx) is Outcome.UNCHANGED
        assert picture(site) == before

    def test_a_generation_that_serves_but_is_not_linked_is_applied(
        self, site: Site, nginx: str
    ) -> None:
        """Unchanged means that the next HUP would not change anything either."""
        Path(site.live).unlink()
        Path(site.live).symlink_to("generations/ffff")

        assert apply(tiny(site, "aaaa"), site, binary=nginx) is Outcome.APPLIED
        assert named_by(site.live) == "aaaa"

    def test_a_download_in_flight_survives(self, site: Site, nginx: str, folder: Path) -> None:
        """A reload in the middle of a download does not cut it."""
        apply(tiny(site, "bbbb", server=slow(folder, seconds=2)), site, binary=nginx)
        connection = get(site, "/slow")
        first = connection.recv(1000)

        apply(tiny(site, "cccc"), site, binary=nginx)

        body = (first + read_all(connection)).partition(b"\r\n\r\n")[2]
        assert len(body) == 200_000

    def test_the_last_generations_are_kept(self, site: Site, nginx: str) -> None:
        """Old generations are removed, the newest stay, and leftovers of killed ones go."""
        Path(site.generations, ".beef.new").mkdir()
        names = [f"b{number:03}" for number in range(KEEP + 2)]
        for name in names:
            apply(tiny(site, name), site, binary=nginx)

        assert generations(site) == set(names[-KEEP:])

    def test_a_damaged_generation_is_written_anew(self, site: Site, nginx: str) -> None:
        """A file that a power cut emptied does not live on under its name."""
        apply(tiny(site, "bbbb"), site, binary=nginx)
        apply(tiny(site, "aaaa"), site, binary=nginx)
        damaged = Path(site.generations, "bbbb", "server.conf")
        damaged.write_text("")

        assert apply(tiny(site, "bbbb"), site, binary=nginx) is Outcome.APPLIED
        assert "bbbb" in damaged.read_text()

    def test_configurations_are_secret_and_pages_are_not(self, site: Site, nginx: str) -> None:
        """Whatever the umask: only the owner reads nginx's files, everybody enters and reads pages."""
        old = os.umask(0o077)
        try:
            apply(tiny(site, "bbbb"), site, binary=nginx)
        finally:
            os.umask(old)
        folder = Path(site.generations, "bbbb")

        modes = {
            str(path.relative_to(folder)): path.stat().st_mode & 0o777
            for path in (folder, *folder.rglob("*"))
        }
        assert modes == {
            ".": 0o755,
            "nginx.conf": 0o600,
            "http.conf": 0o600,
            "server.conf": 0o600,
            "pages": 0o755,
            "pages/index.html": 0o644,
        }


@pytest.mark.usefixtures("crew")
class TestRefused:
    """Renderings that do not become live, and what is served instead."""

    def test_by_the_test(self, site: Site, nginx: str) -> None:
        """What `nginx -t` refuses changes nothing, and nginx's own line tells where it is."""
        before = picture(site)

        with pytest.raises(NginxError, match="refuses") as caught:
            apply(tiny(site, "bbbb", server="\nnonsense on;"), site, binary=nginx)

        assert type(caught.value) is NginxError
        (line,) = caught.value.lines
        assert line.startswith('[emerg] unknown directive "nonsense"')
        assert line.endswith("generations/bbbb/server.conf:7")
        assert picture(site) == before

    def test_by_the_test_for_an_address(self, site: Site, nginx: str) -> None:
        """An address that no interface has is an error of listening, with what to change."""
        with pytest.raises(ListenError, match=r"192\.0\.2\.1:8080") as caught:
            apply(tiny(site, "bbbb", http="server { listen 192.0.2.1:8080; }"), site, binary=nginx)

        assert "listen.addresses" in str(caught.value.hint)

    def test_by_the_master(self, site: Site, nginx: str, folder: Path) -> None:
        """A cache that changes its levels passes `nginx -t` only: back, with nginx's reason."""

        def cache(levels: str) -> str:
            return f"proxy_cache_path {folder}/zone levels={levels} keys_zone=z:1m;"

        apply(tiny(site, "bbbb", http=cache("1:2")), site, binary=nginx)
        started = time.monotonic()

        with pytest.raises(ReloadRejectedError, match="bbbb serves on") as caught:
            apply(tiny(site, "cccc", http=cache("2:2")), site, binary=nginx)

        assert any("previously" in line and "levels" in line for line in caught.value.lines)
        assert time.monotonic() - started < 5, "nginx had said no long before"
        assert picture(site)[:3] == ("bbbb", "bbbb", "bbbb")
        assert apply(tiny(site, "bbbb", http=cache("1:2")), site, binary=nginx) is Outcome.UNCHANGED

    def test_by_the_master_for_a_port(self, site: Site, nginx: str) -> None:
        """A port that another program holds passes `nginx -t` only: the hint says what to do."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            taken = tiny(site, "bbbb", http=f"server {{ listen 127.0.0.1:{port}; }}")

            with pytest.raises(ReloadRejectedError) as caught:
                apply(taken, site, binary=nginx)

        assert any(f"127.0.0.1:{port}" in line for line in caught.value.lines)
        assert "listen.port" in str(caught.value.hint)
        assert picture(site)[:3] == ("aaaa", "aaaa", "aaaa")
        assert apply(taken, site, binary=nginx) is Outcome.APPLIED, "the port is free now"

    def test_by_silence(self, site: Site, nginx: str) -> None:
        """A generation that never shows is taken back, though nginx complained of nothing."""
        with pytest.raises(ReloadRejectedError, match="within 1 s; aaaa serves on") as caught:
            apply(tiny(site, "bbbb", says="eeee"), site, binary=nginx, wait=1.0)

        assert caught.value.lines == ()
        assert picture(site)[:3] == ("aaaa", "aaaa", "aaaa")

    def test_by_both(self, site: Site, nginx: str) -> None:
        """When going back fails as well, one error tells both."""

        def break_good(step: Step) -> None:
            if step is Step.SIGNALLED:
                Path(site.good).unlink()

        with pytest.raises(
            ReloadRejectedError, match=r"bbbb live.*going back failed too"
        ) as caught:
            apply(tiny(site, "bbbb", says="eeee"), site, binary=nginx, wait=0.5, step=break_good)

        assert "no good generation" in caught.value.message

    @pytest.mark.parametrize("name", ["../escape", "/etc/escape", "a/../../b", "./x"])
    def test_names_that_leave_the_folder(self, site: Site, nginx: str, name: str) -> None:
        """A rendering writes inside its folder only."""
        with pytest.raises(RenderError):
            apply(Rendering("bbbb", {name: ""}), site, binary=nginx)

    def test_generations_that_are_no_name(self, site: Site, nginx: str) -> None:
        """A generation is a short hash, never a path."""
        with pytest.raises(RenderError):
            apply(tiny(site, "../../x"), site, binary=nginx)


class TestNotRunning:
    """Sites without an instance."""

    def test_nothing_ever_ran(self, site: Site, nginx: str) -> None:
        """Without an instance there is nothing to apply to, and nothing is made."""
        with pytest.raises(NotRunningError):
            apply(tiny(site, "aaaa"), site, binary=nginx)

        assert not Path(site.state).exists()

    def test_it_ran_once(self, site: Site, nginx: str) -> None:
        """An instance that ended is not running."""
        Path(site.runtime).mkdir(parents=True)

        with pytest.raises(NotRunningError, match=r"nginx\.sock"):
            apply(tiny(site, "aaaa"), site, binary=nginx)


class TestPidFile:
    """Whom a transaction signals."""

    @pytest.mark.parametrize("text", ["", "nonsense", "²", "-1", "0", "1", "99999999", None])
    def test_that_leads_nowhere(self, site: Site, nginx: str, crew: Crew, text: str | None) -> None:
        """Without a pid that is surely nginx's nothing is signalled, and nothing changed."""
        path = Path(site.pid_file)
        path.unlink() if text is None else path.write_text(text)

        with pytest.raises(NginxError, match=r"pid") as caught:
            apply(tiny(site, "bbbb"), site, binary=nginx)

        assert "passthru up" in str(caught.value.hint)
        assert (named_by(site.live), serves(site)) == ("aaaa", "aaaa")
        crew.check()

    def test_that_leads_to_another_program(self, site: Site, nginx: str, crew: Crew) -> None:
        """A pid that the kernel gave to somebody else is left alone, another nginx too."""
        with subprocess.Popen(["sleep", "60"]) as other:
            Path(site.pid_file).write_text(f"{other.pid}\n")

            with pytest.raises(NginxError, match=f"process {other.pid}.*'sleep 60'"):
                apply(tiny(site, "bbbb"), site, binary=nginx)

            assert other.poll() is None
            other.kill()
        crew.check()

    def test_of_another_user(self) -> None:
        """An instance of another user could not read our files: that is said, not tried."""
        if os.geteuid() != 0:
            pytest.skip("only root can start a process as another user")
        with subprocess.Popen(["sleep", "60"], user=65534) as other:
            with pytest.raises(NginxError, match="user 65534"):
                check_owner(other.pid)
            other.kill()


@pytest.mark.usefixtures("crew")
class TestTogether:
    """Several transactions at one time."""

    def test_two_take_turns(self, site: Site, nginx: str) -> None:
        """A second transaction waits for the first, from another process too."""
        first = apply_elsewhere(site, tiny(site, "bbbb"), wait_at="tested")
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "tested\n"
        outcomes: list[Outcome] = []
        second = threading.Thread(
            target=lambda: outcomes.append(apply(tiny(site, "cccc"), site, binary=nginx))
        )
        second.start()
        time.sleep(0.2)
        assert outcomes == []

        first.stdin.write("go\n")
        first.stdin.flush()
        second.join(20)

        assert outcomes == [Outcome.APPLIED]
        assert first.communicate()[0] == "applied\n"
        assert picture(site)[:3] == ("cccc", "cccc", "cccc")

    def test_many_at_once(self, site: Site) -> None:
        """Whatever the order, all succeed, and links and nginx agree in the end."""
        processes = [apply_elsewhere(site, tiny(site, f"b{n:03}")) for n in range(4)]

        assert {process.communicate()[0] for process in processes} == {"applied\n"}
        live, good, served, _ = picture(site)
        assert live == good == served

    def test_waiting_has_an_end(self, site: Site, nginx: str) -> None:
        """Who waits too long is told who holds the lock."""
        with (
            transaction(site),
            pytest.raises(PassthruError, match="another transaction") as caught,
        ):
            apply(tiny(site, "bbbb"), site, binary=nginx, lock_wait=0.1)

        assert pids_in(caught.value.message) == [os.getpid()]


@pytest.mark.usefixtures("crew")
class TestKilled:
    """SIGKILL of the process that applies."""

    @pytest.mark.parametrize("step", [step for step in Step if step is not Step.RESTORED])
    def test_at_a_step(self, site: Site, nginx: str, step: Step) -> None:
        """Killed wherever it is, it leaves an instance that serves and can be applied to."""
        killed = apply_elsewhere(site, tiny(site, "bbbb"), kill_at=step)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL

        assert serves(site) in {"aaaa", "bbbb"}
        assert apply(tiny(site, "cccc"), site, binary=nginx) is Outcome.APPLIED
        assert picture(site)[:3] == ("cccc", "cccc", "cccc")
        assert not list(Path(site.generations).glob(".*"))

    @pytest.mark.parametrize("step", [Step.SWAPPED, Step.SIGNALLED, Step.SEEN])
    def test_and_the_next_is_rejected(self, site: Site, nginx: str, step: Step) -> None:
        """After a kill, a rejection goes back to what was served then, not to what was good once."""
        apply_elsewhere(site, tiny(site, "bbbb"), kill_at=step).communicate()
        served = "aaaa" if step is Step.SWAPPED else "bbbb"
        assert eventually(lambda: serves(site) == served)
        time.sleep(0.3)  # no old worker answers any more

        with pytest.raises(ReloadRejectedError, match=f"{served} serves on"):
            apply(tiny(site, "cccc", says="eeee"), site, binary=nginx, wait=0.5)

        assert picture(site)[:3] == (served, served, served)

    def test_while_going_back(self, site: Site, nginx: str) -> None:
        """Killed after nginx rejected, it leaves what can be applied again."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            taken = tiny(site, "bbbb", http=f"server {{ listen 127.0.0.1:{port}; }}")
            killed = apply_elsewhere(site, taken, kill_at=Step.RESTORED)
            killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        assert serves(site) == "aaaa"

        assert apply(tiny(site, "aaaa"), site, binary=nginx) is Outcome.UNCHANGED
        assert apply(tiny(site, "cccc"), site, binary=nginx) is Outcome.APPLIED
