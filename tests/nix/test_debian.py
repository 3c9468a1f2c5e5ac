"""Which Debian mirror the tests take their clients from."""

from pathlib import Path

import pytest

from tests.debian import KEYRING, Mirror, UnavailableError, find_mirror

DEB822 = """\
# the main archive
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/archive.gpg

Types: deb
URIs: http://security.test/debian-security
Suites: bookworm-security
Components: main
"""


def _write(sources: Path, name: str, text: str) -> None:
    path = sources / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_mirror_of_a_deb822_file(tmp_path: Path) -> None:
    """The stanza that serves the machine's own release is taken, with its keyring."""
    _write(tmp_path, "sources.list.d/debian.sources", DEB822)

    found = find_mirror(tmp_path, codename="bookworm")

    assert found == Mirror(uri="http://mirror.test/debian", keyring="/keys/archive.gpg")


@pytest.mark.parametrize(
    ("line", "keyring"),
    [
        ("deb http://mirror.test/debian bookworm main", KEYRING),
        ("deb [arch=amd64 signed-by=/keys/a.gpg] http://mirror.test/debian bookworm main", "/keys/a.gpg"),
    ],
)  # fmt: skip
def test_the_mirror_of_a_one_line_file(tmp_path: Path, line: str, keyring: str) -> None:
    """The older format is read too, past comments, sources and other people's archives."""
    others = "# deb http://off.test/ bookworm main\ndeb-src http://src.test/ bookworm main\n"
    _write(tmp_path, "sources.list", others + line + "\n")
    _write(tmp_path, "sources.list.d/other.list", "deb http://vendor.test/ vendor main\n")

    found = find_mirror(tmp_path, codename="bookworm")

    assert found == Mirror(uri="http://mirror.test/debian", keyring=keyring)


def test_no_mirror_of_another_distribution(tmp_path: Path) -> None:
    """On a machine that is not Debian there is nothing to download from."""
    _write(tmp_path, "sources.list.d/debian.sources", DEB822)

    with pytest.raises(UnavailableError, match="no mirror"):
        find_mirror(tmp_path, codename="")
