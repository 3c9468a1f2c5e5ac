"""Where an instance keeps what it has, from its spec alone: neither nginx nor a network is needed."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from passthru.cli.instance import read_spec
from passthru.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from passthru.nginx.site import Site
    from passthru.nginx.turn import Order
    from passthru.nginx.zones import Zones
    from passthru.spec import Spec


@dataclass(frozen=True, slots=True)
class Kept:
    """The cache of one instance."""

    spec: Spec
    site: Site
    zones: Zones
    address: str
    order: Order

    def target_of(self, text: str) -> str:
        """Return the path by which clients ask for `text`; raises UsageError."""
        from passthru.cli.sought import find_target

        bases = (self.address, *(upstream.url for upstream in self.spec.upstreams))
        try:
            return find_target(text, store_dir=self.spec.nix_cache_info.store_dir, bases=bases)
        except FormatError as error:
            raise click.UsageError(error.message, click.get_current_context(silent=True)) from error


def find_kept(given: Path | None) -> Kept:
    """Read the spec, and look at this machine; raises SpecError and RenderError."""
    from passthru.cache.nar_url import PLAIN_HOST
    from passthru.nginx.lan import plan_lan
    from passthru.nginx.listening import address_of
    from passthru.nginx.plan import site_of
    from passthru.nginx.survey import look_at_machine
    from passthru.nginx.turn import Order
    from passthru.nginx.zones import make_zones

    _source, spec = read_spec(given)
    machine = look_at_machine()
    site = site_of(spec, machine)
    zones = make_zones(site.cache, spec.cache.size)
    following = plan_lan(spec, machine, site).follow
    names = tuple(upstream.name for upstream in spec.upstreams)
    plain = frozenset(upstream.name for upstream in spec.upstreams if upstream.host == PLAIN_HOST)
    order = Order(names, None if following is None else following.key, plain)
    return Kept(spec, site, zones, address_of(spec, machine), order)
