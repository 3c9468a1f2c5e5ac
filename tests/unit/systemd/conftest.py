"""What the tests of the installation share."""

from collections.abc import Mapping

import pytest

from passthru.nginx.templates import template_dir
from passthru.systemd.layout import PACKAGE, Directories
from passthru.systemd.sidecar import SIDECARS
from passthru.systemd.units import render_files


@pytest.fixture(scope="session")
def packaged() -> Mapping[str, str]:
    """Return all that a package has, with all sidecars."""
    return render_files(
        PACKAGE,
        templates=template_dir(),
        program=("/bin/true",),
        sidecars=SIDECARS,
        directories=Directories(),
    )
