"""Passwords and tokens for upstreams: sent to whom they are for, and shown to nobody."""

import base64
import json
import os
from pathlib import Path

import pytest

from passthru.errors import SpecError
from passthru.nginx.credentials import authorization, read_credentials
from passthru.spec import Spec, parse_spec
from tests.nginx.cache import Cache, upstream
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.fault import Fault
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, noise

SECRET = "hunter2;}$'\"\\ ü"
BASIC = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a credentials file with a user and a nasty password."""
    path = tmp_path / "credentials"
    path.write_text(f"me:{SECRET}\n")
    path.chmod(0o600)
    return path


def start(cache: StartCache, file: Path, origin: Origin, **more: object) -> Cache:
    """Start a cache of one upstream that wants credentials."""
    table = upstream(origin, "a", credentials_file=str(file), **more)
    spec = parse_spec(json.dumps({"upstreams": [table]}))
    return cache(table, machine={"credentials": read_credentials(spec)})


@pytest.mark.core
@pytest.mark.parametrize("path", [NARINFO, NAR])
def test_the_upstream_gets_them(path: str, cache: StartCache, file: Path, origin: Origin) -> None:
    """They are on every request to it, for every kind of file."""
    origin.files[path] = narinfo()
    one = start(cache, file, origin)

    assert one.get(path).status == 200
    assert [r.headers["authorization"] for r in origin.requests] == [BASIC]


def test_a_clients_own_do_not_take_their_place(
    cache: StartCache, file: Path, origin: Origin
) -> None:
    """A client's netrc is for this cache."""
    origin.files[NARINFO] = narinfo()
    start(cache, file, origin).get(NARINFO, headers=[("Authorization", "Basic eDp5")])

    assert [r.headers["authorization"] for r in origin.requests] == [BASIC]


@pytest.mark.core
def test_another_host_does_not_get_them(cache: StartCache, file: Path, origins: MakeOrigin) -> None:
    """A redirect to another host goes there without them; one to the upstream itself keeps them."""
    front, store = origins({"/own": noise(10)}), origins({"/blob": noise(10)})
    front.fail(
        Fault(NAR, status=302, headers=(("Location", f"{store.url}/blob"),)),
        Fault(NARINFO, status=302, headers=(("Location", "/own"),)),
    )
    one = start(cache, file, front, redirect_hosts=["127.0.0.1"])

    assert [one.get(NAR).status, one.get(NARINFO).status] == [200, 200]
    assert "authorization" not in store.requests[0].headers
    assert front.seen("/own")[0].headers["authorization"] == BASIC


def test_the_next_upstream_does_not_get_them(
    cache: StartCache, file: Path, origins: MakeOrigin
) -> None:
    """Each upstream has its own."""
    first, second = origins(), origins({NARINFO: narinfo()})
    tables = [upstream(first, "a", credentials_file=str(file)), upstream(second, "b")]
    spec = parse_spec(json.dumps({"upstreams": tables}))
    one = cache(*tables, machine={"credentials": read_credentials(spec)})

    assert one.get(NARINFO).upstream == "b"
    assert "authorization" in first.requests[0].headers
    assert "authorization" not in second.requests[0].headers


def test_they_are_in_one_file_only(cache: StartCache, file: Path, origin: Origin) -> None:
    """Neither the configuration, nor the page, nor a log, nor a repr shows them."""
    origin.fail(Fault(NARINFO, status=401))
    one = start(cache, file, origin)
    answer = one.get(NARINFO)
    encoded = BASIC.removeprefix("Basic ")
    one.stop()

    shown = [text for name, text in one.rendering.files.items() if name != "credentials.conf"]
    shown += [answer.line, one.error_log, Path(one.site.logs, "access.log").read_text()]
    shown += [repr(one.plan), repr(one.rendering)]
    assert encoded in one.rendering.files["credentials.conf"]
    assert [text for text in shown if encoded in text or "hunter2" in text] == []


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("me:pass", "Basic bWU6cGFzcw=="),
        ("me:pass\r\n", "Basic bWU6cGFzcw=="),
        ("me:pa:ss", "Basic bWU6cGE6c3M="),
        ("me:", "Basic bWU6"),
        ("eyJhbGciOi.J9-_~+/==\n", "Bearer eyJhbGciOi.J9-_~+/=="),
        ("Bearer abc", "Bearer abc"),
    ],
)
def test_what_a_file_may_hold(text: str, header: str) -> None:
    """A user with a password is Basic, all else is a token."""
    assert authorization(text) == header


@pytest.mark.parametrize("text", ["", "\n", "x y", "me:pass\nme:other", "tok\x00en", 'a"b', "a;b"])
def test_what_a_file_may_not_hold(text: str, tmp_path: Path) -> None:
    """Nothing that could end a header or a directive; and the error does not repeat it."""
    path = tmp_path / "c"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SpecError) as caught:
        read_credentials(_spec(path))

    assert str(caught.value).startswith("upstreams[0].credentials_file: ")
    assert not text.strip() or text.strip() not in str(caught.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o644, 0o666])
def test_a_file_that_others_can_read_is_refused(mode: int, file: Path) -> None:
    """And the message says what to type."""
    file.chmod(mode)
    with pytest.raises(SpecError, match="chmod 600"):
        read_credentials(_spec(file))


def test_files_that_are_none(tmp_path: Path) -> None:
    """A missing file, a directory, a pipe, too much, not text: a clear line for each, no hang."""
    missing, folder, pipe, large, binary = (tmp_path / n for n in "mdplb")
    folder.mkdir()
    os.mkfifo(pipe, 0o600)
    large.write_text("a" * 10_000)
    binary.write_bytes(b"\xff\xfe")
    for path in (large, binary):
        path.chmod(0o600)
    for path in (missing, folder, pipe, large, binary):
        with pytest.raises(SpecError) as caught:
            read_credentials(_spec(path))
        assert str(path) in str(caught.value)
        assert caught.value.problems[0].hint


def _spec(path: Path) -> Spec:
    return parse_spec(
        json.dumps({"upstreams": [{"url": "http://u", "credentials_file": str(path)}]})
    )
