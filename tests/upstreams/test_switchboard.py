"""Tunnels on their way out: what goes on, for how long, and what is closed."""

import asyncio
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from passthru.upstreams import entrance, switchboard
from passthru.upstreams.dial import Dialler
from passthru.upstreams.dialogue import Target
from passthru.upstreams.lookup import Resolver
from passthru.upstreams.proxy import ProxyAddress
from passthru.upstreams.switchboard import Switchboard
from passthru.upstreams.tunnel import Tunnel
from tests.upstreams.proxies import FakeProxy, accept_socks, receive


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for tenths of seconds, where a real one waits for ten and more."""
    monkeypatch.setattr(entrance, "_IDLE_SECONDS", 0.3)
    monkeypatch.setattr(switchboard, "_STAY_SECONDS", 0.6)


def greet(client: socket.socket) -> None:
    """Say who it is, and answer each word, for as long as the client stays."""
    accept_socks(client)
    client.sendall(b"hi")
    while True:
        client.sendall(receive(client, 1))


def tunnel(path: Path, proxy: FakeProxy) -> Tunnel:
    """Return a tunnel to x.test through a proxy."""
    address = ProxyAddress.parse(f"socks5h://127.0.0.1:{proxy.port}")
    return Tunnel("a", f"{path}/tunnel-a.sock", address, Target("x.test", 80), 2.0)


async def connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and wait for the greeting."""
    reader, writer = await asyncio.open_unix_connection(f"{path}/tunnel-a.sock")
    assert await reader.readexactly(2) == b"hi"
    return reader, writer


def play(scene: Callable[[Switchboard], Awaitable[None]]) -> None:
    """Let a scene take its course before a board that is tidied all the time."""

    async def tidy(board: Switchboard) -> None:
        while True:
            board.tidy()
            await asyncio.sleep(0.02)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            board = Switchboard(group)
            tidying = group.create_task(tidy(board))
            try:
                await scene(board)
            finally:
                tidying.cancel()
                board.close()

    asyncio.run(main())


def test_an_idle_connection_the_old_way_is_closed(tmp_path: Path) -> None:
    """Nginx would keep it, and go on asking through a proxy that the spec no longer names."""
    with FakeProxy(greet) as old, FakeProxy(greet) as new:

        async def scene(board: Switchboard) -> None:
            board.set([tunnel(tmp_path, old)])
            idle, idle_writer = await connect(tmp_path)
            busy, busy_writer = await connect(tmp_path)
            board.set([tunnel(tmp_path, new)])
            fresh, fresh_writer = await connect(tmp_path)
            for _ in range(10):
                busy_writer.write(b"x")
                assert await busy.readexactly(1) == b"x"
                await asyncio.sleep(0.1)
            assert await asyncio.wait_for(idle.read(), 3) == b""
            fresh_writer.write(b"y")
            assert await fresh.readexactly(1) == b"y"
            for writer in (idle_writer, busy_writer, fresh_writer):
                writer.close()

        play(scene)
        assert (old.count, new.count) == (2, 1)


def test_a_tunnel_wanted_no_more_stays_for_a_while(tmp_path: Path) -> None:
    """Old workers of nginx may still need it; then its socket goes, and what is idle."""
    path = tmp_path / "tunnel-a.sock"
    with FakeProxy(greet) as proxy:

        async def scene(board: Switchboard) -> None:
            board.set([tunnel(tmp_path, proxy)])
            inode = path.stat().st_ino
            board.set([])
            await asyncio.sleep(0.3)
            reader, writer = await connect(tmp_path)
            board.set([tunnel(tmp_path, proxy)])
            await asyncio.sleep(0.9)
            assert path.stat().st_ino == inode
            board.set([])
            await asyncio.sleep(0.9)
            assert not path.exists()
            assert await asyncio.wait_for(reader.read(), 3) == b""
            assert board.count == 0
            writer.close()

        play(scene)


def test_one_lookup_serves_all_who_ask() -> None:
    """A silent name server must not pile threads up, and who gives up does not disturb others."""
    asked: list[str] = []

    def lookup(host: str) -> tuple[str, ...]:
        asked.append(host)
        time.sleep(0.3)
        return ("192.0.2.1",)

    async def main() -> None:
        resolver = Resolver(lookup)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.addresses("x.test"), 0.05)
        answers = await asyncio.gather(*(resolver.addresses("x.test") for _ in range(50)))
        assert set(answers) == {("192.0.2.1",)}
        assert await resolver.addresses("2001:db8::1") == ("2001:db8::1",)

    asyncio.run(main())
    assert asked == ["x.test"]


def test_the_proxys_addresses_are_tried_in_order() -> None:
    """A proxy with an address that nobody answers at is reached at its next one, in time."""
    with FakeProxy(greet) as proxy:
        resolver = Resolver(lambda _host: ("127.0.0.2", "127.0.0.1"))

        async def main() -> bytes:
            address = ProxyAddress.parse(f"socks5h://proxy.test:{proxy.port}")
            dialler = Dialler(resolver)
            connection = await dialler.dial(address, Target("x.test", 80), seconds=2)
            with connection:
                return await asyncio.get_running_loop().sock_recv(connection, 2)

        assert asyncio.run(main()) == b"hi"


def test_a_socket_that_somebody_removed(tmp_path: Path) -> None:
    """It is there again, once its directory is; who was connected stays."""
    folder = tmp_path / "run"
    folder.mkdir()
    with FakeProxy(greet) as proxy:

        async def scene(board: Switchboard) -> None:
            board.set([tunnel(folder, proxy)])
            old, old_writer = await connect(folder)
            shutil.rmtree(folder)
            await asyncio.sleep(0.1)
            assert not folder.exists()
            folder.mkdir()
            await asyncio.sleep(0.1)
            _, new_writer = await connect(folder)
            old_writer.write(b"x")
            assert await old.readexactly(1) == b"x"
            for writer in (old_writer, new_writer):
                writer.close()

        play(scene)
