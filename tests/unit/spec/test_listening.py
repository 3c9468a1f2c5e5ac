"""Where a spec makes the cache listen."""

import pytest

from passthru.spec import Listening, find_listening, parse_spec

TLS = 'mode = "tls"\n[tls]\ncertificate = "/run/a"\ncertificate_key = "/run/b"\n'


@pytest.mark.parametrize(
    ("text", "listening"),
    [
        ("", Listening(("127.0.0.1", "::1"), 8080, None)),
        ('mode = "lan"', Listening(("*",), 80, None)),
        (TLS, Listening(("*",), 80, 443)),
        (
            f'{TLS}[listen]\naddresses = ["::1"]\nport = 81\ntls_port = 444',
            Listening(("::1",), 81, 444),
        ),
        ("[listen]\nport = 81\ntls_port = 444", Listening(("127.0.0.1", "::1"), 81, None)),
    ],
)
def test_the_mode_gives_what_the_spec_leaves_out(text: str, listening: Listening) -> None:
    """Each mode has its addresses and ports, and TLS is spoken in one of them alone."""
    assert find_listening(parse_spec(text)) == listening


def test_only_loopback_is_local() -> None:
    """A cache is local when no other machine can reach it."""
    assert Listening(("127.0.0.1", "::1"), 1, None).is_local
    assert not Listening(("127.0.0.1", "*"), 1, None).is_local
    assert not Listening(("0.0.0.0",), 1, None).is_local
