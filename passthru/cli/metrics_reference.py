"""The reference of the metrics: `python -m passthru.cli.metrics_reference` prints it."""

from typing import Final

import click

from passthru.stats.labels import LABELS
from passthru.stats.metric import METRICS

_HEAD: Final = """\
# Metrics

<!-- Made by `python -m passthru.cli.metrics_reference`; a test compares. -->

`/metrics` has these, from the first scrape on: what did not happen yet stands there as 0, and what is not known yet as NaN.
Counters survive a restart of passthru, and begin anew only with a new state directory; those of nginx itself begin with nginx.
Beside them are the `process_*` metrics of the exporter.
[How to watch it](../how-to/watch-it.md) has queries, rules and a dashboard.

| metric | type | labels | |
| --- | --- | --- | --- |
"""

_LABELS: Final = """
## Labels

No value of a label ever comes from a request, so no stranger can make series.

| label | values |
| --- | --- |
"""


def markdown() -> str:
    """Return docs/reference/metrics.md."""
    rows = "".join(
        f"| `{one.name}` | {one.type.value} | {_code(one.labels)} | {one.help} |\n"
        for one in METRICS
    )
    labels = "".join(f"| `{name}` | {values} |\n" for name, values in LABELS.items())
    return f"{_HEAD}{rows}{_LABELS}{labels}"


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    click.echo(markdown(), nl=False)
