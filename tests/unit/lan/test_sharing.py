"""Who asks the upstream for a path."""

from collections import Counter
from dataclasses import replace
from ipaddress import ip_address

from passthru.lan.neighbour import Neighbour
from passthru.lan.sharing import owners
from tests.unit.lan.test_following import SHELF

NAMES = ("a", "b", "c")
PATHS = [f"{number:032d}" for number in range(1000)]


def peer(name: str) -> Neighbour:
    """Return one that is well."""
    number = NAMES.index(name) + 1
    return replace(SHELF, service=name, address=ip_address(f"10.0.0.{number}"))


def owner_as_seen_by(us: str, path: str, *, dead: str | None = None) -> str:
    """Return who asks the upstream for a path when a client asks us."""
    others = [(name, replace(peer(name), healthy=name != dead)) for name in NAMES if name != us]
    chosen = owners(path, others, ourselves=us)
    return chosen[0].service if chosen else us


def test_all_agree() -> None:
    """Whoever is asked, the same cache asks the upstream."""
    for path in PATHS:
        assert len({owner_as_seen_by(us, path) for us in NAMES}) == 1


def test_shares_are_even() -> None:
    """Each owns a third, more or less."""
    count = Counter(owner_as_seen_by("a", path) for path in PATHS)

    assert min(count.values()) > 280


def test_one_that_dies_leaves_its_share_alone() -> None:
    """The others go on owning what they owned."""
    for path in PATHS:
        before, after = owner_as_seen_by("a", path), owner_as_seen_by("a", path, dead="b")
        assert after != "b"
        assert before in {"b", after}


def test_one_that_is_not_on_the_list_owns_nothing() -> None:
    """It asks the owner, and the next one if that is out."""
    chosen = owners(PATHS[0], [(name, peer(name)) for name in NAMES], ourselves=None)

    assert len(chosen) == 3
