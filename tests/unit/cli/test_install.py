"""`passthru install`: into a tree of files, and its refusals."""

import os
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.command import invoke, run

NEEDED = ("systemctl", "systemd-sysusers", "systemd-tmpfiles", "userdel")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make the least of a system that does not run."""
    if os.geteuid() != 0 or not all(map(shutil.which, NEEDED)):
        pytest.skip(f"needs root and {', '.join(NEEDED)}")
    for name in ("etc", "usr/lib", "var/log", "var/lib", "var/cache", "run"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("ID=fedora\n", encoding="utf-8")
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n", encoding="utf-8")
    (tmp_path / "etc/group").write_text("root:x:0:\n", encoding="utf-8")
    return tmp_path


def names(tree: Path) -> set[str]:
    """Return all files and links, but for what the tools of users leave."""
    spare = {"etc/.pwd.lock", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid"}
    found = {
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.is_symlink() or path.is_file()
    }
    return {name for name in found - spare if not name.endswith("-")}


def test_into_a_tree_and_out_again(tree: Path) -> None:
    """User, directories, spec and units are there, enabled, by systemd's own tools; then gone."""
    before = names(tree)
    planned = invoke("install", "--root", str(tree), "--dry-run")
    assert names(tree) == before

    done = invoke("install", "--root", str(tree))
    unit = tree / "etc/systemd/system/passthru.service"
    wants = tree / "etc/systemd/system/multi-user.target.wants/passthru.service"
    assert done == planned
    assert "User=passthru" in unit.read_text(encoding="utf-8")
    assert wants.is_symlink()
    assert "passthru:x:" in (tree / "etc/passwd").read_text(encoding="utf-8")
    assert (tree / "etc/passthru/passthru.toml").read_text().startswith("# The spec of a passthru")
    assert (tree / "var/lib/passthru").stat().st_uid != 0

    invoke("install", "--root", str(tree), "--uninstall")
    assert not unit.exists()
    assert (tree / "etc/passthru/passthru.toml").exists()
    invoke("install", "--root", str(tree), "--uninstall", "--purge")
    assert names(tree) == before
    assert "passthru" not in (tree / "etc/passwd").read_text(encoding="utf-8")


def test_spec_is_kept_and_replaced_when_asked(tree: Path, tmp_path: Path) -> None:
    """A spec that is there stays; one that is named takes its place."""
    place = tree / "etc/passthru/passthru.toml"
    place.parent.mkdir()
    place.write_text('mode = "lan"\n', encoding="utf-8")
    invoke("install", "--root", str(tree))
    assert place.read_text(encoding="utf-8") == 'mode = "lan"\n'

    given = tmp_path / "mine.toml"
    given.write_text("[listen]\nport = 8081\n", encoding="utf-8")
    invoke("install", str(given), "--root", str(tree))
    assert place.read_text(encoding="utf-8") == given.read_text(encoding="utf-8")


def test_wrong_spec_is_told_before_anything_is_done(tree: Path, tmp_path: Path) -> None:
    """A wrong line ends it with 78, and nothing has been written."""
    before = names(tree)
    given = tree / "wrong.toml"
    given.write_text("mod = 1\n", encoding="utf-8")
    done = run("install", str(given), "--root", str(tree), cwd=tmp_path)

    assert (done.code, done.out) == (78, "")
    assert "mod" in done.err
    assert names(tree) == before | {"wrong.toml"}


def test_package_has_no_links_and_runs_nothing(tmp_path: Path) -> None:
    """What a package has is files alone, where a package has them."""
    invoke("install", "--for-package", "--root", str(tmp_path))

    assert {name.split("/")[0] for name in names(tmp_path)} == {"etc", "usr"}
    assert "etc/passthru/passthru.toml" in names(tmp_path)
    unit = tmp_path / "usr/lib/systemd/system/passthru.service"
    assert "ExecStart=/usr/bin/passthru up " in unit.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--purge"], "--purge needs --uninstall"),
        (["--for-package"], "--for-package needs --root"),
        (["--uninstall", "x.toml"], "takes neither SPEC"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, words: list[str], message: str) -> None:
    """What cannot be meant is a fault of the command line."""
    done = run("install", *words, cwd=tmp_path)

    assert done.code == 2
    assert message in done.err
