"""Looking at the machine."""

import os

import pytest

from passthru.nginx.survey import look_at_machine


def test_a_user_that_no_file_tells_of_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd's DynamicUser= has no entry and no home: the spec then says where things are."""
    monkeypatch.setattr(os, "geteuid", lambda: 61417)

    assert look_at_machine(environment={}).state_directory.startswith("/nonexistent/")
