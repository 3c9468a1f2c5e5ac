"""The sign of life: when one is due, and when it is withheld."""

import math
import os

import pytest

from passthru.nginx import watchdog
from passthru.nginx.watchdog import Watchdog


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the signs given, in place of systemd."""
    given: list[str] = []
    monkeypatch.setattr(watchdog, "notify_alive", lambda: given.append("alive"))
    return given


@pytest.mark.parametrize(
    ("environment", "every"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, math.inf),
        ({"WATCHDOG_USEC": "0"}, math.inf),
        ({"WATCHDOG_USEC": "soon"}, math.inf),
        ({}, math.inf),
    ],
)
def test_environment_tells_whether_somebody_waits(
    environment: dict[str, str], every: float
) -> None:
    """Three signs in the time that systemd waits, and none for another process's watchdog."""
    assert Watchdog.of(environment).every == every


def test_sign_is_given_once_in_its_time(signs: list[str]) -> None:
    """The first at once, the next when it is due, and nobody is asked before."""
    calm = Watchdog.of({"WATCHDOG_USEC": "3000000000"})
    calm.calm(lambda: True)
    calm.calm(pytest.fail)

    assert signs == ["alive"]


def test_no_sign_when_it_is_not_well(signs: list[str]) -> None:
    """It is withheld, and given as soon as all is well again."""
    calm = Watchdog.of({"WATCHDOG_USEC": "3000000000"})
    calm.calm(lambda: False)
    assert signs == []
    calm.calm(lambda: True)

    assert signs == ["alive"]


def test_nobody_waits(signs: list[str]) -> None:
    """Without systemd, nothing is asked and nothing said."""
    Watchdog.of({}).calm(pytest.fail)

    assert signs == []
