"""A running tunnel between a client that plays nginx and proxies of every kind of malice."""

import contextlib
import hashlib
import os
import signal
import socket
import stat
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.nginx.samples import noise
from tests.ports import free_port
from tests.upstreams.process import Tunnels
from tests.upstreams.proxies import (
    ENCODED,
    FakeProxy,
    accept_socks,
    read_head,
    receive,
)
from tests.waiting import eventually


@pytest.fixture
def tunnels() -> Iterator[Tunnels]:
    """Return a tunnel process without any tunnels."""
    with Tunnels() as running:
        yield running


def through(proxy: FakeProxy, scheme: str = "socks5h") -> str:
    """Return a proxy's URL, with a password that must not be seen anywhere."""
    return f"{scheme}://{ENCODED}@127.0.0.1:{proxy.port}"


def echo(client: socket.socket) -> None:
    """Say back what comes, and then the end, when the client has said its own."""
    accept_socks(client)
    data = b""
    while piece := client.recv(65536):
        data += piece
    client.sendall(data)


def read_all(stream: socket.socket) -> bytes:
    """Read to the end; a reset is one."""
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := stream.recv(1 << 20):
            data += piece
    return bytes(data)


class TestBytes:
    """What goes in comes out."""

    @pytest.mark.parametrize("scheme", ["socks5h", "http"])
    def test_a_large_body(self, tunnels: Tunnels, scheme: str) -> None:
        """Fifty megabytes arrive as they were sent, and then the end."""
        body = noise(50_000_000)

        def send(client: socket.socket) -> None:
            if scheme == "http":
                read_head(client)
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                accept_socks(client)
            assert receive(client, 5) == b"hello"
            client.sendall(body)

        with FakeProxy(send) as proxy:
            tunnels.set(a=through(proxy, scheme))
            with tunnels.connect() as stream:
                stream.sendall(b"hello")
                got = read_all(stream)

        assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()

    def test_half_a_close_is_passed_on(self, tunnels: Tunnels) -> None:
        """Who has said all can still listen, in both directions and with a large answer."""
        body = noise(5_000_000)
        with FakeProxy(echo) as proxy:
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                stream.sendall(body)
                stream.shutdown(socket.SHUT_WR)
                got = read_all(stream)

        assert got == body

    def test_the_far_end_may_end_first(self, tunnels: Tunnels) -> None:
        """What the client says afterwards still arrives."""
        heard: list[bytes] = []

        def end_first(client: socket.socket) -> None:
            accept_socks(client)
            client.shutdown(socket.SHUT_WR)
            heard.append(receive(client, 4))

        with FakeProxy(end_first) as proxy:
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                assert stream.recv(1) == b""
                stream.sendall(b"late")
                assert eventually(lambda: heard == [b"late"])

    def test_a_client_that_goes_ends_it_at_once(self, tunnels: Tunnels) -> None:
        """A download that nobody waits for must not hold a connection of the proxy's."""

        def stay(client: socket.socket) -> None:
            accept_socks(client)
            while client.recv(100):
                pass
            time.sleep(20)

        def count() -> int:
            return len(list(Path(f"/proc/{tunnels.process.pid}/fd").iterdir()))

        with FakeProxy(stay) as proxy:
            tunnels.set(a=through(proxy))
            before = count()
            with tunnels.connect() as stream:
                stream.sendall(b"x")
                assert eventually(lambda: count() == before + 2)
            assert eventually(lambda: count() == before, seconds=3)

    def test_a_reset_is_an_end(self, tunnels: Tunnels) -> None:
        """A proxy that breaks off does not leave the client waiting."""

        def reset(client: socket.socket) -> None:
            accept_socks(client)
            client.sendall(b"some")
            time.sleep(0.1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with FakeProxy(reset) as proxy:
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                assert read_all(stream) == b"some"

    def test_a_slow_reader_bounds_what_is_held(self, tunnels: Tunnels) -> None:
        """The proxy is read no faster than nginx reads; memory does not grow."""
        sent = [0]

        def flood(client: socket.socket) -> None:
            accept_socks(client)
            while True:
                sent[0] += client.send(bytes(1 << 16))

        with FakeProxy(flood) as proxy:
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                assert eventually(lambda: sent[0] > 0)
                last = -1
                while sent[0] != last:
                    last = sent[0]
                    time.sleep(0.3)
                stream.recv(1)

        assert sent[0] < 32 << 20  # the kernel's buffers of four sockets
        status = Path(f"/proc/{tunnels.process.pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        assert int(resident.split()[1]) < 80_000

    def test_two_hundred_at_once(self, tunnels: Tunnels) -> None:
        """Each gets its own bytes."""

        def named(client: socket.socket) -> None:
            accept_socks(client)
            word = receive(client, 4)
            client.sendall(word * 25_000)

        def one(number: int) -> bool:
            with tunnels.connect(timeout=30) as stream:
                word = b"%04d" % number
                stream.sendall(word)
                return read_all(stream) == word * 25_000

        with FakeProxy(named) as proxy:
            tunnels.set(a=through(proxy))
            tunnels.write(tunnels.record("a", through(proxy), connect_timeout=20))
            time.sleep(0.6)
            with ThreadPoolExecutor(200) as pool:
                results = list(pool.map(one, range(200)))

        assert results == [True] * 200


def hang(client: socket.socket) -> None:
    """Accept, and say nothing."""
    client.recv(1000)
    time.sleep(20)


def drip(client: socket.socket) -> None:
    """Say a head that never ends, a byte at a time."""
    read_head(client)
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000:
        client.sendall(bytes([byte]))
        time.sleep(0.05)


def say(data: bytes) -> object:
    """Return a script that listens for a moment, and then says `data` and hangs up."""

    def script(client: socket.socket) -> None:
        client.recv(1000)
        client.sendall(data)

    return script


HOSTILE = {
    "wrong version": ("socks5h", say(b"\4\x5a\0\0\0\0\0\0"), "SOCKS 5"),
    "truncated": ("socks5h", say(b"\5"), "hung up"),
    "silent end": ("socks5h", say(b""), "hung up"),
    "hanging": ("socks5h", hang, "within 1 s"),
    "hanging http": ("http", hang, "within 1 s"),
    "slow": ("http", drip, "within 1 s"),
    "login refused": ("socks5h", say(b"\5\2\1\1"), "does not accept"),
    "no way in": ("socks5h", say(b"\5\xff"), "neither"),
    "407": ("http", say(b"HTTP/1.1 407 No\r\n\r\n"), "does not accept"),
    "huge head": ("http", say(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000), "longer"),
    "zero byte": ("http", say(b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"), "control"),
    "smuggled": ("http", say(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "more than"),
    "echo": ("http", say(f"Basic {ENCODED} bW9sZTpwQHNzOncvcmQtUzNDUkVU\r\n\r\n".encode()), "HTTP"),
}


class TestRefusals:
    """A proxy that leads nowhere is an outage: nginx's connection ends, at once and empty."""

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_proxy(self, tunnels: Tunnels, name: str) -> None:
        """Nothing of what it says reaches nginx, and one line tells why."""
        scheme, script, word = HOSTILE[name]
        with FakeProxy(script) as proxy:  # type: ignore[arg-type]
            tunnels.set(a=through(proxy, scheme))
            started = time.monotonic()
            with tunnels.connect() as stream:
                with contextlib.suppress(OSError):
                    stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert read_all(stream) == b""
            assert time.monotonic() - started < 3

        lines = [line for line in tunnels.said.splitlines() if word in line]
        assert len(lines) == 1, tunnels.said
        assert f"127.0.0.1:{proxy.port}" in lines[0]

    def test_a_dead_proxy(self, tunnels: Tunnels) -> None:
        """A refused connection is passed on in a moment, and told once for all requests."""
        tunnels.set(a=f"socks5h://{ENCODED}@127.0.0.1:{free_port()}")
        started = time.monotonic()
        for _ in range(20):
            with tunnels.connect() as stream:
                assert read_all(stream) == b""

        assert time.monotonic() - started < 3
        assert tunnels.said.count("connection refused") == 1

    def test_a_proxy_that_cannot_be_looked_up(self, tunnels: Tunnels) -> None:
        """Its name is told, and the password is not."""
        tunnels.set(a=f"http://{ENCODED}@proxy.invalid:8080")
        with tunnels.connect() as stream:
            assert read_all(stream) == b""

        assert "proxy.invalid:8080" in tunnels.said

    def test_a_proxy_that_returns(self, tunnels: Tunnels) -> None:
        """It works from the next connection on, and says so."""
        with FakeProxy(hang) as proxy:
            proxy.script = say(b"no")  # type: ignore[assignment]
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                assert read_all(stream) == b""
            proxy.script = echo
            with tunnels.connect() as stream:
                stream.sendall(b"again")
                stream.shutdown(socket.SHUT_WR)
                assert read_all(stream) == b"again"

        assert "works again" in tunnels.said


class TestNames:
    """Who looks the upstream's name up."""

    def test_socks5h_leaves_it_to_the_proxy(self, tunnels: Tunnels) -> None:
        """The name arrives there as it stands in the spec."""
        asked: list[tuple[str, int]] = []
        with FakeProxy(lambda client: asked.append(accept_socks(client))) as proxy:
            tunnels.set(a=f"socks5h://127.0.0.1:{proxy.port}")
            with tunnels.connect() as stream:
                read_all(stream)

        assert asked == [("x.test", 80)]

    def test_socks5_tries_one_address_after_the_other(self, tunnels: Tunnels) -> None:
        """The proxy sees addresses only; the next one when it does not reach the first."""
        asked: list[str] = []

        def only_ipv4(client: socket.socket) -> None:
            receive(client, receive(client, 2)[1])
            client.sendall(b"\5\0")
            kind = receive(client, 4)[3]
            asked.append({1: "IPv4", 4: "IPv6", 3: "name"}[kind])
            receive(client, {1: 6, 4: 18}[kind])
            if asked.count("IPv4") == 2:
                client.sendall(b"\5\0\0\1\0\0\0\0\0\0" + b"here")
            else:
                client.sendall(b"\5\5\0\1\0\0\0\0\0\0")

        with FakeProxy(only_ipv4) as proxy:
            record = tunnels.record("a", f"socks5://127.0.0.1:{proxy.port}", host="localhost")
            tunnels.write(record)
            assert eventually(lambda: Path(tunnels.path("a")).is_socket())
            answers = []
            for _ in range(2):
                with tunnels.connect() as stream:
                    answers.append(read_all(stream))

        assert answers == [b"", b"here"]
        assert set(asked) <= {"IPv4", "IPv6"}
        assert "refused" in tunnels.said


class TestList:
    """The list of tunnels, and how the process follows it."""

    def test_sockets_are_for_everybody(self, tunnels: Tunnels) -> None:
        """The workers are another user; and nothing else is left beside them."""
        tunnels.set(a="http://127.0.0.1:9", b="http://127.0.0.1:9")

        names = sorted(path.name for path in tunnels.folder.iterdir())
        assert names == ["tunnel-a.sock", "tunnel-b.sock", "tunnels.json"]
        assert stat.S_IMODE(Path(tunnels.path("a")).stat().st_mode) == 0o666

    def test_a_stale_socket_is_replaced(self, tunnels: Tunnels) -> None:
        """What a killed tunnel left is in nobody's way."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(tunnels.path("a"))
        with FakeProxy(echo) as proxy:
            tunnels.write(tunnels.record("a", through(proxy)))

            def works() -> bool:
                with contextlib.suppress(OSError), tunnels.connect() as stream:
                    stream.sendall(b"x")
                    stream.shutdown(socket.SHUT_WR)
                    return read_all(stream) == b"x"
                return False

            assert eventually(works)

    def test_another_proxy_is_taken_at_once(self, tunnels: Tunnels) -> None:
        """New connections take the new way, those in use end in peace."""

        def slow(client: socket.socket) -> None:
            accept_socks(client)
            for piece in (b"one ", b"two ", b"three"):
                client.sendall(piece)
                time.sleep(0.5)

        def new(client: socket.socket) -> None:
            accept_socks(client)
            client.sendall(b"new")

        with FakeProxy(slow) as first, FakeProxy(new) as second:
            tunnels.set(a=through(first))
            with tunnels.connect() as old:
                assert old.recv(4) == b"one "
                tunnels.set(a=through(second))
                assert eventually(lambda: str(second.port) in tunnels.said)
                with tunnels.connect() as stream:
                    assert read_all(stream) == b"new"
                assert read_all(old) == b"two three"

    def test_a_bad_list_changes_nothing(self, tunnels: Tunnels) -> None:
        """It is told, without its text, and the old tunnels work on."""
        with FakeProxy(echo) as proxy:
            tunnels.set(a=through(proxy))
            tunnels.list_file.write_text(f'[{{"proxy": "http://{ENCODED}@h:1"')
            assert eventually(lambda: "stay as they are" in tunnels.said)
            with tunnels.connect() as stream:
                stream.shutdown(socket.SHUT_WR)
                assert read_all(stream) == b""
                assert proxy.count == 1

    def test_one_socket_that_cannot_be_made_spares_the_others(self, tunnels: Tunnels) -> None:
        """The fault is told with the name of the tunnel."""
        blocked = tunnels.record("b", "http://127.0.0.1:9", socket="/proc/nowhere/tunnel-b.sock")
        tunnels.write(blocked, tunnels.record("a", "http://127.0.0.1:9"))

        assert eventually(lambda: Path(tunnels.path("a")).is_socket())
        assert "b: cannot listen on /proc/nowhere" in tunnels.said

    def test_a_hangup_reads_again(self, tunnels: Tunnels) -> None:
        """Also where the file looks the same as before."""
        tunnels.set(a="http://127.0.0.1:9")
        before = tunnels.list_file.stat()
        text = tunnels.list_file.read_text().replace("tunnel-a", "tunnel-z")
        with tunnels.list_file.open("r+") as file:
            file.write(text)
        os.utime(tunnels.list_file, ns=(before.st_atime_ns, before.st_mtime_ns))
        tunnels.process.send_signal(signal.SIGHUP)

        assert eventually(lambda: Path(tunnels.path("z")).is_socket())


class TestEnd:
    """Signals."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_ends_at_once(self, tunnels: Tunnels, number: signal.Signals) -> None:
        """With status 0, no socket left, and connections cut."""
        with FakeProxy(hang) as proxy:
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                assert eventually(lambda: proxy.count == 1)
                tunnels.process.send_signal(number)
                assert tunnels.process.wait(3) == 0
                assert read_all(stream) == b""

        assert not Path(tunnels.path("a")).exists()

    def test_it_leaves_in_peace(self, tunnels: Tunnels) -> None:
        """After SIGQUIT new connections are taken as long as others last; then it is gone."""

        def slow(client: socket.socket) -> None:
            accept_socks(client)
            client.sendall(b"be")
            time.sleep(1.5)
            client.sendall(b"gun")

        with FakeProxy(slow) as proxy:
            tunnels.set(a=through(proxy))
            with tunnels.connect() as stream:
                assert stream.recv(2) == b"be"
                tunnels.process.send_signal(signal.SIGQUIT)
                time.sleep(0.7)
                with tunnels.connect() as other:
                    assert read_all(other) == b"begun"
                assert read_all(stream) == b"gun"
            assert tunnels.process.wait(3) == 0

    def test_it_leaves_the_socket_of_its_successor(self, tunnels: Tunnels) -> None:
        """Two that overlap for a moment: the newer one has the socket."""
        tunnels.set(a="http://127.0.0.1:9")
        inode = Path(tunnels.path("a")).stat().st_ino
        with Tunnels(tunnels.list_file):
            assert eventually(lambda: Path(tunnels.path("a")).stat().st_ino != inode)
            tunnels.process.terminate()
            tunnels.process.wait(5)
            assert Path(tunnels.path("a")).is_socket()


def test_the_password_is_in_no_command_line(tunnels: Tunnels) -> None:
    """Every user of a machine can read those."""
    tunnels.set(a=f"http://{ENCODED}@127.0.0.1:9")
    place = Path(f"/proc/{tunnels.process.pid}")

    assert b"S3CRET" not in (place / "cmdline").read_bytes()
    assert b"S3CRET" not in (place / "environ").read_bytes()
