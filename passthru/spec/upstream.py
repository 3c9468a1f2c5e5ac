"""An upstream: a binary cache that this one pulls from."""

from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from passthru.spec.address import RedirectHost
from passthru.spec.duration import Duration, between
from passthru.spec.key import PublicKey
from passthru.spec.kind import Otherwise
from passthru.spec.name import UpstreamName, make_name
from passthru.spec.path import Path
from passthru.spec.table import ONCE, Table
from passthru.spec.url import OptionalProxyUrl, UpstreamUrl, Url, take_apart

DEFAULT_URL: Final = "https://cache.nixos.org"
DEFAULT_KEY: Final = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="


class Upstream(Table):
    """A binary cache to pull from."""

    url: UpstreamUrl = Field(
        description="Where the cache is: http:// or https://, and a path if it has one. "
        "A certificate is always verified.",
        examples=["https://cache.nixos.org", "https://attic.example.org/team"],
    )
    name: Annotated[UpstreamName, Otherwise("made from the host")] = Field(
        default="",
        description="What it is called in X-Cache-Upstream, on /status and in the cache on disk. "
        "Another name begins with an empty cache.",
        examples=["nixos"],
    )
    proxy: Annotated[OptionalProxyUrl, Otherwise("direct")] = Field(
        default=None,
        repr=False,
        description="The proxy to go through: http://, socks5:// or socks5h:// (the proxy looks up "
        "names), with user:password@ if it wants them, percent-encoded. Empty: none.",
        examples=["socks5h://127.0.0.1:1080"],
    )
    public_keys: Annotated[tuple[PublicKey, ...], ONCE] = Field(
        default=(),
        description="The keys it signs with. They are shown in the snippets for clients and used by "
        "checks; signatures pass through unchanged either way.",
        examples=[[DEFAULT_KEY]],
    )
    redirect_hosts: Annotated[tuple[RedirectHost, ...], ONCE] = Field(
        default=(),
        description="Other hosts that it may redirect to, and that its narinfos may lead to for "
        "NARs; with a port, at that port alone. Hosts not named here are not asked. Behind a proxy "
        "they are reached through it, and have to be whole names.",
        examples=[["*.r2.dev", "store.example.org:9000"]],
    )
    connect_timeout: Annotated[Duration, between(1, 3600)] = Field(
        default=5,
        description="How long to wait for a connection before the next upstream is asked.",
        examples=["5s"],
    )
    read_timeout: Annotated[Duration, between(1, 86400)] = Field(
        default=60,
        description="How long to wait for its next bytes.",
        examples=["60s"],
    )
    ca_file: Annotated[Path | None, Otherwise("the system's")] = Field(
        default=None,
        description="A PEM file of the certificate authorities that may vouch for it.",
        examples=["/etc/ssl/own-ca.pem"],
    )
    credentials_file: Annotated[Path | None, Otherwise("none")] = Field(
        default=None,
        description="A file with user:password or a bearer token in one line, sent to this "
        "upstream alone. Secrets are never in the spec itself.",
        examples=["/run/keys/upstream"],
    )

    @model_validator(mode="after")
    def _name_it(self) -> "Upstream":
        if "name" not in self.model_fields_set:
            object.__setattr__(self, "name", make_name(self.url))
        return self

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self._parts.scheme

    @property
    def host(self) -> str:
        """The host: a name, or an address without brackets."""
        return self._parts.host

    @property
    def port(self) -> int:
        """The port, the scheme's own when the URL has none."""
        return self._parts.port

    @property
    def path(self) -> str:
        """Empty, or the path from its first slash on, without a last one."""
        return self._parts.path

    @property
    def authority(self) -> str:
        """The value of a Host header: the host, in brackets if need be, and a port that is not the scheme's."""
        return self.url.removeprefix(f"{self.scheme}://").partition("/")[0]

    @property
    def _parts(self) -> Url:
        return take_apart(self.url)


def default_upstreams() -> tuple[Upstream, ...]:
    """Return the upstreams of a spec that names none."""
    fields: dict[str, Any] = {"url": DEFAULT_URL, "public_keys": (DEFAULT_KEY,)}
    return (Upstream(**fields),)
