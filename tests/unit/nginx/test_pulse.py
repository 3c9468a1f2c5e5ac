"""A child's pulse: what is taken for its end, and what is not."""

import os
from collections.abc import Iterator

import pytest

from passthru.nginx import pulse
from passthru.nginx.notify import VOICE, notify_alive
from passthru.nginx.pulse import Pulse


class Clock:
    """The monotonic clock, set by hand."""

    now = 1000.0

    def monotonic(self) -> float:
        """Return what is set."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a clock of ours in the place of the real one."""
    made = Clock()
    monkeypatch.setattr(pulse, "time", made)
    return made


@pytest.fixture
def heard(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pulse]:
    """Return a pulse of 15 s whose child we are."""
    del clock
    made = Pulse(15.0)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.is_handed_over()
    made.close()


def look(heard: Pulse, clock: Clock, seconds: int) -> bool:
    """Look every second for so long, and return what the last look said."""
    lost = False
    for _ in range(seconds):
        clock.now += 1
        lost = heard.is_lost()
    return lost


def test_a_start_may_take_its_time(heard: Pulse, clock: Clock) -> None:
    """Who has not said anything yet is not frozen."""
    assert not look(heard, clock, 100)


def test_silence_after_a_sign(heard: Pulse, clock: Clock) -> None:
    """It is lost after its time, and not before; one sign is enough to begin anew."""
    notify_alive()
    assert not look(heard, clock, 16)
    notify_alive()
    assert not look(heard, clock, 16)
    assert look(heard, clock, 1)


def test_time_that_nobody_watched(heard: Pulse, clock: Clock) -> None:
    """An hour in which we ourselves did nothing, frozen with it, counts as two seconds."""
    notify_alive()
    assert not look(heard, clock, 1)
    clock.now += 3600
    assert not heard.is_lost()
    assert not look(heard, clock, 13)
    assert look(heard, clock, 1)


def test_signs_that_nobody_hears_block_nobody(heard: Pulse, clock: Clock) -> None:
    """A child goes on when the pipe is full, and all of it is one sign."""
    for _ in range(70_000):
        notify_alive()
    assert not heard.is_lost()
    assert not look(heard, clock, 15)


def test_a_voice_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nonsense in the environment, and a closed pipe, are nobody who listens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    ear, voice = os.pipe()
    os.close(ear)
    os.close(voice)
    for value in ("", "x", "-1", str(voice)):
        monkeypatch.setenv(VOICE, value)
        notify_alive()
