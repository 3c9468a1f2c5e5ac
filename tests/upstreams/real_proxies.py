"""Real proxies for tests, as processes on loopback with a configuration of their own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.debian import unavailable
from tests.ports import free_port
from tests.upstreams.proxies import ENCODED, PASSWORD, USER

KINDS: Final = ("microsocks", "tinyproxy", "danted", "squid")

SIMPLE: Final = "word-S3CRET"
"""The password for tinyproxy, whose configuration takes fewer characters."""

_HTTP: Final = frozenset({"tinyproxy", "squid"})
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_START_SECONDS: Final = 10.0

_TINYPROXY: Final = """\
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 300
LogLevel Critical
{login}
"""

_DANTED: Final = """\
logoutput: /dev/null
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
user.privileged: root
user.unprivileged: nobody
clientmethod: none
socksmethod: {login}
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }}
"""

_SQUID: Final = """\
http_port 127.0.0.1:{port}
pid_filename none
cache deny all
cache_mem 8 MB
access_log none
cache_log /dev/null
cache_store_log none
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
{login}
http_access allow CONNECT known
http_access deny all
"""


class RealProxy:
    """A real proxy on loopback that can be stopped and started again at the same port."""

    def __init__(self, kind: str, folder: Path, *, login: bool, hosts: str) -> None:
        self.kind = kind
        self.port = free_port()
        self._folder = folder
        self._login = login
        self._hosts = hosts
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """The proxy for a spec, with its user and password if it wants them."""
        scheme = "http" if self.kind in _HTTP else "socks5h"
        who = (f"{USER}:{SIMPLE}@" if self.kind == "tinyproxy" else f"{ENCODED}@") * self._login
        return f"{scheme}://{who}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = subprocess.Popen(
            [*self._namespace(), *self._command()],
            env={**os.environ, "PATH": _PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None, f"{self.kind} did not start"
            assert time.monotonic() < deadline, f"{self.kind} does not listen"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, all its processes, and all its connections with it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _command(self) -> list[str]:
        match self.kind:
            case "microsocks":
                login = ["-u", USER, "-P", PASSWORD] if self._login else []
                return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *login]
            case "tinyproxy":
                login_line = f"BasicAuth {USER} {SIMPLE}" if self._login else ""
                return ["tinyproxy", "-d", "-c", self._configured(_TINYPROXY, login_line)]
            case "danted":
                method = "username" if self._login else "none"
                pid_file = str(self._folder / "danted.pid")
                return ["danted", "-f", self._configured(_DANTED, method), "-p", pid_file]
            case _:
                return ["squid", "-N", "-f", self._configured(_SQUID, self._squid_login())]

    def _configured(self, template: str, login: str) -> str:
        path = self._folder / f"{self.kind}-{self.port}.conf"
        path.write_text(template.format(port=self.port, login=login))
        return str(path)

    def _squid_login(self) -> str:
        if not self._login:
            return "acl known src all"
        self._folder.chmod(0o755)  # squid is another user by then
        users = self._folder / "users"
        users.write_text(f"{USER}:{_hashed('-apr1')}\n")
        program = f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {users}"
        return f"{program}\nauth_param basic children 1\nacl known proxy_auth REQUIRED"

    def _namespace(self) -> list[str]:
        """Give it files of its own in /etc: what it looks up, and whom it knows, nobody else does."""
        files: dict[str, str] = {}
        if self._hosts:
            files["hosts"] = f"127.0.0.1 localhost\n{self._hosts}\n"
        if self.kind == "danted" and self._login:
            files["passwd"] = f"{Path('/etc/passwd').read_text()}{USER}:x:9999:9999::/:/bin/false\n"
            files["shadow"] = f"{USER}:{_hashed('-6')}:19000:0:99999:7:::\n"
        if not files:
            return []
        for name, text in files.items():
            (self._folder / name).write_text(text)
        how = "-m" if os.geteuid() == 0 else "-rm"
        mounts = "".join(f"mount --bind {self._folder}/{name} /etc/{name} && " for name in files)
        return ["unshare", how, "--", "sh", "-c", f'{mounts}exec "$@"', "sh"]


def _hashed(method: str) -> str:
    argv = ["openssl", "passwd", method, PASSWORD]
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout.strip()


@contextmanager
def real_proxy(kind: str, *, login: bool = False, hosts: str = "") -> Iterator[RealProxy]:
    """Run one of KINDS; `hosts` are lines that only it can look up."""
    if shutil.which(kind, path=_PATH) is None:
        unavailable(f"{kind} is not installed")
    if kind in {"danted", "squid"} and os.geteuid() != 0:
        unavailable(f"{kind} wants to be started by root")
    if hosts or (kind == "danted" and login):
        how = "-m" if os.geteuid() == 0 else "-rm"
        tried = subprocess.run(["unshare", how, "true"], capture_output=True, check=False)
        if tried.returncode:
            unavailable("no mount namespace can be made here")
    with tempfile.TemporaryDirectory() as folder:
        proxy = RealProxy(kind, Path(folder), login=login, hosts=hosts)
        try:
            yield proxy
        finally:
            proxy.stop()
