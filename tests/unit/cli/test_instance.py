"""Which spec is taken."""

from pathlib import Path

import pytest

from passthru.cli.instance import describe_source, find_spec
from passthru.errors import PassthruError

PLACES = (
    "named.toml",
    "here/passthru.toml",
    "config/passthru/passthru.toml",
    "etc/passthru/passthru.toml",
)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """Make a spec in every place."""
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    return tmp_path


def find(root: Path, *, given: Path | None = None, named: bool = False) -> Path | None:
    """Search as in a world whose root is `root`."""
    environment = {"XDG_CONFIG_HOME": str(root / "config"), "HOME": "/nonexistent"}
    if named:
        environment["PASSTHRU_SPEC"] = str(root / "named.toml")
    return find_spec(given, environment=environment, here=root / "here", etc=root / "etc")


def test_places_are_searched_in_order(places: Path) -> None:
    """The environment first, then here, then the user's, then the machine's; then none."""
    assert find(places, named=True) == places / PLACES[0]
    for place in PLACES[1:]:
        assert find(places) == places / place
        (places / place).unlink()

    assert find(places) is None


def test_what_is_named_is_taken_even_if_it_is_missing(places: Path) -> None:
    """A typing error must not lead to another spec."""
    missing = places / "missing.toml"

    assert find(places, given=missing, named=True) == missing


def test_home_stands_in_for_xdg(tmp_path: Path) -> None:
    """Without XDG_CONFIG_HOME it is ~/.config."""
    spec = tmp_path / ".config/passthru/passthru.toml"
    spec.parent.mkdir(parents=True)
    spec.touch()

    found = find_spec(None, environment={"HOME": str(tmp_path)}, here=tmp_path, etc=tmp_path / "x")

    assert found == spec


def test_the_source_is_named() -> None:
    """A person sees which file was read, or that there was none."""
    assert describe_source(Path("a.toml")) == "spec a.toml"
    assert "defaults" in describe_source(None)


def test_a_working_directory_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not just "no such file", of which nobody knows what file."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(PassthruError, match="working directory has been removed"):
        find_spec(None, environment={})
