"""Whose turn it is at a request, and under which key."""

from dataclasses import replace

import pytest

from passthru.nginx.turn import Area, Order, Turn, area_of, nar_target, turns_of
from tests.nginx.samples import DRV, HASH, NAR, NARINFO

ORDER = Order(("a", "b"))
FOLLOWER = Order(("a", "b"), "lan-0f")
OF_A_NEIGHBOUR = "/nar/~lan/5e0f/x.nar?y"


@pytest.mark.parametrize(
    ("target", "area"),
    [
        (NARINFO, Area.METADATA),
        (f"/{HASH}.ls", Area.METADATA),
        (f"/log/{DRV}", Area.METADATA),
        ("/realisations/sha256:ab!out.doi", Area.METADATA),
        (NAR, Area.NAR),
        (f"{NAR}?hash={HASH}", Area.NAR),
        ("/nar/~b/x.nar", Area.NAR),
        ("/nar/~b/~/https/else.where:80/x.nar?y", Area.NAR),
        ("/nar/~b/~/https/[::1]/x.nar", Area.NAR),
        ("/nar/~b/~/ftp/else.where/x.nar", None),
        ("/nar/~/https/else.where/x.nar", None),
        ("/", None),
        ("/nix-cache-info", None),
        ("/nar/../x", None),
        ("/nar/%2e%2e/x", None),
        (f"{NARINFO}?x", None),
        (f"{NARINFO}\n", None),
        ("/nar/" + "x" * 3000, None),
        ("/nar/x\x00", None),
        ("", None),
    ],
)
def test_areas(target: str, area: Area | None) -> None:
    """Narinfos and their like are in one zone, NARs in the other, anything else in none."""
    assert area_of(target) == area


def test_upstreams_take_turns() -> None:
    """A key is the upstream's name and the path; a query string is part of a NAR's."""
    assert turns_of(NARINFO, ORDER) == (Turn("a", f"a{NARINFO}"), Turn("b", f"b{NARINFO}"))
    assert turns_of("/nar/x?y=1", ORDER) == (Turn("a", "a/nar/x?y=1"), Turn("b", "b/nar/x?y=1"))


def test_named_nar_is_one_upstreams() -> None:
    """A NAR with an upstream's name is kept as that upstream knows it, and asked of no other."""
    assert turns_of("/nar/~b/x.nar?y", ORDER) == (Turn("b", "b/nar/x.nar?y"),)
    assert turns_of("/nar/~b/~/https/h/x?y", ORDER) == (Turn("b", "b/nar/~/https/h/x?y"),)


def test_neighbours_come_first() -> None:
    """A follower asks them for narinfos, and for the NARs of those that they gave; nothing else."""
    a, b = Turn("a", f"a{NARINFO}"), Turn("b", f"b{NARINFO}")
    assert turns_of(NARINFO, FOLLOWER) == (Turn("lan", f"lan-0f{NARINFO}"), a, b)
    assert turns_of(OF_A_NEIGHBOUR, FOLLOWER) == (
        Turn("lan", f"lan-0f{OF_A_NEIGHBOUR}"),
        Turn("a", "a/nar/x.nar?y"),
        Turn("b", "b/nar/x.nar?y"),
    )
    assert turns_of("/nar/~lan/5e0f/~c/x.nar", FOLLOWER)[1] == Turn("a", "a/nar/x.nar")
    elsewhere = "/nar/~lan/5e0f/~/https/h/x"
    assert turns_of(elsewhere, FOLLOWER)[1] == Turn("a", f"a{elsewhere}")
    assert turns_of("/nar/x.nar", FOLLOWER) == turns_of("/nar/x.nar", ORDER)
    assert turns_of(f"/{HASH}.ls", FOLLOWER) == turns_of(f"/{HASH}.ls", ORDER)
    assert nar_target(OF_A_NEIGHBOUR[1:], "lan", FOLLOWER) == OF_A_NEIGHBOUR


def test_metadata_key_is_decoded() -> None:
    """The key of metadata is made of $uri, in which nothing is encoded."""
    assert (
        turns_of("/realisations/sha256%3aab%21out", Order(("a",)))[0].key
        == "a/realisations/sha256:ab!out"
    )


def test_where_clients_ask_for_a_nar() -> None:
    """The relative URLs of the first upstream are handed out as they came, unless they bear our mark."""
    assert nar_target("nar/x.nar", "a", ORDER) == "/nar/x.nar"
    assert nar_target("nar/x.nar?y", "b", ORDER) == "/nar/~b/x.nar?y"
    assert nar_target("nar/~b/x", "a", ORDER) == "/nar/~a/~b/x"
    assert nar_target("https://else.where/x?y", "a", ORDER) == "/nar/~a/~/https/else.where/x?y"
    assert nar_target("https://else.where/../x", "a", ORDER) is None
    assert nar_target("https://else.where/x", "a", replace(ORDER, plain=frozenset("a"))) is None
    assert nar_target("../x", "a", ORDER) is None
    assert nar_target("nar/../x", "a", ORDER) is None
