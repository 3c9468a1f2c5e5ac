"""Who may hold which directories."""

from pathlib import Path

import pytest

from passthru.errors import PassthruError
from passthru.nginx.lock import only_instance
from passthru.nginx.site import Site


def site(folder: Path, name: str, *, cache: str) -> Site:
    """Return a site of its own but for its cache directory; all of it exists."""
    found = Site(
        state=f"{folder}/{name}/state", runtime=f"{folder}/{name}/run", cache=f"{folder}/{cache}"
    )
    for path in (found.state, found.runtime, found.cache):
        Path(path).mkdir(parents=True, exist_ok=True)
    return found


def test_two_instances_do_not_share_a_cache(tmp_path: Path) -> None:
    """Two cache managers on one directory would each keep half of the accounts."""
    one, two = (site(tmp_path, name, cache="cache") for name in ("one", "two"))

    with only_instance(one), pytest.raises(PassthruError, match="cache") as caught:
        only_instance(two).__enter__()
    assert "cache.directory" in str(caught.value.hint)
    with only_instance(two):
        pass


def test_two_instances_beside_each_other(tmp_path: Path) -> None:
    """With directories of their own they do not know each other."""
    one, two = (site(tmp_path, name, cache=f"cache-{name}") for name in ("one", "two"))

    with only_instance(one), only_instance(two):
        pass
