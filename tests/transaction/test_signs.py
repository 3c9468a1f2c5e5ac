"""What runs beside nginx, and the signs of life that it gives."""

import os
import sys
from dataclasses import replace

from passthru.cli.exporter import exporter_child
from passthru.cli.fills import fills_child
from passthru.cli.hot import hot_child
from passthru.cli.mdns import mdns_child
from passthru.cli.ourselves import ourselves
from passthru.cli.tunnel import tunnel_child
from passthru.nginx.children import start, stop_all
from passthru.nginx.directories import prepare_directories
from passthru.nginx.pulse import SILENCE
from passthru.nginx.site import Site
from tests.waiting import eventually

CHILDREN = (tunnel_child, fills_child, hot_child, exporter_child, mdns_child)


def test_every_sidecar_gives_signs_of_life(site: Site) -> None:
    """Also one that has nothing to do yet: without them, one that hangs would hang for ever."""
    prepare_directories(site)
    program = (sys.executable, "-m", "passthru")
    children = [make(site) for make in CHILDREN]
    assert {child.patience for child in children} == {SILENCE}
    words = [child.argv[len(ourselves()) :] for child in children]
    running = [
        start(replace(child, argv=(*program, *rest)), keep_open=sys.stderr.fileno())
        for child, rest in zip(children, words, strict=True)
    ]
    try:
        waiting = list(running)

        def all_are_heard() -> bool:
            for one in tuple(waiting):
                assert one.pulse is not None
                if one.pulse._hears():
                    waiting.remove(one)
            return not waiting

        assert eventually(all_are_heard, seconds=20), [one.child.name for one in waiting]
        assert [one.ended() for one in running] == [None] * len(running)
    finally:
        stop_all(running, grace=2)
    assert not os.path.lexists(site.fills)
