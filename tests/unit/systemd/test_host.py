"""On which machines passthru installs itself, and what it says on the others."""

from dataclasses import replace
from pathlib import Path

import pytest

from passthru.errors import PassthruError
from passthru.systemd.host import Host, check_host, check_reach, look_at_host

DEBIAN = Host(
    root=Path("/"),
    distribution="debian",
    like=(),
    is_booted=True,
    is_ours=True,
    has_selinux=False,
)


@pytest.mark.parametrize(
    ("release", "is_known"),
    [
        ("ID=debian\n", True),
        ('ID=ubuntu\nID_LIKE="debian"\n', True),
        ("ID=fedora\nVERSION_ID=43\n", True),
        ("ID=arch\n", True),
        ('ID="linuxmint"\nID_LIKE="ubuntu debian"\n', True),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', True),
        ("ID=alpine\n", False),
        ("ID=nixos\n", False),
    ],
)
def test_distribution_is_known_by_itself_or_by_what_it_is_like(
    tmp_path: Path, release: str, *, is_known: bool
) -> None:
    """What os-release says decides, quoted or not."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(release, encoding="utf-8")

    assert look_at_host(tmp_path).is_known is is_known


@pytest.mark.parametrize(
    ("host", "message", "hint"),
    [
        (replace(DEBIAN, distribution="nixos"), "NixOS takes", "nixos/README"),
        (replace(DEBIAN, distribution="alpine"), "do not know 'alpine'", "passthru up"),
        (replace(DEBIAN, distribution=""), "without /etc/os-release", "--root DIR"),
        (replace(DEBIAN, is_booted=False), "systemd does not run", "passthru up"),
        (replace(DEBIAN, is_ours=False), "may not write to /", "sudo passthru install"),
    ],
)
def test_other_machines_are_told_in_a_line(host: Host, message: str, hint: str) -> None:
    """Each says what is missing, and what to do instead."""
    with pytest.raises(PassthruError) as refused:
        check_host(host, dry_run=False)

    assert message in refused.value.message
    assert "\n" not in refused.value.message
    assert hint in (refused.value.hint or "")


def test_dry_run_needs_no_rights() -> None:
    """Whoever may not install may see what it would do."""
    check_host(replace(DEBIAN, is_ours=False), dry_run=True)


@pytest.mark.parametrize("path", ["/home/me/passthru/.venv/bin/passthru", "/root/x", "/tmp/x"])  # noqa: S108 - not used
def test_program_that_units_do_not_see_is_refused(path: str) -> None:
    """ProtectHome= hides where people unpack things: better said before than by a failed start."""
    with pytest.raises(PassthruError, match="the units do not see"):
        check_reach(("/usr/bin", path))


def test_program_behind_a_closed_directory_is_refused() -> None:
    """A directory that only its owner may enter is named."""
    closed = Path("/proc/1/fd")  # mode 0500, wherever there is a /proc
    with pytest.raises(PassthruError, match=f"{closed} is closed to others"):
        check_reach((str(closed / "passthru"),))
