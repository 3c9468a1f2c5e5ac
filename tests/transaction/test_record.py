"""What is left written about the last transaction."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from passthru.errors import NginxError, NotRunningError
from passthru.nginx.apply import apply
from passthru.nginx.serving import serving
from passthru.nginx.site import Site
from tests.transaction.kit import tiny, up
from tests.waiting import eventually

BAD = "\nnonsense on;"


def record(site: Site) -> dict[str, Any]:
    """Return what stands there."""
    found: dict[str, Any] = json.loads(Path(site.last_apply).read_text())
    return found


def test_start_success_and_failure(site: Site, nginx: str) -> None:
    """Each transaction leaves how it ended; a failure keeps when one last went well."""
    began = time.time()
    with serving(tiny(site, "aaaa"), site, binary=nginx, grace=0.2):
        first = record(site)
        apply(tiny(site, "bbbb"), site, binary=nginx)
        second = record(site)
        with pytest.raises(NginxError):
            apply(tiny(site, "cccc", server=BAD), site, binary=nginx)
        third = record(site)
        apply(tiny(site, "bbbb"), site, binary=nginx)
        fourth = record(site)

    assert [r["successful"] for r in (first, second, third, fourth)] == [True, True, False, True]
    assert [r["generation"] for r in (first, second, third)] == ["aaaa", "bbbb", "cccc"]
    assert began < first["succeeded_at"] < second["succeeded_at"] < third["at"]
    assert third["succeeded_at"] == second["succeeded_at"]
    assert third["error"] == "nginx refuses the configuration"
    assert fourth["error"] is None
    assert Path(site.last_apply).stat().st_mode & 0o777 == 0o644


def test_a_spec_that_cannot_be_read_again_is_a_failure(site: Site) -> None:
    """SIGHUP with a broken spec is a change that did not come about."""
    with up(site, tiny(site, "aaaa")) as running:
        running.ready()
        running.spec.write_text("nonsense")
        running.send(signal.SIGHUP)
        assert eventually(lambda: not record(site)["successful"])

    assert (record(site)["generation"], "not JSON" in record(site)["error"]) == (None, True)


def test_nothing_running_is_no_failure(site: Site, nginx: str) -> None:
    """`passthru apply` on a machine where nothing runs says nothing about what will."""
    with pytest.raises(NotRunningError):
        apply(tiny(site, "aaaa"), site, binary=nginx)

    assert not Path(site.last_apply).exists()


def test_what_stands_there_may_be_anything(site: Site, nginx: str) -> None:
    """A record that a power cut has emptied is replaced."""
    with serving(tiny(site, "aaaa"), site, binary=nginx, grace=0.2):
        Path(site.last_apply).write_text("[]")
        with pytest.raises(NginxError):
            apply(tiny(site, "cccc", server=BAD), site, binary=nginx)

    assert record(site)["succeeded_at"] is None
