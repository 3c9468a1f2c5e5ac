"""Names that one kind of address cannot be had of."""

import socket
import threading
from typing import Final

import pytest

from passthru.nginx import lookup
from passthru.nginx.lookup import look_up, look_up_half

FOUR: Final = ("192.0.2.1",)
SIX: Final = ("2001:db8::1",)
FAILS: Final = socket.gaierror(socket.EAI_AGAIN, "try again")
NONE: Final = socket.gaierror(socket.EAI_NONAME, "no such name")
SILENT: Final = None
ENDED: Final = -1
"""Stands among the families that were asked for, once a silent one has failed after all."""

Said = tuple[str, ...] | OSError | None


@pytest.fixture(autouse=True)
def end() -> threading.Event:
    """Return what ends the silence, after the test."""
    return threading.Event()


def resolver(
    monkeypatch: pytest.MonkeyPatch, end: threading.Event, *, both: Said, four: Said, six: Said
) -> list[int]:
    """Let the system say these; return the families that it is asked for."""
    asked: list[int] = []
    said = {socket.AF_UNSPEC: both, socket.AF_INET: four, socket.AF_INET6: six}

    def getaddrinfo(_host: str, _port: None, *, family: int, **_: object) -> list[object]:
        asked.append(family)
        answer = said[socket.AddressFamily(family)]
        if answer is SILENT:
            end.wait(10)
            asked.append(ENDED)
            raise FAILS
        if isinstance(answer, OSError):
            raise answer
        return [(family, 0, 0, "", (address, 0)) for address in answer]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(lookup, "has_ipv6_route", lambda: True)
    monkeypatch.setattr(lookup, "PATIENCE", 0.05)
    monkeypatch.setattr(lookup, "SILENCE", 0.05)
    return asked


def test_what_is_answered_at_once_is_believed(
    monkeypatch: pytest.MonkeyPatch, end: threading.Event
) -> None:
    """One question is asked: /etc/hosts may have one kind, and is not to be asked past."""
    asked = resolver(monkeypatch, end, both=FOUR, four=FOUR, six=SIX)

    assert (look_up("a.test"), asked) == (FOUR, [socket.AF_UNSPEC])


def test_silence_about_one_kind_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, end: threading.Event
) -> None:
    """The other kind's addresses come while nothing else has."""
    asked = resolver(monkeypatch, end, both=SILENT, four=FOUR, six=SILENT)

    assert look_up("a.test") == FOUR
    assert ENDED not in asked
    end.set()


def test_no_address_is_an_error(monkeypatch: pytest.MonkeyPatch, end: threading.Event) -> None:
    """As the system says it."""
    resolver(monkeypatch, end, both=NONE, four=NONE, six=NONE)

    with pytest.raises(socket.gaierror, match="no such name"):
        look_up("a.test")


@pytest.mark.parametrize(
    ("four", "six", "expected"),
    [
        (FOUR, SIX, ()),
        (FOUR, NONE, ()),
        (NONE, SIX, ()),
        (NONE, NONE, ()),
        (FAILS, FAILS, ()),
        (FAILS, NONE, ()),
        (FOUR, FAILS, FOUR),
        (FAILS, SIX, SIX),
        (FOUR, SILENT, FOUR),
    ],
)
def test_half_an_answer(
    four: Said,
    six: Said,
    expected: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    end: threading.Event,
) -> None:
    """Only a failure for one kind beside addresses of the other counts: there nginx finds nothing."""
    resolver(monkeypatch, end, both=FAILS, four=four, six=six)

    assert look_up_half("a.test") == expected
    end.set()


def test_without_ipv6_there_are_no_halves(
    monkeypatch: pytest.MonkeyPatch, end: threading.Event
) -> None:
    """Nobody is asked, as nginx asks for one kind then."""
    asked = resolver(monkeypatch, end, both=FOUR, four=FOUR, six=FAILS)
    monkeypatch.setattr(lookup, "has_ipv6_route", lambda: False)

    assert (look_up_half("a.test"), asked) == ((), [])
