"""Whose turn it is at a request, and under which key."""

import pytest

from passthru.nginx.turn import Area, Turn, area_of, nar_target, turns_of
from tests.nginx.samples import DRV, HASH, NAR, NARINFO

NAMES = ("a", "b")


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
    assert turns_of(NARINFO, NAMES) == (Turn("a", f"a{NARINFO}"), Turn("b", f"b{NARINFO}"))
    assert turns_of("/nar/x?y=1", NAMES) == (Turn("a", "a/nar/x?y=1"), Turn("b", "b/nar/x?y=1"))


def test_named_nar_is_one_upstreams() -> None:
    """A NAR with an upstream's name is kept as that upstream knows it, and asked of no other."""
    assert turns_of("/nar/~b/x.nar?y", NAMES) == (Turn("b", "b/nar/x.nar?y"),)


def test_metadata_key_is_decoded() -> None:
    """The key of metadata is made of $uri, in which nothing is encoded."""
    assert (
        turns_of("/realisations/sha256%3aab%21out", ("a",))[0].key == "a/realisations/sha256:ab!out"
    )


def test_where_clients_ask_for_a_nar() -> None:
    """Only the narinfos of the first upstream are handed out as they came."""
    assert nar_target("nar/x.nar", "a", NAMES) == "/nar/x.nar"
    assert nar_target("nar/x.nar?y", "b", NAMES) == "/nar/~b/x.nar?y"
    assert nar_target("http://else.where/x", "a", NAMES) is None
    assert nar_target("../x", "a", NAMES) is None
    assert nar_target("nar/../x", "a", NAMES) is None
