"""The foreground process: how it starts, what it does meanwhile, and how it ends."""

import logging
import os
import pty
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from passthru.errors import ListenError, NginxError, NotRunningError, PassthruError
from passthru.nginx.apply import Outcome, apply, place
from passthru.nginx.directories import closed_to
from passthru.nginx.generation import named_by
from passthru.nginx.health import ask_health
from passthru.nginx.lock import instance_of, transaction
from passthru.nginx.master import _children, find_master, send, serving_workers
from passthru.nginx.process import find_nginx
from passthru.nginx.rendering import Rendering
from passthru.nginx.serving import serving
from passthru.nginx.site import Site
from tests.ports import free_port
from tests.transaction.kit import (
    apply_elsewhere,
    get,
    is_gone,
    picture,
    pids_in,
    read_all,
    run_below,
    serves,
    slow,
    tiny,
    up,
    write_rendering,
)
from tests.waiting import eventually


def listens_on(port: int) -> str:
    """Return a server on a port."""
    return f"server {{ listen 127.0.0.1:{port}; }}"


def children_of(parent: int) -> list[int]:
    """Return all children of a process, zombies too."""
    return list(_children(parent))


class TestStart:
    """What it takes to start, and what keeps it from that."""

    def test_it_is_ready_when_it_serves(self, site: Site) -> None:
        """Ready means: the generation answers, and is recorded as good."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()

            assert picture(site)[:3] == ("aaaa", "aaaa", "aaaa")

    def test_a_port_in_use(self, site: Site, nginx: str) -> None:
        """One line says which address, and the hint what to change; nothing is left behind."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with (
                pytest.raises(ListenError, match=f"^cannot listen on 127.0.0.1:{port}: ") as caught,
                serving(tiny(site, "aaaa", http=listens_on(port)), site, binary=nginx),
            ):
                pass

        assert "address already in use" in caught.value.message
        assert "listen.port" in str(caught.value.hint)
        assert named_by(site.live) is None
        assert run_below(site) == set()

    def test_a_port_that_is_free_soon(self, site: Site, nginx: str) -> None:
        """Who leaves the port within two seconds does not keep us from starting."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with up(site, tiny(site, "aaaa", http=listens_on(port))) as running:
                time.sleep(0.5)
                other.close()
                running.ready()
                assert (
                    apply(tiny(site, "aaaa", http=listens_on(port)), site, binary=nginx)
                    is Outcome.UNCHANGED
                )

    def test_a_refused_spec_does_not_fall_back(self, site: Site) -> None:
        """A good generation on disk is not served in the place of a spec that nginx refuses."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().send(signal.SIGTERM)
            running.ended()

        with up(site, tiny(site, "bbbb", server="nonsense;")) as running:
            assert running.ended() == 1
            assert '[emerg] unknown directive "nonsense"' in running.said

        assert (named_by(site.live), named_by(site.good)) == ("aaaa", "aaaa")
        assert run_below(site) == set()

    def test_a_generation_that_never_shows(self, site: Site, nginx: str) -> None:
        """An nginx that runs but serves something else is not left running."""
        with (
            pytest.raises(NginxError, match="did not serve generation aaaa within 1 s"),
            serving(tiny(site, "aaaa", says="eeee"), site, binary=nginx, wait=1.0),
        ):
            pass

        assert run_below(site) == set()

    def test_told_to_stop_while_starting(self, site: Site) -> None:
        """A signal is obeyed before nginx answers, too."""
        with up(site, tiny(site, "aaaa", says="eeee")) as running:
            assert eventually(lambda: Path(site.socket).exists())
            started = time.monotonic()
            running.send(signal.SIGTERM)

            assert running.ended() == 0
            assert time.monotonic() - started < 2
            assert run_below(site) == set()

    def test_leftovers_of_a_dead_instance(self, site: Site) -> None:
        """A stale socket and a pid file of somebody else are no obstacle, and nobody is harmed."""
        Path(site.runtime).mkdir()
        with subprocess.Popen(["sleep", "60"]) as other, socket.socket(socket.AF_UNIX) as stale:
            stale.bind(site.socket)
            Path(site.pid_file).write_text(str(other.pid))

            with up(site, tiny(site, "aaaa")) as running:
                running.ready()

            assert other.poll() is None
            other.kill()

    def test_a_file_in_the_place_of_the_socket(self, site: Site, nginx: str) -> None:
        """What is not a socket is not removed."""
        Path(site.runtime).mkdir()
        Path(site.socket).write_text("precious")

        with (
            pytest.raises(PassthruError, match="not a socket"),
            serving(tiny(site, "aaaa"), site, binary=nginx),
        ):
            pass

        assert Path(site.socket).read_text() == "precious"

    def test_a_socket_path_too_long(self, folder: Path, nginx: str) -> None:
        """The kernel's limit is told before anything is made."""
        deep = folder / ("d" * (100 - len(str(folder))))
        site = Site(f"{folder}/state", str(deep), f"{folder}/cache")
        assert len(site.socket) > 107

        with (
            pytest.raises(ListenError, match="takes 107") as caught,
            serving(tiny(site, "aaaa"), site, binary=nginx),
        ):
            pass

        assert "runtime_directory" in str(caught.value.hint)
        assert not list(folder.iterdir())

    def test_a_socket_path_just_short_enough(self, folder: Path, nginx: str) -> None:
        """107 bytes are not too long."""
        runtime = folder / ("d" * (107 - len(f"{folder}//nginx.sock")))
        site = Site(f"{folder}/state", str(runtime), f"{folder}/cache")
        assert len(site.socket) == 107

        with serving(tiny(site, "aaaa"), site, binary=nginx, grace=0):
            assert serves(site) == "aaaa"

    def test_a_second_one(self, site: Site, nginx: str) -> None:
        """One site, one instance: the second is told who is there, and the first serves on."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()

            with (
                pytest.raises(PassthruError, match="already") as caught,
                serving(tiny(site, "bbbb"), site, binary=nginx),
            ):
                pass

            assert pids_in(caught.value.message) == [running.pid]
            assert picture(site)[:3] == ("aaaa", "aaaa", "aaaa")

    @pytest.mark.parametrize("shared", ["state", "runtime"])
    def test_a_second_one_that_shares_a_directory(
        self, site: Site, folder: Path, nginx: str, shared: str
    ) -> None:
        """One directory in common is enough for two to spoil each other's work."""
        theirs = {"state": f"{folder}/s2", "runtime": f"{folder}/r2", "cache": f"{folder}/c2"}
        other = Site(**theirs | {shared: getattr(site, shared)})
        with (
            serving(tiny(site, "aaaa"), site, binary=nginx, grace=0),
            pytest.raises(PassthruError, match=f"runs already in {getattr(site, shared)}"),
            serving(tiny(other, "bbbb"), other, binary=nginx),
        ):
            pass

    def test_trouble_of_the_caller(self, site: Site) -> None:
        """An exception in on_ready, a closed stdout for one, leaves nothing running."""
        with up(site, tiny(site, "aaaa"), trouble=True) as running:
            assert running.ended() == 1
            assert "BrokenPipeError" in running.said
            assert run_below(site) == set()

    def test_a_directory_closed_to_the_workers(
        self, site: Site, nginx: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Root is warned of a directory that its workers cannot enter."""
        Path(site.state).mkdir(mode=0o700)

        with (
            caplog.at_level(logging.WARNING),
            serving(tiny(site, "aaaa"), site, binary=nginx, user="nobody", grace=0),
        ):
            pass

        assert [r.args[1] for r in caplog.records if isinstance(r.args, tuple)] == [site.state]


class TestEnd:
    """All ways to end, and that nothing outlives them."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
    def test_told_to_stop(self, site: Site, number: signal.Signals) -> None:
        """It ends well, and leaves no process, no socket and no pid file behind."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().send(number)

            assert running.ended() == 0
            assert run_below(site) == set()
            assert not Path(site.socket).exists()
            assert not Path(site.pid_file).exists()

    def test_a_download_may_end(self, site: Site, folder: Path) -> None:
        """What is shorter than the grace is not cut."""
        with up(site, tiny(site, "aaaa", server=slow(folder, seconds=1)), grace=5) as running:
            running.ready()
            connection = get(site, "/slow")
            connection.recv(1)
            running.send(signal.SIGTERM)

            assert read_all(connection).count(b"x") > 199_000
            assert running.ended() == 0

    def test_a_download_may_not_last(self, site: Site, folder: Path) -> None:
        """What is longer than the grace is cut."""
        with up(site, tiny(site, "aaaa", server=slow(folder, seconds=60)), grace=0.5) as running:
            running.ready()
            connection = get(site, "/slow")
            connection.recv(1)
            started = time.monotonic()
            running.send(signal.SIGTERM)

            assert running.ended() == 0
            assert 0.4 < time.monotonic() - started < 3
            assert read_all(connection).count(b"x") < 100_000
            assert run_below(site) == set()

    def test_told_twice(self, site: Site, folder: Path) -> None:
        """A second signal waits for no download."""
        with up(site, tiny(site, "aaaa", server=slow(folder, seconds=60)), grace=30) as running:
            running.ready()
            connection = get(site, "/slow")
            connection.recv(1)
            running.send(signal.SIGINT)
            time.sleep(0.3)
            assert running.process.poll() is None
            started = time.monotonic()
            running.send(signal.SIGINT)

            assert running.ended() == 0
            assert time.monotonic() - started < 2
            assert run_below(site) == set()
            connection.close()

    def test_killed(self, site: Site) -> None:
        """SIGKILL of it is the end of nginx; the next one starts at once."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().send(signal.SIGKILL)
            running.ended()
            with up(site, tiny(site, "bbbb")) as again:
                again.ready()
                assert serves(site) == "bbbb"

    def test_killed_and_nobody_starts_it_again(self, site: Site) -> None:
        """SIGKILL of it leaves no nginx behind."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().send(signal.SIGKILL)
            running.ended()

            assert eventually(lambda: not run_below(site), seconds=5)

    def test_the_master_is_killed(self, site: Site) -> None:
        """It says what died and how, and takes the orphaned workers along."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()
            master = find_master(site)
            workers = serving_workers(site, master)
            assert len(workers) == 2
            os.kill(master, signal.SIGKILL)

            assert running.ended() == 1
            assert "error: nginx died: killed by SIGKILL" in running.said
            assert all(map(is_gone, workers))
            assert run_below(site) == set()
            assert not Path(site.socket).exists()

    def test_orphans_are_reaped(self, site: Site, nginx: str) -> None:
        """Not even a zombie stays of workers whose master was killed, also without an init."""
        before = children_of(os.getpid())  # another test's browser, say
        with serving(tiny(site, "aaaa"), site, binary=nginx) as crew:
            os.kill(crew.master, signal.SIGKILL)
            assert eventually(crew.members[0].ended)
            with pytest.raises(NginxError, match="killed by SIGKILL"):
                crew.check()

        assert eventually(lambda: set(children_of(os.getpid())) <= set(before), seconds=1)

    def test_the_master_ends(self, site: Site) -> None:
        """A master that somebody else stopped is told by its exit status."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()
            os.kill(find_master(site), signal.SIGQUIT)

            assert running.ended() == 1
            assert "error: nginx died: exit status 0" in running.said

    def test_both_are_killed(self, site: Site) -> None:
        """Workers whose master and supervisor are both gone are ended by the next one."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()
            master = find_master(site)
            workers = serving_workers(site, master)
            running.send(signal.SIGSTOP)
            os.kill(master, signal.SIGKILL)
            running.send(signal.SIGKILL)
            running.ended()
            assert not any(map(is_gone, workers)), "this tests nothing"

            with up(site, tiny(site, "bbbb")) as again:
                again.ready()
                assert all(map(is_gone, workers))
                assert {serves(site) for _ in range(20)} == {"bbbb"}

    def test_a_worker_is_killed(self, site: Site) -> None:
        """It is replaced by nginx; nobody else need notice."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()
            master = find_master(site)
            victim, *_ = serving_workers(site, master)
            os.kill(victim, signal.SIGKILL)

            assert eventually(
                lambda: (
                    victim not in serving_workers(site, master)
                    and len(serving_workers(site, master)) == 2
                )
            )
            assert serves(site) == "aaaa"
            assert running.process.poll() is None

    @pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1])
    def test_signals_that_do_not_end_it(self, site: Site, number: signal.Signals) -> None:
        """A closed pipe, for one, is nothing to stop serving for."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().send(number)
            time.sleep(0.3)

            assert running.process.poll() is None
            assert serves(site) == "aaaa"

    @pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGALRM, signal.SIGABRT])
    def test_signals_that_it_does_not_know(self, site: Site, number: signal.Signals) -> None:
        """Whatever ends it ends nginx."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().send(number)

            assert running.ended() == -number
            assert eventually(lambda: not run_below(site), seconds=5)

    def test_ctrl_c_on_a_terminal(self, site: Site, folder: Path) -> None:
        """The terminal's SIGINT reaches us alone: nginx would drop its downloads on it."""
        controller, terminal = pty.openpty()
        settings = {
            "popen": {
                "stdin": terminal,
                "start_new_session": True,
                "preexec_fn": lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
            }
        }
        rendering = tiny(site, "aaaa", server=slow(folder, seconds=1))
        with up(site, rendering, grace=5, **settings) as running:
            running.ready()
            connection = get(site, "/slow")
            connection.recv(1)
            os.write(controller, b"\x03")

            assert read_all(connection).count(b"x") > 199_000
            assert running.ended() == 0
        os.close(controller)
        os.close(terminal)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")
    def test_without_root(self, site: Site, folder: Path) -> None:
        """Everything works as a user that owns the directories; root may not apply for it."""
        if closed_to(find_nginx(), "nobody"):
            pytest.skip("only root can run this nginx")
        for name in ("state", "run", "cache"):
            (folder / name).mkdir()
            os.chown(folder / name, 65534, 65534)
        with up(site, tiny(site, "aaaa"), become=65534) as running:
            running.ready().write(tiny(site, "bbbb"))
            running.send(signal.SIGHUP)
            assert eventually(lambda: serves(site) == "bbbb"), running.said

            refused = apply_elsewhere(site, tiny(site, "cccc"))
            assert "runs as user 65534" in refused.communicate()[0]

            running.send(signal.SIGTERM)
            assert running.ended() == 0
            assert run_below(site) == set()


class TestMeanwhile:
    """What an instance does between its start and its end."""

    def test_a_reload(self, site: Site) -> None:
        """SIGHUP applies what the spec says now."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().write(tiny(site, "bbbb"))
            running.send(signal.SIGHUP)

            assert eventually(lambda: serves(site) == "bbbb")
            assert eventually(lambda: named_by(site.good) == "bbbb")

    def test_a_reload_of_nonsense(self, site: Site) -> None:
        """A spec that cannot be read, or that nginx refuses, is reported; the old one serves on."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().spec.write_text("{")
            running.send(signal.SIGHUP)
            assert eventually(lambda: "reload failed: " in running.said)
            assert "not JSON" in running.said

            running.write(tiny(site, "bbbb", server="nonsense;"))
            running.send(signal.SIGHUP)
            assert eventually(lambda: 'unknown directive "nonsense"' in running.said)
            assert serves(site) == "aaaa"

            running.write(tiny(site, "cccc"))
            running.send(signal.SIGHUP)
            assert eventually(lambda: serves(site) == "cccc")

    def test_a_reload_that_meets_a_bug(self, site: Site) -> None:
        """Even an error that nobody thought of does not end an instance that serves."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().spec.write_text("[]")
            running.send(signal.SIGHUP)

            assert eventually(lambda: "that is a bug" in running.said)
            assert serves(site) == "aaaa"

    def test_a_stop_amid_a_reload(self, site: Site) -> None:
        """A reload that waits for nginx does not keep it from stopping."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready().write(tiny(site, "bbbb", says="eeee"))
            running.send(signal.SIGHUP)
            assert eventually(lambda: serves(site) == "eeee")
            started = time.monotonic()
            running.send(signal.SIGTERM)

            assert running.ended() == 0
            assert time.monotonic() - started < 3
            assert run_below(site) == set()

    def test_changes_around_it(self, site: Site, folder: Path) -> None:
        """What tick wants is applied, the second time only after a while."""
        wanted = folder / "wanted.json"
        with up(site, tiny(site, "aaaa"), tick=str(wanted), apply_seconds=3) as running:
            running.ready()
            write_rendering(wanted, tiny(site, "bbbb"))
            assert eventually(lambda: serves(site) == "bbbb", seconds=3)
            first = time.monotonic()

            write_rendering(wanted, tiny(site, "cccc"))
            assert eventually(lambda: serves(site) == "cccc", seconds=8)
            assert time.monotonic() - first > 1.5

    def test_changes_that_nginx_refuses(self, site: Site, folder: Path) -> None:
        """They are logged, and the old generation serves on."""
        wanted = folder / "wanted.json"
        with up(site, tiny(site, "aaaa"), tick=str(wanted)) as running:
            running.ready()
            write_rendering(wanted, tiny(site, "bbbb", server="nonsense;"))

            assert eventually(lambda: 'unknown directive "nonsense"' in running.said)
            assert serves(site) == "aaaa"

    def test_another_process_applied_our_spec(self, site: Site, folder: Path) -> None:
        """After `passthru apply` of the changed spec, changes are followed as before."""
        wanted = folder / "wanted.json"
        with up(site, tiny(site, "aaaa"), tick=str(wanted)) as running:
            running.ready().write(tiny(site, "bbbb"))
            assert apply_elsewhere(site, tiny(site, "bbbb")).communicate()[0] == "applied\n"
            time.sleep(1.5)

            write_rendering(wanted, tiny(site, "cccc"))

            assert eventually(lambda: serves(site) == "cccc", seconds=5)

    def test_another_process_saw_other_addresses(self, site: Site) -> None:
        """Names that rotate do not make a spec another one; the newest addresses are applied."""

        def of(generation: str, address: str) -> Rendering:
            return tiny(site, generation, http=f"upstream a {{\n    server {address};\n}}")

        with up(site, of("aaaa", "192.0.2.1")) as running:
            running.ready().write(of("cccc", "192.0.2.3"))
            assert apply_elsewhere(site, of("bbbb", "192.0.2.2")).communicate()[0] == "applied\n"

            assert eventually(lambda: serves(site) == "cccc", seconds=5)

    def test_another_process_applied_another_spec(self, site: Site, folder: Path) -> None:
        """What somebody applied on purpose is not undone by a change of addresses."""
        wanted = folder / "wanted.json"
        with up(site, tiny(site, "aaaa"), tick=str(wanted)) as running:
            running.ready()
            another = tiny(site, "bbbb", server="location = /x { return 204; }")
            apply_elsewhere(site, another).communicate()
            assert eventually(lambda: "generation bbbb is not of our spec" in running.said)

            write_rendering(wanted, tiny(site, "cccc"))
            assert eventually(lambda: not wanted.exists())
            time.sleep(1.5)

            assert serves(site) == "bbbb"
            running.send(signal.SIGHUP)
            assert eventually(lambda: serves(site) == "aaaa")

    def test_another_process_applies_at_the_same_time(self, site: Site, folder: Path) -> None:
        """What was made live while a change of addresses waited its turn is not undone by it."""
        wanted = folder / "wanted.json"
        with up(site, tiny(site, "aaaa"), tick=str(wanted)) as running:
            running.ready()
            with transaction(site):
                write_rendering(wanted, tiny(site, "cccc"))
                assert eventually(lambda: not wanted.exists())
                time.sleep(0.3)  # it waits for the lock by now
                another = tiny(site, "bbbb", server="location = /x { return 204; }")
                place(another, site, binary=find_nginx())
                send(find_master(site), signal.SIGHUP)
                assert eventually(lambda: serves(site) == "bbbb")
            assert eventually(lambda: "generation bbbb is not of our spec" in running.said)

            assert serves(site) == "bbbb"
            assert "generation=cccc" not in running.said

    def test_logs_that_grow(self, site: Site) -> None:
        """A large log is set aside once, and nginx goes on in a new one."""
        access = Path(site.logs, "access.log")
        with up(site, tiny(site, "aaaa"), rotate_bytes=2000) as running:
            running.ready()
            for _ in range(40):
                serves(site)
            aside = access.with_name("access.log.1")
            assert eventually(aside.exists)
            size = aside.stat().st_size
            assert size > 2000

            assert eventually(lambda: serves(site) and access.stat().st_size > 0)
            assert aside.stat().st_size - size < 500
            assert "ERROR" not in running.said

    def test_logs_that_somebody_else_rotates(self, site: Site) -> None:
        """SIGUSR1 reopens the logs, as nginx's users expect."""
        access = Path(site.logs, "access.log")
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()
            access.rename(f"{access}.0")
            running.send(signal.SIGUSR1)

            assert eventually(lambda: serves(site) and access.stat().st_size > 0)


class TestSiblings:
    """Children other than nginx."""

    def test_they_come_and_go_with_it(self, site: Site, folder: Path) -> None:
        """Further children start after nginx, and end with everything that they started."""
        script = f"sleep 300 & echo $! > {folder}/pid; wait"
        with up(site, tiny(site, "aaaa"), children=[["exporter", ["sh", "-c", script]]]) as running:
            running.ready()
            assert eventually(lambda: (folder / "pid").read_text().strip())
            grandchild = int((folder / "pid").read_text())
            running.send(signal.SIGTERM)

            assert running.ended() == 0
            assert is_gone(grandchild)
            assert run_below(site) == set()

    def test_one_that_dies(self, site: Site) -> None:
        """It is named, with its exit status, and nothing goes on without it."""
        dies = ["sh", "-c", "sleep 0.3; exit 7"]
        with up(site, tiny(site, "aaaa"), children=[["exporter", dies]]) as running:
            assert running.ready().ended() == 1
            assert "error: exporter died: exit status 7" in running.said
            assert run_below(site) == set()

    def test_a_spare_child_is_started_again(self, site: Site, tmp_path: Path) -> None:
        """One that no request needs may die, be killed or be missing; `up` serves on and retries."""
        counter = tmp_path / "lives"
        script = f"echo x >> {counter}; test $(wc -l < {counter}) -gt 1 && exec sleep 1000; exit 7"
        children = [["exporter", ["sh", "-c", script]], ["mdns", ["/nonexistent"]]]
        with up(site, tiny(site, "aaaa"), children=children, spare=["exporter", "mdns"]) as running:
            running.ready()
            assert eventually(lambda: counter.read_text() == "x\nx\n")
            assert "exporter died: exit status 7; it is started again in 1 s" in running.said
            assert "mdns died: cannot start mdns" in running.said
            assert serves(site) == "aaaa"
            running.send(signal.SIGTERM)
            assert running.ended() == 0

    def test_one_that_is_frozen(self, site: Site, tmp_path: Path) -> None:
        """One that stops giving signs of life is killed and started again, whoever needs it."""
        lives = tmp_path / "lives"
        script = (
            f"import os, time; open({str(lives)!r}, 'a').write(f'{{os.getpid()}} ')\n"
            "while True: os.write(int(os.environ['PASSTHRU_VOICE']), b'.'); time.sleep(0.1)"
        )
        children = [["tunnel", [sys.executable, "-c", script]]]
        with up(site, tiny(site, "aaaa"), children=children, patience=1.5) as running:
            running.ready()
            assert eventually(lambda: lives.read_text().endswith(" "))
            time.sleep(2.5)
            [first] = lives.read_text().split()
            os.kill(int(first), signal.SIGSTOP)
            assert eventually(lambda: len(lives.read_text().split()) == 2)
            assert "tunnel gave no sign of life for 2 s: it is killed" in running.said
            assert "tunnel died: killed by SIGKILL; it is started again in 1 s" in running.said
            assert is_gone(int(first))
            running.send(signal.SIGTERM)
            assert running.ended() == 0

    def test_one_that_cannot_start(self, site: Site) -> None:
        """It is named, and nginx does not stay."""
        with up(site, tiny(site, "aaaa"), children=[["exporter", ["/nonexistent"]]]) as running:
            assert running.ended() == 1
            assert "error: cannot start exporter: No such file" in running.said
            assert run_below(site) == set()

    def test_one_that_does_not_listen(self, site: Site) -> None:
        """A child that ignores SIGTERM is killed when the grace is over."""
        deaf = [
            sys.executable,
            "-c",
            "import signal as s, time; s.signal(15, s.SIG_IGN); time.sleep(99)",
        ]
        with up(site, tiny(site, "aaaa"), children=[["exporter", deaf]], grace=0.3) as running:
            running.ready()
            time.sleep(0.3)
            running.send(signal.SIGTERM)

            assert running.ended(seconds=5) == 0
            assert run_below(site) == set()


def heard(listener: socket.socket, *, seconds: float) -> bool:
    """Say whether anything is told within so many seconds; take one message."""
    return bool(select.select([listener], [], [], seconds)[0]) and bool(listener.recv(999))


class TestRecovery:
    """What somebody removes under a running instance."""

    def test_the_runtime_directory(self, site: Site) -> None:
        """It is made again, with nginx's socket in it, and nothing else has changed."""
        with up(site, tiny(site, "aaaa")) as running:
            running.ready()
            master = find_master(site)
            running.send(signal.SIGSTOP)
            shutil.rmtree(site.runtime)
            assert instance_of(site) == running.pid
            with pytest.raises(NotRunningError, match=r"runs .* is not there: .* removed"):
                ask_health(site)
            running.send(signal.SIGCONT)
            assert eventually(lambda: f"recovered {site.runtime}" in running.said), running.said

            assert (serves(site), find_master(site)) == ("aaaa", master)
            assert stat.S_IMODE(Path(site.runtime).stat().st_mode) == 0o755
            assert not list(Path(site.runtime).glob("n.*"))
            assert "unlink" not in Path(site.logs, "error.log").read_text()
            with apply_elsewhere(site, tiny(site, "bbbb")) as process:
                assert (process.wait(20), serves(site)) == (0, "bbbb")

    def test_a_place_that_is_not_ours(self, site: Site) -> None:
        """Where it cannot be made, one line says what to do, and clients are served on."""
        port = free_port()
        with up(site, tiny(site, "aaaa", http=listens_on(port))) as running:
            running.ready()
            shutil.rmtree(site.runtime)
            Path(site.runtime).write_text("")
            assert eventually(lambda: "start it again, which makes it" in running.said)
            socket.create_connection(("127.0.0.1", port)).close()
            Path(site.runtime).unlink()
            running.send(signal.SIGTERM)
            assert running.ended() == 0
            assert running.said.count("cannot be made again") == 1

    def test_nobody_holds_it(self, site: Site) -> None:
        """A site on which nothing runs has no instance."""
        assert instance_of(site) is None
        with pytest.raises(NotRunningError, match="nobody answers"):
            ask_health(site)


class TestSystemd:
    """What a service manager hears."""

    def test_it_is_told(self, site: Site, folder: Path) -> None:
        """READY when it serves, RELOADING and READY around a reload, STOPPING at the end."""
        address = str(folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            systemd.settimeout(10)
            popen = {"env": {**os.environ, "NOTIFY_SOCKET": address}}
            with up(site, tiny(site, "aaaa"), popen=popen) as running:
                assert systemd.recv(999).decode() == "READY=1\nSTATUS=serving generation aaaa"

                running.write(tiny(site, "bbbb"))
                running.send(signal.SIGHUP)
                began = systemd.recv(999).decode().splitlines()
                assert began[0] == "RELOADING=1"
                assert began[1].startswith("MONOTONIC_USEC=")
                assert systemd.recv(999).decode() == "READY=1\nSTATUS=serving generation bbbb"

                running.spec.write_text("{")
                running.send(signal.SIGHUP)
                systemd.recv(999)
                ready, status = systemd.recv(999).decode().splitlines()
                assert ready == "READY=1"
                assert status.startswith("STATUS=serving generation bbbb; reload failed: ")

                running.send(signal.SIGTERM)
                assert systemd.recv(999).decode().splitlines()[0] == "STOPPING=1"
                assert running.ended() == 0

    def test_it_is_told_why(self, site: Site) -> None:
        """What kept it from starting is in its status; abstract sockets work, too."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind("\0passthru-test-" + Path(site.state).parent.name)
            systemd.settimeout(10)
            name = systemd.getsockname().decode().replace("\0", "@")
            popen = {"env": {**os.environ, "NOTIFY_SOCKET": name}}
            with up(site, tiny(site, "aaaa", server="nonsense;"), popen=popen) as running:
                told = systemd.recv(999).decode()
                assert told == "STATUS=failed: nginx refuses the configuration"
                assert running.ended() == 1

    def test_it_is_kept_calm(self, site: Site, folder: Path) -> None:
        """Signs of life come while nginx answers, and end when it has stopped answering."""
        address = str(folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            systemd.settimeout(10)
            watched = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000"}
            with up(site, tiny(site, "aaaa"), popen={"env": {**os.environ, **watched}}) as running:
                told = set[str]()
                while not told >= {"WATCHDOG=1", "READY=1"}:
                    told.add(systemd.recv(999).decode().splitlines()[0])
                assert told == {"WATCHDOG=1", "READY=1"}

                processes = run_below(site)
                nginxes = [pid for pid in processes if pid != running.pid]
                for pid in nginxes:
                    os.kill(pid, signal.SIGSTOP)
                try:
                    assert eventually(lambda: not heard(systemd, seconds=2.5))
                finally:
                    for pid in nginxes:
                        os.kill(pid, signal.SIGCONT)
                assert systemd.recv(999).decode() == "WATCHDOG=1"

    def test_nobody_listens(self, site: Site) -> None:
        """A notify socket that is gone is no reason to fail."""
        popen = {"env": {**os.environ, "NOTIFY_SOCKET": "/nonexistent/notify"}}
        with up(site, tiny(site, "aaaa"), popen=popen) as running:
            running.ready()
