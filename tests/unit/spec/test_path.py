"""Paths of files, directories and pages."""

import pytest

from passthru.spec.fault import BadValueError
from passthru.spec.path import check_directory, check_page, check_path, check_runtime


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/var/cache/passthru", "/var/cache/passthru"),
        ("/var/cache/passthru/", "/var/cache/passthru"),
        ("/data", "/data"),
        ("/srv/Köln", "/srv/Köln"),
        ("/a/..b/.c", "/a/..b/.c"),
    ],
)
def test_paths_lose_their_last_slash(path: str, normal: str) -> None:
    """A clean absolute path is accepted."""
    assert check_path(path) == normal


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("", "write the whole path, from / on"),
        ("cache", "write the whole path, from / on"),
        ("./cache", "write the whole path, from / on"),
        ("~/cache", "write the whole path, from / on, instead of ~"),
        ("/", "write a path below it"),
        ("//", "write a path below it"),
        ("/var//cache", 'write "/var/cache"'),
        ("/var/./cache", 'write "/var/cache"'),
        ("/var/../cache", "write the path that it leads to"),
        ("/my cache", "choose a path without one"),
        ("/my\u00a0cache", "choose a path without one"),
    ],
)
def test_other_paths_are_refused(path: str, hint: str) -> None:
    """A relative or unclean path is refused with the one to write."""
    with pytest.raises(BadValueError) as caught:
        check_path(path)
    assert caught.value.hint == hint


def test_long_names_are_refused() -> None:
    """No part of a path is longer than a file system allows."""
    assert check_path("/" + "a" * 255)
    with pytest.raises(BadValueError, match="255 bytes"):
        check_path("/" + "é" * 128)


@pytest.mark.parametrize("path", ["/etc", "/var/lib", "/home", "/nix/store", "/tmp"])  # noqa: S108
def test_directories_of_the_system_are_refused(path: str) -> None:
    """Passthru owns what is in its directories, and the system's are not its own."""
    with pytest.raises(BadValueError, match="not ours alone") as caught:
        check_directory(path)
    assert caught.value.hint
    assert f'"{path}/passthru"' in caught.value.hint


def test_runtime_directory_leaves_room_for_a_socket() -> None:
    """`nginx.sock` in the longest accepted directory has a path of at most 107 bytes."""
    longest = "/" + "a" * 95
    assert check_runtime(longest) == longest
    assert len(f"{longest}/nginx.sock") <= 107
    with pytest.raises(BadValueError, match="sockets"):
        check_runtime(f"{longest}a")


@pytest.mark.parametrize("path", ["/status", "/a/b-c_d~e", "/nar-status"])
def test_pages(path: str) -> None:
    """A page may be anywhere that nothing else is."""
    assert check_page(path) == path


@pytest.mark.parametrize(
    "path", ["", "/", "status", "/status/", "/a//b", "/../a", "/a.b", "/a b", "/a%20b", "/é"]
)
def test_unclean_pages_are_refused(path: str) -> None:
    """A dot would make room for H.narinfo and status.json."""
    with pytest.raises(BadValueError, match="not a clean path"):
        check_page(path)


@pytest.mark.parametrize(
    "path",
    [
        "/nar",
        "/nar/x",
        "/log/x",
        "/health",
        "/metrics",
        "/-/nginx",
        "/nix-cache-info",
        "/realisations/a",
        "/build-trace-v2/a",
        "/debuginfo/a",
    ],
)
def test_pages_stay_out_of_the_path_grammar(path: str) -> None:
    """No page hides what clients ask for."""
    with pytest.raises(BadValueError, match="nix and probes"):
        check_page(path)
