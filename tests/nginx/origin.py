"""A binary cache for tests that logs what it is asked, and fails in the ways it is told to.

It runs in threads of the test's own process, on a port of its own choosing::

    with Origin({"/x.narinfo": b"..."}) as origin:
        origin.fail(Fault(r"narinfo$", status=503, times=1))
        ...
        assert [r.path for r in origin.requests] == ["/x.narinfo"]
"""

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.nginx.answer import Answer, choose_answer, chunk, drops, write_head
from tests.nginx.fault import Fault, File, Framing, Ranges, Request

__all__ = ["Fault", "File", "Framing", "Origin", "Ranges", "Request"]

_SOUND: Final = Fault()
_HEAD_LIMIT: Final = 1 << 20


class _Hangup(Exception):  # noqa: N818 - a way out of a connection, not an error
    """The connection is over, on purpose or not."""


class Origin:
    """An HTTP/1.1 origin on loopback; `files` may be changed while it runs."""

    def __init__(
        self,
        files: Mapping[str, bytes | File] | None = None,
        *,
        folder: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on a free port of `host`, or on `port`, with what is in `files`, then in `folder`."""
        self.files: dict[str, bytes | File] = dict(files or {})
        self._folder = folder
        self._host = host
        self._tls = tls
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._faults: list[Fault] = []
        self._used: dict[int, int] = {}
        self._open: set[socket.socket] = set()
        self._count = 0
        self._stopped = threading.Event()
        self._socket = self._bind(port)
        self.port: int = self._socket.getsockname()[1]
        if tls is not None:
            tls.sni_callback = _remember_name
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address to put into a spec."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """Everything asked so far, in order; a copy."""
        with self._lock:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._count

    def seen(self, pattern: str, *, method: str | None = None) -> list[Request]:
        """Return the requests whose path `pattern` is found in."""
        return [
            request
            for request in self.requests
            if re.search(pattern, request.path) and method in (None, request.method)
        ]

    def wait_for(
        self, pattern: str, count: int = 1, *, within: float = 5, method: str | None = None
    ) -> list[Request]:
        """Return `seen(pattern)` once it holds `count` requests; AssertionError after `within` s."""
        deadline = time.monotonic() + within
        while len(found := self.seen(pattern, method=method)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} for {pattern}"
            time.sleep(0.005)
        return found

    def forget(self) -> None:
        """Empty the log of requests."""
        with self._lock:
            self._requests.clear()

    def fail(self, *faults: Fault) -> None:
        """Add faults, after those already there."""
        with self._lock:
            self._faults.extend(faults)

    def heal(self) -> None:
        """Do everything right again, from the next request on."""
        with self._lock:
            self._faults.clear()
            self._used.clear()

    def start(self) -> None:
        """Listen again, on the same port."""
        self._stopped.clear()
        self._socket.listen(512)
        threading.Thread(target=self._accept, args=(self._socket,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections and close the open ones; the port stays ours."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._socket = self._bind(self.port)
        with self._lock:
            victims = list(self._open)
        for victim in victims:
            with contextlib.suppress(OSError):
                victim.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop for good and free the port."""
        self.stop()
        self._socket.close()

    def _bind(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((self._host, port))
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._count += 1
                number = self._count
                self._open.add(client)
            threading.Thread(target=self._talk, args=(client, number), daemon=True).start()

    def _talk(self, client: socket.socket, number: int) -> None:
        stream = client
        try:
            if self._tls is not None:
                stream = self._tls.wrap_socket(client, server_side=True)
                with self._lock:
                    self._open.discard(client)  # wrapping detached it
                    self._open.add(stream)
            _Connection(self, stream, number).serve()
        except (_Hangup, OSError):
            pass
        finally:
            with self._lock:
                self._open.discard(client)
                self._open.discard(stream)
            with contextlib.suppress(OSError):
                stream.close()

    def _choose(self, method: str, path: str) -> Fault:
        with self._lock:
            for fault in self._faults:
                used = self._used.get(id(fault), 0)
                if fault.matches(method, path) and (fault.times is None or used < fault.times):
                    self._used[id(fault)] = used + 1
                    return fault
        return _SOUND

    def _find(self, path: str) -> File | None:
        for key in (path, path.partition("?")[0]):
            if (held := self.files.get(key)) is not None:
                return held if isinstance(held, File) else File(held)
            if self._folder is not None:
                place = self._folder / key.lstrip("/")
                if ".." not in key and place.is_file():
                    return File(place.read_bytes(), modified=int(place.stat().st_mtime))
        return None

    def _record(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    def _pause(self, seconds: float | None) -> None:
        if self._stopped.wait(seconds):
            raise _Hangup


def _remember_name(stream: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
    stream.sni = name  # type: ignore[attr-defined]


class _Connection:
    """One client of an origin, from its first request to its last."""

    def __init__(self, origin: Origin, stream: socket.socket, number: int) -> None:
        self.origin = origin
        self.stream = stream
        self.number = number
        self.buffer = b""

    def serve(self) -> None:
        """Answer requests until one of both sides has had enough."""
        while self._serve_one():
            pass

    def _serve_one(self) -> bool:
        head = self._read_head()
        line, *fields = head.decode("latin-1").split("\r\n")
        method, path, version = (*line.split(" ", 2), "", "")[:3]
        headers: dict[str, str] = {}
        for name, _, value in (field.partition(":") for field in fields):
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        length = int(headers.get("content-length", "0"))
        self._read_body(length)
        fault = self.origin._choose(method, path)
        answer = choose_answer(self.origin._find(path), fault, method, path, headers)
        request = Request(
            time=time.monotonic(),
            connection=self.number,
            method=method,
            path=path,
            version=version,
            headers=headers,
            status=0 if fault.silent or fault.reset == -1 else answer.status,
            sni=getattr(self.stream, "sni", None),
            resumed=bool(getattr(self.stream, "session_reused", False)),
            body=length,
        )
        self.origin._record(request)
        if fault.silent:
            self.origin._pause(None)
        if fault.delay:
            self.origin._pause(fault.delay)
        if fault.reset == -1:
            self._reset()
        if fault.raw is not None:
            self.stream.sendall(fault.raw)
            return False
        bodiless = method == "HEAD" or answer.status in {204, 304}
        self._send(answer, fault, bodiless=bodiless)
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return keep and (bodiless or fault.framing is not Framing.CLOSE)

    def _read_head(self) -> bytes:
        while b"\r\n\r\n" not in self.buffer:
            data = self.stream.recv(65536)
            if not data or len(self.buffer) > _HEAD_LIMIT:
                raise _Hangup
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head

    def _read_body(self, length: int) -> None:
        while len(self.buffer) < length:
            data = self.stream.recv(65536)
            if not data:
                raise _Hangup
            self.buffer += data
        self.buffer = self.buffer[length:]

    def _send(self, answer: Answer, fault: Fault, *, bodiless: bool) -> None:
        head = write_head(answer, fault)
        if bodiless:
            self.stream.sendall(head)
            return
        wrap: Callable[[bytes], bytes] = bytes
        if fault.framing is Framing.CHUNKED:
            wrap = chunk
        self._send_body(head, answer.body, fault, wrap)
        if fault.framing is Framing.CHUNKED:
            self.stream.sendall(b"0\r\n\r\n")

    def _send_body(
        self, head: bytes, body: bytes, fault: Fault, wrap: Callable[[bytes], bytes]
    ) -> None:
        limits = [n for n in (fault.cut, fault.reset, fault.stall) if n is not None]
        sendable = body[: min(limits)] if limits else body
        if fault.drip is None and sendable:
            self.stream.sendall(head + wrap(sendable))
        else:
            self.stream.sendall(head)
            for piece, wait in drops(sendable, fault.drip or 1):
                self.stream.sendall(wrap(piece))
                self.origin._pause(wait)
        if fault.cut is not None and len(sendable) == fault.cut:
            raise _Hangup
        if fault.reset is not None and len(sendable) == fault.reset:
            self._reset()
        if fault.stall is not None and len(sendable) == fault.stall:
            self.origin._pause(None)

    def _reset(self) -> None:
        time.sleep(0.02)  # what was sent should arrive: a reset throws away what is queued
        linger = struct.pack("ii", 1, 0)
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise _Hangup
