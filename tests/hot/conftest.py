"""Fixtures of the behaviour tests, for hot narinfos."""

from tests.faults.conftest import folder
from tests.nginx.conftest import cache, nginx, origin, origins, pytest_generate_tests

__all__ = ["cache", "folder", "nginx", "origin", "origins", "pytest_generate_tests"]
