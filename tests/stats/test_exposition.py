"""The metrics as text."""

import math
import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from passthru.stats.durations import Durations
from passthru.stats.exposition import Exposition, write_metrics
from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.metric import METRICS, Type
from passthru.stats.stub_status import NginxView
from passthru.stats.totals import OTHER, Totals
from passthru.stats.view import LogView
from passthru.stats.zone_scan import ZoneScan
from tests.stats.views import FACTS, WORLD

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def write(totals: Totals | None = None, accept: str = "", **world: object) -> tuple[str, str]:
    """Return what a scrape gives, and its content type."""
    seen = replace(WORLD, **world)  # type: ignore[arg-type]
    body, kind = write_metrics(Exposition(FACTS, totals or Totals(), seen, LogView()), accept)
    return body.decode(), kind


def samples(text: str) -> dict[str, list[Sample]]:
    """Return all samples by name."""
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def value(text: str, name: str, **labels: str) -> float:
    """Return the one sample with these labels."""
    [found] = [sample for sample in samples(text)[name] if sample.labels == labels]
    return found.value


def test_every_metric_is_there_from_the_start() -> None:
    """Before anything happened, all definitions have their series, with their labels, types and help."""
    text, _kind = write()
    families = {family.name: family for family in text_string_to_metric_families(text)}

    for definition in METRICS:
        name = definition.name.removesuffix("_total")
        family = families.pop(name)
        expected = Type.GAUGE.value if definition.type is Type.INFO else definition.type.value
        assert (family.type, family.documentation) == (expected, definition.help)
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert labels == set(definition.labels), name
    assert families == {}


def test_all_expected_counters_are_0() -> None:
    """A series that begins with its first event hides that event from rate()."""
    found = samples(write()[0])

    assert len(found["passthru_requests_total"]) == len(Kind) * len(CacheStatus)
    assert len(found["passthru_response_bytes_total"]) == len(Kind) * len(CacheStatus)
    assert len(found["passthru_upstream_requests_total"]) == 2 * len(Outcome)
    assert len(found["passthru_request_duration_seconds_bucket"]) == len(Kind) * 16
    assert {s.value for name, all_ in found.items() if "_total" in name for s in all_} == {0, 17}
    assert value(write()[0], "passthru_nginx_requests_total") == 17


def test_counts_are_the_ledgers() -> None:
    """What was counted is told under its labels, histograms summed up."""
    durations = Durations()
    for milliseconds in (3, 3, 200, 1_000_000):
        durations.count(milliseconds)
    totals = Totals(
        lines=12,
        unparsable_lines=2,
        requests={(Kind.NARINFO, CacheStatus.HIT): 7},
        sent_bytes={(Kind.NAR, CacheStatus.MISS): 1 << 50},
        responses={(Kind.NARINFO, "200"): 6, (Kind.OTHER, OTHER): 1},
        durations={Kind.NARINFO: durations},
        upstream_requests={("nixos", Outcome.TIMEOUT): 3, ("gone", Outcome.OK): 1},
        upstream_bytes={"lab": 5},
        last_line_at=1_795_207_164.25,
    )
    text, _kind = write(totals)

    assert value(text, "passthru_requests_total", kind="narinfo", cache_status="hit") == 7
    assert value(text, "passthru_response_bytes_total", kind="nar", cache_status="miss") == 1 << 50
    assert value(text, "passthru_responses_total", kind="other", code="other") == 1
    bucket = "passthru_request_duration_seconds_bucket"
    assert value(text, bucket, kind="narinfo", le="0.005") == 2
    assert value(text, bucket, kind="narinfo", le="0.25") == 3
    assert value(text, bucket, kind="narinfo", le="300.0") == 3
    assert value(text, bucket, kind="narinfo", le="+Inf") == 4
    assert value(text, "passthru_request_duration_seconds_sum", kind="narinfo") == 1000.206
    requests = "passthru_upstream_requests_total"
    assert value(text, requests, upstream="nixos", outcome="timeout") == 3
    assert value(text, requests, upstream="gone", outcome="ok") == 1
    assert value(text, "passthru_upstream_received_bytes_total", upstream="lab") == 5
    assert value(text, "passthru_log_lines_total") == 12
    assert value(text, "passthru_log_parse_errors_total") == 2
    assert value(text, "passthru_log_last_line_timestamp_seconds") == 1_795_207_164.25


def test_what_is_not_known_is_no_number() -> None:
    """A cache that was not walked yet is not an empty one."""
    before, _kind = write(available_bytes=None)
    after, _kind = write(scans={"nar": ZoneScan(4096, 1, 1_795_207_000.0, 2.5)})

    assert math.isnan(value(before, "passthru_cache_size_bytes", cache="nar"))
    assert math.isnan(value(before, "passthru_cache_filesystem_avail_bytes", cache="nar"))
    assert value(before, "passthru_cache_scan_timestamp_seconds", cache="nar") == 0
    assert value(after, "passthru_cache_size_bytes", cache="nar") == 4096
    assert value(after, "passthru_cache_files", cache="nar") == 1
    assert value(after, "passthru_cache_scan_duration_seconds", cache="nar") == 2.5


def test_an_nginx_that_is_down_is_told() -> None:
    """passthru_nginx_up is 0, and what only nginx knows is not there."""
    text, _kind = write(nginx=NginxView(is_up=False))

    assert value(text, "passthru_nginx_up") == 0
    assert "passthru_nginx_requests_total" not in samples(text)


def test_the_format_is_the_scrapers_choice() -> None:
    """Plain text by default, OpenMetrics when asked for; each under its own content type."""
    plain, plain_type = write()
    open_text, open_type = write(accept=OPENMETRICS)

    assert plain_type.startswith("text/plain; version=0.0.4")
    assert open_type.startswith("application/openmetrics-text; version=1.0.0")
    assert "_created" not in plain + open_text
    assert open_text.endswith("# EOF\n")


def test_promtool_has_no_complaint() -> None:
    """Names, units, types and help texts follow Prometheus' conventions."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=write()[0],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
