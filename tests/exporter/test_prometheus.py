"""A real Prometheus scrapes it, through nginx."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.exporter.conftest import StartExporter
from tests.nginx.cache import free_port
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import NARINFO, narinfo
from tests.waiting import eventually


def ask(port: int, query: str) -> list[dict[str, Any]]:
    """Return the result of an instant query; empty while Prometheus starts."""
    url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            found: list[dict[str, Any]] = json.load(reply)["data"]["result"]
    except OSError:
        return []
    return found


def test_prometheus_has_the_same_figures(
    cache: StartCache, origin: Origin, exporter: StartExporter, tmp_path: Path
) -> None:
    """The target is up, and a query gives what the page shows."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed")
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    seen = exporter(one)
    for _ in range(5):
        one.get(NARINFO)
    seen.await_lines(5)
    jobs = [
        {
            "job_name": "passthru",
            "scrape_interval": "1s",
            "static_configs": [{"targets": [f"127.0.0.1:{one.port}"]}],
        }
    ]
    (tmp_path / "prometheus.json").write_text(json.dumps({"scrape_configs": jobs}))
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={tmp_path}/prometheus.json",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        query = 'sum by (cache_status) (passthru_requests_total{kind="narinfo"}) > 0'
        assert eventually(lambda: ask(port, query), seconds=40), (tmp_path / "log").read_text()
        found = {r["metric"]["cache_status"]: float(r["value"][1]) for r in ask(port, query)}
        [up] = ask(port, 'up{job="passthru"}')
        [types] = ask(port, "count({__name__=~'passthru_.+'})")
    finally:
        process.terminate()
        process.wait(20)

    assert found == {"miss": 1, "hit": 4}
    assert up["value"][1] == "1"
    assert int(types["value"][1]) > 300
