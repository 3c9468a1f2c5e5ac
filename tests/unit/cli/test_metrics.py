"""`passthru metrics`, and the page that is made from the same."""

import json

from passthru.cli.metrics_reference import markdown
from passthru.stats.labels import LABELS
from passthru.stats.metric import METRICS
from tests.checkout import ROOT
from tests.unit.cli.command import invoke


def test_reference_is_up_to_date() -> None:
    """docs/reference/metrics.md is `python -m passthru.cli.metrics_reference`, as it is now."""
    assert (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8") == markdown()


def test_all_are_listed() -> None:
    """A person gets a line a metric, a program a record with the labels' values."""
    lines = invoke("metrics").splitlines()
    record = json.loads(invoke("metrics", "--json"))

    assert [line.split()[0] for line in lines] == ["METRIC", *(one.name for one in METRICS)]
    assert [one["name"] for one in record["metrics"]] == [one.name for one in METRICS]
    assert record["labels"] == dict(LABELS)


def test_every_label_is_explained() -> None:
    """Nothing is labelled by what the reference does not tell."""
    assert {label for one in METRICS for label in one.labels} == set(LABELS)


def test_names_follow_prometheus() -> None:
    """One prefix, base units at the end, `_total` for counters and for nothing else."""
    assert len({one.name for one in METRICS}) == len(METRICS)
    for one in METRICS:
        assert one.name.startswith("passthru_"), one.name
        assert one.name.endswith("_total") == (one.type == "counter"), one.name
        assert one.name.endswith("_info") == (one.type == "info"), one.name
        assert one.help[0].isupper(), one.name
        assert not one.help.endswith("."), one.name
