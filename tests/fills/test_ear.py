"""What nginx tells of upstreams that hang, and what anybody may send there."""

import asyncio
import socket
from pathlib import Path

from passthru.fills.ear import Ear

LINE = b"<190>Nov  1 23:30:59 passthru: a/nar/x.nar.xz"
GARBAGE = (
    b"",
    b"\0" * 9000,
    LINE.replace(b"/nar/", b"/log/"),
    LINE.replace(b"/nar/", b" /nar/"),
    LINE.replace(b"passthru", b"nginx"),
    LINE + b"\nHost: x",
    LINE[1:],
)


async def hear(path: Path, lines: tuple[bytes, ...]) -> list[tuple[str, str]]:
    """Return what is heard of some datagrams, after the socket was removed once."""
    heard: list[tuple[str, str]] = []
    ear = Ear(str(path), lambda name, key: heard.append((name, key)))
    path.unlink()  # noqa: ASYNC240 - in no time
    ear.mend()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nginx:
        for line in lines:
            nginx.sendto(line, str(path))
            await asyncio.sleep(0.01)
    ear.close()
    return heard


def test_a_line_is_a_name_and_a_path(tmp_path: Path) -> None:
    """All else is passed over, and does not end it."""
    strange = LINE.replace(b"x.nar", b"\xff?y=:")
    path = tmp_path / "fills.ear"

    heard = asyncio.run(hear(path, (*GARBAGE, LINE, strange)))

    assert not path.exists()
    assert heard == [("a", "/nar/x.nar.xz"), ("a", "/nar/\udcff?y=:.xz")]
