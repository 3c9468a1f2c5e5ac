"""Nginx's words, and the answers of its /health, as values."""

import os
from pathlib import Path

import pytest

from passthru.errors import ListenError, NginxError
from passthru.nginx.errorlog import complaints, complaints_since, mark_end
from passthru.nginx.health import Health, parse_health
from passthru.nginx.process import (
    clean_environment,
    find_nginx,
    listen_error,
    read_capabilities,
)


def test_complaints_of_a_log() -> None:
    """Levels and words are kept; times, processes, repeats and lesser levels are not."""
    text = (
        "2026/01/31 12:00:00 [notice] 7#7: signal process started\n"
        "2026/01/31 12:00:00 [emerg] 7#7: bind() to 0.0.0.0:80 failed\n"
        "2026/01/31 12:00:01 [emerg] 7#7: bind() to 0.0.0.0:80 failed\n"
        "2026/01/31 12:00:01 [alert] 8#8: *3 aborted\n"
        "broken line"
    )

    assert complaints(text) == ("[emerg] bind() to 0.0.0.0:80 failed", "[alert] aborted")


def test_complaints_on_stderr() -> None:
    """What nginx prints before it has a log reads the same."""
    assert complaints('nginx: [emerg] no "events" section\nnginx: configuration file failed') == (
        '[emerg] no "events" section',
    )


def test_errors_of_requests_give_way() -> None:
    """An upstream that times out is not why a reload failed, unless there is no other reason."""
    request = "2026/01/31 12:00:00 [error] 7#7: *1 upstream timed out\n"

    assert complaints(request) == ("[error] upstream timed out",)
    assert complaints(request + "2026/01/31 12:00:00 [crit] 7#7: no space\n") == (
        "[crit] no space",
    )


def test_complaints_are_few_and_short() -> None:
    """A log gone wild does not flood a terminal."""
    text = "".join(f"a b [emerg] 1#1: {n} {'x' * 9999}\n" for n in range(99))

    assert len(complaints(text)) == 20
    assert max(map(len, complaints(text))) == 500


def test_only_what_is_new_counts(tmp_path: Path) -> None:
    """Lines before the mark are old, and a log begun anew is new from its start."""
    log = tmp_path / "error.log"
    assert complaints_since(str(log), mark_end(str(log))) == ()
    log.write_text("a b [emerg] 1#1: old\n")
    mark = mark_end(str(log))
    with log.open("a") as more:
        more.write("a b [emerg] 1#1: new\n")
    assert complaints_since(str(log), mark) == ("[emerg] new",)

    log.rename(tmp_path / "error.log.1")
    log.write_text("a b [emerg] 1#1: newest\n")
    assert complaints_since(str(log), mark) == ("[emerg] newest",)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Clients choose what stands in a log: it is never a reason to fail."""
    log = tmp_path / "error.log"
    log.write_bytes(b"a b [emerg] 1#1: \xff\n")

    assert complaints_since(str(log), mark_end("/nonexistent")) == ("[emerg] \ufffd",)


def test_health() -> None:
    """The answer of an instance, as a value."""
    body = b'{"status":"ok","cache":"passthru","version":"1.2","generation":"3f9c"}'

    assert parse_health(body) == Health("ok", "passthru", "1.2", "3f9c")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'"passthru"',
        b'{"cache":"x","generation":"a"}',
        b'{"cache":"passthru"}',
    ],
)
def test_health_of_somebody_else(body: bytes) -> None:
    """Another server's answer is no answer."""
    with pytest.raises(NginxError):
        parse_health(body)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "[emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
            "cannot listen on 0.0.0.0:80: permission denied",
            "below 1024",
        ),
        (
            "[emerg] bind() to [::]:80 failed (98: Address already in use)",
            "cannot listen on [::]:80: address already in use",
            "listen.port",
        ),
        (
            "[emerg] bind() to 192.0.2.1:80 failed (99: Cannot assign requested address)",
            "cannot listen on 192.0.2.1:80: cannot assign requested address",
            "listen.addresses",
        ),
    ],
)
def test_addresses_that_cannot_be_had(line: str, message: str, hint: str) -> None:
    """The address is named, and what to change."""
    error = listen_error(("[warn] x", line))

    assert isinstance(error, ListenError)
    assert error.message == message
    assert hint in str(error.hint)


def test_other_lines_are_no_listening() -> None:
    """Only bind() is about addresses."""
    assert listen_error(('[emerg] unknown directive "bind"',)) is None


class TestBinary:
    """Which nginx is run."""

    def test_it_is_chosen(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """PASSTHRU_NGINX wins over PATH, and is not silently replaced."""
        chosen = tmp_path / "nginx"
        monkeypatch.setenv("PASSTHRU_NGINX", str(chosen))
        with pytest.raises(NginxError, match="not a program"):
            find_nginx()

        chosen.write_text("#!/bin/sh\n")
        chosen.chmod(0o755)
        assert find_nginx() == str(chosen)

    def test_it_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The hint says how to get one."""
        monkeypatch.delenv("PASSTHRU_NGINX", raising=False)
        monkeypatch.setattr("passthru.nginx.process._PLACES", ())
        monkeypatch.setenv("PATH", "/nonexistent")

        with pytest.raises(NginxError, match="not installed") as caught:
            find_nginx()
        assert "install" in str(caught.value.hint)

    def test_it_is_outside_of_path(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Users without root have no /usr/sbin in PATH, where Debian puts it."""
        monkeypatch.delenv("PASSTHRU_NGINX", raising=False)
        monkeypatch.setenv("PATH", "/nonexistent")
        if not os.access("/usr/sbin/nginx", os.X_OK):
            pytest.skip("nginx is elsewhere here")

        assert find_nginx() == "/usr/sbin/nginx"

    def test_it_says_what_it_can(self, nginx: str) -> None:
        """The real binary is understood."""
        assert read_capabilities(nginx).version.count(".") == 2

    def test_it_is_no_program(self, tmp_path: Path) -> None:
        """A file that cannot be run is named."""
        broken = tmp_path / "nginx"
        broken.write_bytes(b"\x7fELF")
        broken.chmod(0o755)

        with pytest.raises(NginxError, match=f"cannot run `{broken} -V`"):
            read_capabilities(str(broken))

    def test_it_inherits_no_sockets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """NGINX in the environment names sockets to take over: it must not reach nginx."""
        monkeypatch.setenv("NGINX", "3;")
        monkeypatch.setenv("LANG", "C.UTF-8")

        assert "NGINX" not in clean_environment()
        assert clean_environment()["LANG"] == "C.UTF-8"
