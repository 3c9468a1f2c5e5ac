"""Names that nginx cannot look up itself."""

import threading
import time
from typing import Final

import pytest

from passthru.nginx.capabilities import parse_capabilities
from passthru.nginx.names import Names, hosts_to_look_up, other_hosts, settle
from passthru.spec import parse_spec
from tests.checkout import ROOT

A, B, C = ("192.0.2.1",), ("192.0.2.2",), ("192.0.2.3",)
BOUND: Final = 5.0


@pytest.mark.parametrize(
    ("current", "answer", "before", "expected"),
    [
        ((), A, (), A),
        (A, (), A, A),
        (A, A, A, A),
        (A, B, A, B),
        (A + B, B + A, A, A + B),
        (A + B, B + C, A + B, A + B),
        (A + B, B + C, B + C, B + C),
        (A + B, C, A + B, C),
    ],
    ids=[
        "first answer",
        "a failing lookup forgets nothing",
        "same",
        "moved",
        "another order",
        "rotates",
        "changed for good",
        "no address left",
    ],
)
def test_settle(
    current: tuple[str, ...],
    answer: tuple[str, ...],
    before: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    """A change counts at once when nothing is left, else when two looks agree."""
    assert settle(current, answer, before) == expected


def test_a_resolver_that_hangs_holds_nobody_up() -> None:
    """The wait is bounded, and the answer is taken in when it comes at last."""
    answered = threading.Event()

    def slow(_host: str) -> tuple[str, ...]:
        answered.wait(BOUND)
        return A

    names = Names(["a.example"], lookup=slow)
    began = time.monotonic()

    assert not names.refresh(wait=0.05)
    assert time.monotonic() - began < BOUND / 2
    assert names.addresses == {"a.example": ()}

    answered.set()

    assert names.refresh(wait=BOUND)
    assert names.addresses == {"a.example": A}


def test_a_failing_lookup_is_no_address() -> None:
    """Without DNS there are no addresses, and no exception."""

    def fail(_host: str) -> tuple[str, ...]:
        raise OSError

    names = Names(["a.example"], lookup=fail)

    assert not names.refresh(wait=BOUND)
    assert names.addresses == {"a.example": ()}


def test_answers_are_sorted_so_that_their_order_is_no_change() -> None:
    """Name servers shuffle; nginx must not reload for it. IPv4 comes first."""
    names = Names(["a.example"], lookup=lambda _host: ("2001:db8::1", "192.0.2.2", "192.0.2.1"))
    names.refresh(wait=BOUND)

    assert names.addresses == {"a.example": ("192.0.2.1", "192.0.2.2", "2001:db8::1")}


def test_a_known_name_is_not_asked_for_at_once_again() -> None:
    """A look too soon starts no lookup."""
    asked = []

    def count(host: str) -> tuple[str, ...]:
        asked.append(host)
        return A

    names = Names(["a.example"], lookup=count)
    names.refresh(wait=BOUND)
    names.refresh(wait=0.05)

    assert asked == ["a.example"]


def test_a_spare_name_is_ours_once_nginx_cannot_look_it_up() -> None:
    """It is not waited for and has no addresses until then; from then on it is looked up in full."""
    answers = iter([A])
    names = Names(
        ["a.example"], spare=["b.example"], lookup=lambda _: B, lookup_spare=lambda _: next(answers)
    )
    began = time.monotonic()
    while "b.example" not in names.addresses:
        names.refresh(wait=BOUND)
        assert time.monotonic() - began < BOUND

    assert names.addresses == {"a.example": B, "b.example": A}
    assert names.hosts == {"a.example", "b.example"}
    names._due = dict.fromkeys(names.hosts, 0.0)
    names.refresh(wait=BOUND)
    assert names.addresses == {"a.example": B, "b.example": B}


def test_a_spare_name_that_nginx_can_look_up_stays_its_own() -> None:
    """There is no address of it, which would take the place of its name."""
    asked = threading.Event()

    def nothing(_host: str) -> tuple[str, ...]:
        asked.set()
        return ()

    names = Names([], spare=["b.example"], lookup_spare=nothing)
    names.refresh(wait=BOUND)
    assert asked.wait(BOUND)
    names.refresh()

    assert names.addresses == {}


def test_what_is_behind_a_proxy_is_not_looked_up() -> None:
    """Not even where nginx could not: the tunnel does, or the proxy, and it leaks to nobody else."""
    told = (ROOT / "tests/golden/nginx-V/debian-12.txt").read_text(encoding="utf-8")
    spec = parse_spec(
        '[[upstreams]]\nurl = "http://near.test"\n'
        '[[upstreams]]\nurl = "http://far.test"\nproxy = "socks5h://127.0.0.1:9"\n'
    )

    assert hosts_to_look_up(spec, parse_capabilities(told), "") == ("near.test",)
    assert (other_hosts(spec, ()), other_hosts(spec, ("near.test",))) == (("near.test",), ())
