"""What is right in a spec, and may not do what its writer thinks."""

import pytest

from passthru.spec import find_remarks, parse_spec

TLS = '[tls]\ncertificate = "/run/a"\ncertificate_key = "{key}"\n'


@pytest.mark.parametrize(
    ("text", "wheres"),
    [
        ("", []),
        ('mode = "tls"\n' + TLS.format(key="/run/b"), []),
        (TLS.format(key="/run/b"), ["tls"]),
        ('mode = "lan"\n[listen]\ntls_port = 443', ["listen.tls_port"]),
        ('mode = "tls"\n' + TLS.format(key="/nix/store/x/b"), ["tls.certificate_key"]),
        (
            '[[upstreams]]\nurl = "http://a.org"\nca_file = "/a"\ncredentials_file = "/nix/store/b"',
            [
                "upstreams[0].ca_file",
                "upstreams[0].credentials_file",
                "upstreams[0].credentials_file",
            ],
        ),
        (
            '[[upstreams]]\nurl = "https://a.org"\nca_file = "/a"\ncredentials_file = "/run/b"',
            [],
        ),
    ],
)
def test_remarks(text: str, wheres: list[str]) -> None:
    """What is unused, unencrypted or readable by everybody is said, with what to do."""
    remarks = find_remarks(parse_spec(text))
    assert [remark.where for remark in remarks] == wheres
    assert all(remark.hint for remark in remarks)
