"""Disks that do not take a new generation."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from passthru.errors import PassthruError
from passthru.nginx.apply import Outcome, apply
from passthru.nginx.serving import serving
from passthru.nginx.site import Site
from tests.transaction.kit import picture, tiny


@pytest.fixture
def small(site: Site) -> Iterator[Site]:
    """Return a site whose state is a file system of its own, of 256 KiB."""
    Path(site.state).mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", site.state],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a tmpfs: {mounted.stderr.strip()}")
    yield site
    subprocess.run(["umount", site.state], check=True)


def test_a_full_disk(small: Site, nginx: str) -> None:
    """A full disk is named, changes nothing, and is no obstacle once there is room again."""
    with serving(tiny(small, "aaaa"), small, binary=nginx, grace=0):
        before = picture(small)
        filler = Path(small.state, "filler")
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

        with pytest.raises(PassthruError, match=r"nothing has changed.*no space left") as caught:
            apply(tiny(small, "bbbb"), small, binary=nginx)

        assert "free some space" in str(caught.value.hint)
        assert picture(small) == before
        filler.unlink()
        assert apply(tiny(small, "bbbb"), small, binary=nginx) is Outcome.APPLIED


def test_a_read_only_disk(small: Site, nginx: str) -> None:
    """State that became read-only is named, and nginx serves on."""
    with serving(tiny(small, "aaaa"), small, binary=nginx, grace=0):
        before = picture(small)
        subprocess.run(["mount", "-o", "bind", small.state, small.state], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", small.state], check=True)

            with pytest.raises(PassthruError, match="read-only") as caught:
                apply(tiny(small, "bbbb"), small, binary=nginx)
            assert apply(tiny(small, "aaaa"), small, binary=nginx) is Outcome.UNCHANGED
        finally:
            subprocess.run(["umount", small.state], check=True)

        assert "state_directory" in str(caught.value.hint)
        assert picture(small) == before


def test_starting_on_a_read_only_disk(small: Site, nginx: str) -> None:
    """Nothing starts, and the error says which directory it is about."""
    subprocess.run(["mount", "-o", "remount,ro", small.state], check=True)

    with (
        pytest.raises(PassthruError, match=f"read-only file system.*{small.state}"),
        serving(tiny(small, "aaaa"), small, binary=nginx),
    ):
        pass
