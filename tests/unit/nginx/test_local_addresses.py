"""Where mode "local" listens when the environment says where this machine's host is."""

from dataclasses import replace

import pytest

from passthru.errors import PassthruError
from passthru.nginx.listening import make_listens
from passthru.nginx.site import Site
from passthru.nginx.status import plan_status
from passthru.nginx.survey import look_at_machine
from passthru.spec import parse_spec

SILENT = ""
LAN = 'mode = "lan"'
NAMED = '[listen]\naddresses = ["127.0.0.5"]'


@pytest.mark.parametrize(
    ("environment", "spec", "expected"),
    [
        ({}, SILENT, ["127.0.0.1:8080", "[::1]:8080"]),
        ({"PASSTHRU_LISTEN": ""}, SILENT, ["127.0.0.1:8080", "[::1]:8080"]),
        ({"PASSTHRU_LISTEN": "*"}, SILENT, ["*:8080", "[::]:8080"]),
        ({"PASSTHRU_LISTEN": "10.0.0.1 ::1"}, SILENT, ["10.0.0.1:8080", "[::1]:8080"]),
        ({"PASSTHRU_LISTEN": "10.0.0.1"}, LAN, ["*:80", "[::]:80"]),
        ({"PASSTHRU_LISTEN": "*"}, NAMED, ["127.0.0.5:8080"]),
    ],
)
def test_silent_spec_listens_where_the_environment_says(
    environment: dict[str, str], spec: str, expected: list[str]
) -> None:
    """Only mode "local" without addresses of its own is moved, as a container needs it."""
    home = {"HOME": "/nonexistent"}
    machine = replace(look_at_machine(environment=home | environment), ipv6=True)
    listens, _ = make_listens(parse_spec(spec), machine)

    assert [listen.address for listen in listens] == expected


def test_what_is_no_address_is_refused() -> None:
    """A typing error does not let it listen elsewhere than meant."""
    with pytest.raises(PassthruError, match="PASSTHRU_LISTEN names localhost"):
        look_at_machine(environment={"HOME": "/nonexistent", "PASSTHRU_LISTEN": "localhost"})


@pytest.mark.parametrize(
    ("local_addresses", "spec", "is_shown"),
    [
        (("127.0.0.1", "::1"), SILENT, False),
        (("*",), SILENT, True),
        (("*",), NAMED, True),
        (("*",), '[status]\nallow = ["127.0.0.1"]', False),
    ],
)
def test_status_page_is_for_the_containers_host(
    local_addresses: tuple[str, ...], spec: str, *, is_shown: bool
) -> None:
    """Where mode "local" listens to others, they may see the page, unless the spec says who."""
    site = Site("/s", "/r", "/c")
    found = plan_status(parse_spec(spec), site, local_addresses=local_addresses)

    assert ("172.16.0.0/12" in found.allow) is is_shown
