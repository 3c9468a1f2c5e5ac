"""The sample snapshots: that they are what the exporter could say."""

import pytest

from passthru.stats.snapshot import Snapshot
from tests.stats.snapshots import SAMPLES, SPANS


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_go_through_json_and_back(name: str) -> None:
    """Each is a valid snapshot, the updated copies too."""
    shown = SAMPLES[name]()

    assert Snapshot.model_validate_json(shown.model_dump_json(by_alias=True)) == shown


@pytest.mark.parametrize("name", SAMPLES)
def test_charts_have_no_gaps(name: str) -> None:
    """Every step begins where the one before it ends, and the last one holds the moment."""
    shown = SAMPLES[name]()

    for span, (steps, seconds) in SPANS.items():
        points = getattr(shown.charts, span)
        assert len(points) == steps
        assert [point.start for point in points] == [
            points[0].start + place * seconds for place in range(steps)
        ]
        assert points[-1].start <= shown.taken_at < points[-1].start + seconds
