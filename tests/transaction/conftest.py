"""A site and its nginx."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from passthru.nginx.process import find_nginx
from passthru.nginx.serving import Crew, serving
from passthru.nginx.site import Site
from tests.transaction.kit import tiny


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory with a short path that other users may enter."""
    made = Path(tempfile.mkdtemp(prefix="passthru-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def site(folder: Path) -> Site:
    """Return a site on which nothing ever ran."""
    return Site(f"{folder}/state", f"{folder}/run", f"{folder}/cache")


@pytest.fixture
def nginx() -> str:
    """Return the binary under test."""
    return find_nginx()


@pytest.fixture
def crew(site: Site, nginx: str) -> Iterator[Crew]:
    """Run an instance that serves generation aaaa."""
    with serving(tiny(site, "aaaa"), site, binary=nginx, grace=0.2) as running:
        yield running
