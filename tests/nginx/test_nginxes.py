"""The nginx binaries that the other tests run."""

import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.nginx.nginxes import CHOICES, require_nginx
from tests.ports import free_port

CONF = """\
daemon off;
pid {where}/nginx.pid;
error_log {where}/error.log;
worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {where}/body;
    proxy_temp_path {where}/proxy;
    fastcgi_temp_path {where}/fastcgi;
    uwsgi_temp_path {where}/uwsgi;
    scgi_temp_path {where}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 $nginx_version; }}
    }}
}}
"""


@pytest.mark.parametrize("choice", CHOICES)
def test_each_nginx_tests_serves_and_reloads(choice: str, tmp_path: Path) -> None:
    """An nginx from a folder passes -t, serves, survives a reload and stops on a signal."""
    nginx = require_nginx(choice)
    port = free_port()
    conf = tmp_path / "nginx.conf"
    conf.write_text(CONF.format(where=tmp_path, port=port), encoding="utf-8")
    command = [str(nginx.path), "-p", str(tmp_path), "-c", str(conf), "-e", "stderr"]
    subprocess.run([*command, "-t"], check=True, capture_output=True, timeout=10)
    with subprocess.Popen(command, stderr=subprocess.PIPE) as master:
        try:
            before = _ask(port)
            subprocess.run([*command, "-s", "reload"], check=True, timeout=10)
            after = _ask(port)
        finally:
            master.terminate()
        code = master.wait(10)

    assert (nginx.version, nginx.version, 0) == (before, after, code)


def _ask(port: int) -> str:
    deadline = time.monotonic() + 5
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
