"""Options and fixtures of the whole test suite."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# A shell without job control has what it starts with `&` ignore SIGINT, and so what we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew, for review in the diff."""
    parser.addoption(
        "--update-golden", action="store_true", help="Write golden files instead of comparing"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker of xdist one of those that take a minute first: last, all wait for it."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if count == 1:
        return
    slow = [item for item in items if item.get_closest_marker("install")]
    quick = [item for item in items if not item.get_closest_marker("install")]
    left = len(items)
    items.clear()
    for worker in range(count):
        share = left // (count - worker)  # as `--dist worksteal` deals them
        left -= share
        first = slow[worker::count]
        others = max(0, share - len(first))
        items += [*first, *quick[:others]]
        del quick[:others]
    items += quick


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 MiB, if this machine lets us."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64M", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
