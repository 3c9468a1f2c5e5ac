"""A running instance's spec and the names in it."""

import os
import time
from pathlib import Path

import pytest

from passthru.cli.watched import Watched
from passthru.errors import PassthruError, SpecError
from passthru.nginx import names
from passthru.nginx.rendering import Rendering


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put in what a name leads to from now on; every look asks again."""
    current = ["192.0.2.1"]
    monkeypatch.setattr(names, "look_up", lambda _host: tuple(current))
    monkeypatch.setattr(names, "KNOWN_EVERY", 0.0)
    return current


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Write a spec whose upstream every nginx must be given an address for."""
    path = tmp_path / "passthru.toml"
    path.write_text(
        f'state_directory = "{tmp_path}/state"\n[[upstreams]]\nurl = "http://cache.local"\n'
    )
    return path


def test_a_name_that_moves_is_followed(addresses: list[str], spec: Path) -> None:
    """New addresses make a new rendering; the same ones make none."""
    watched = Watched(spec)
    assert "192.0.2.1:80" in watched.instance.rendering.files["http.conf"]
    assert watched.tick() is None

    addresses[:] = ["192.0.2.2"]
    deadline = time.monotonic() + 5
    while not (rendering := watched.tick()):  # its threads have not answered yet
        assert time.monotonic() < deadline
        time.sleep(0.005)
    text = rendering.files["http.conf"]
    assert "192.0.2.2:80" in text
    assert "192.0.2.1:80" not in text


def test_names_without_an_answer_do_not_keep_it_from_starting(
    monkeypatch: pytest.MonkeyPatch, spec: Path
) -> None:
    """No DNS: it is rendered without an address, at once."""

    def fail(_host: str) -> tuple[str, ...]:
        raise OSError

    monkeypatch.setattr(names, "look_up", fail)

    assert Watched(spec).instance.plan.upstreams[0].servers == ()


def make_live(watched: Watched, rendering: Rendering) -> None:
    """Write a generation and point to it, as a transaction does."""
    site = watched.instance.plan.site
    folder = Path(site.generations, rendering.generation)
    folder.mkdir(parents=True)
    Path(site.live).symlink_to(folder)


def test_a_spec_that_another_process_made_live(addresses: list[str], spec: Path) -> None:
    """From then on it is that spec whose names are followed, though that process saw others."""
    watched = Watched(spec)
    spec.write_text(f"{spec.read_text()}[nix_cache_info]\npriority = 25\n")
    watched.reread()
    watched.adopt()

    addresses[:] = ["192.0.2.2"]
    deadline = time.monotonic() + 5
    while not (rendering := watched.tick()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert "192.0.2.2:80" in rendering.files["http.conf"]
    assert "Priority: 25" in rendering.files["server.conf"]


@pytest.mark.usefixtures("addresses")
def test_the_spec_is_read_again(spec: Path) -> None:
    """What the file says then is offered, and counts from the moment that it is live."""
    watched = Watched(spec)
    before = watched.instance.rendering
    spec.write_text(f"{spec.read_text()}[nix_cache_info]\npriority = 25\n")
    after = watched.reread()

    assert after.generation != before.generation
    assert watched.instance.rendering is before
    make_live(watched, after)
    assert watched.instance.rendering is after


def test_a_refused_spec_does_not_stop_us_from_following(addresses: list[str], spec: Path) -> None:
    """After a spec that nginx did not take, addresses are followed for the one that is live."""
    watched = Watched(spec)
    spec.write_text(spec.read_text().replace("cache.local", "other.local"))
    watched.reread()

    addresses[:] = ["192.0.2.9"]
    deadline = time.monotonic() + 5
    while not (rendering := watched.tick()):
        assert time.monotonic() < deadline
        time.sleep(0.005)

    assert "http://cache.local" in rendering.files["http.conf"]
    assert "192.0.2.9:80" in rendering.files["http.conf"]


@pytest.mark.usefixtures("addresses")
def test_a_bad_spec_changes_nothing(spec: Path) -> None:
    """The instance is what it was."""
    watched = Watched(spec)
    before = watched.instance
    spec.write_text("mood = 1\n")

    with pytest.raises(SpecError):
        watched.reread()
    assert watched.instance is before


@pytest.mark.usefixtures("addresses")
def test_a_running_instance_cannot_move(spec: Path) -> None:
    """Its locks and its cache are where it began."""
    watched = Watched(spec)
    spec.write_text(spec.read_text().replace("/state", "/elsewhere"))

    with pytest.raises(PassthruError, match="cannot change"):
        watched.reread()


def test_a_pipe_is_not_read_again(tmp_path: Path) -> None:
    """What was in it is gone, and an empty spec would be a valid one: `up <(generate)`."""
    reading, writing = os.pipe()
    os.write(
        writing,
        f'state_directory = "{tmp_path}/state"\n[[upstreams]]\nurl = "http://127.0.0.1:9"\n'.encode(),
    )
    os.close(writing)
    try:
        watched = Watched(Path(f"/dev/fd/{reading}"))
        with pytest.raises(PassthruError, match="is a pipe"):
            watched.reread()
    finally:
        os.close(reading)
    assert watched.instance.plan.site.state == f"{tmp_path}/state"
