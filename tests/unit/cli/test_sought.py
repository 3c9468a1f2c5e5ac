"""What somebody means by what they typed."""

from hypothesis import given
from hypothesis import strategies as st

from passthru.cli.sought import find_target, hash_in
from passthru.errors import FormatError
from passthru.nginx.turn import area_of
from tests.nginx.samples import HASH

WORDS = st.sampled_from(
    (
        "/",
        "nar",
        "log",
        ".narinfo",
        ".ls",
        HASH,
        "-x",
        "http://",
        "cache.test",
        "?",
        "%2e",
        "..",
        "~a",
    )
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=8).map("".join)))
def test_it_is_a_path_of_a_cache_or_an_error(text: str) -> None:
    """Whatever is typed becomes a path that is stored somewhere, or one error."""
    bases = ("http://cache.test", "http://cache.test/team")
    try:
        target, fault = find_target(text, bases=bases), ""
    except FormatError as error:
        target, fault = f"/{HASH}.narinfo", error.message

    assert target.startswith("/")
    assert area_of(target) is not None
    assert fault.isprintable()


def test_longest_base_is_taken_off() -> None:
    """An upstream below another's URL is no path of that other."""
    bases = ("http://cache.test", "http://cache.test/team")

    assert find_target(f"http://cache.test/team/{HASH}.narinfo", bases=bases) == f"/{HASH}.narinfo"
    assert find_target(f"http://cache.test/{HASH}.narinfo", bases=bases) == f"/{HASH}.narinfo"


def test_store_of_another_name() -> None:
    """A store directory of the spec's is as good as the usual one."""
    path = f"/gnu/store/{HASH}-hello"

    assert find_target(path, store_dir="/gnu/store") == f"/{HASH}.narinfo"
    assert find_target(f"/nix/store/{HASH}-hello", store_dir="/gnu/store") == f"/{HASH}.narinfo"


def test_hash_of_a_path() -> None:
    """Narinfos and listings have one, NARs and logs have none."""
    assert hash_in(f"/{HASH}.narinfo") == hash_in(f"/{HASH}.ls.xz") == HASH
    assert hash_in(f"/nar/{HASH}.nar") is None
    assert hash_in(f"/log/{HASH}-x.drv") is None
