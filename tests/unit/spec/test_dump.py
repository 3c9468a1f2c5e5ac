"""A spec as text that reads back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.spec import Spec, parse_spec, spec_to_json

UPSTREAMS = st.lists(
    st.fixed_dictionaries(
        {"url": st.integers(0, 10**6).map("https://a{}.org/x".format)},
        optional={
            "proxy": st.just("http://user:p%40ss@proxy:1") | st.just(""),
            "read_timeout": st.integers(1, 86400) | st.just("1m30s"),
            "redirect_hosts": st.lists(st.sampled_from(["*.r2.dev", "b.org"])),
        },
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda upstream: str(upstream["url"]),
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["local", "lan"]),
        "host_name": st.sampled_from(["A.org", "b"]),
        "upstreams": UPSTREAMS,
        "cache": st.fixed_dictionaries({}, optional={"size": st.integers(1 << 26, 1 << 60)}),
        "mdns": st.fixed_dictionaries({}, optional={"name": st.sampled_from(["Büro %h", "x"])}),
        "status": st.fixed_dictionaries({}, optional={"allow": st.just(["10.0.0.0/8"])}),
        "listen": st.fixed_dictionaries({}, optional={"addresses": st.just(["[::1]", "*"])}),
    },
)


@settings(deadline=None)
@given(SPECS)
def test_specs_read_back(data: dict[str, object]) -> None:
    """What is dumped is read as the same spec, and dumped as the same text."""
    spec = parse_spec(json.dumps(data))
    text = spec_to_json(spec)
    assert parse_spec(text) == spec
    assert spec_to_json(parse_spec(text)) == text


@pytest.mark.parametrize(
    "text", ["", 'mode = "tls"\n[tls]\ncertificate = "/a"\ncertificate_key = "/b"']
)
def test_everything_is_said(text: str) -> None:
    """The dump does not depend on the defaults of another version."""
    data = json.loads(spec_to_json(parse_spec(text)))
    assert data["cache"]["size"] == 200 << 30
    assert data["upstreams"][0]["name"] == "nixos"
    assert data.keys() <= Spec.model_fields.keys()
    assert spec_to_json(parse_spec(text)).endswith("}\n")
