"""The fault of nginx's slice module that keeps us from using it (docs/decisions, "No slices")."""

import pytest

from tests.nginx.conftest import StartCache
from tests.nginx.fault import Fault
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, noise

MIB = 1024 * 1024
BODY = noise(5 * MIB)


@pytest.mark.core
def test_a_cut_slice_leaves_a_hole(cache: StartCache, origin: Origin) -> None:
    """A slice that is cut short is followed by the next one: when this fails, decide anew."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, times=1), Fault(NAR, times=1, cut=MIB))
    one = cache(origin, start=False)
    one.swaps = {
        "proxy_force_ranges on;": r"\g<0> slice 2m; proxy_set_header Range $slice_range;",
        r'"a\$request_uri"': '"a$request_uri$slice_range"',
        "valid 200 365d": "valid 200 206 365d",
    }
    one.start()

    reply = one.get(NAR)

    assert not reply.whole
    assert reply.body == BODY[: 3 * MIB] + BODY[4 * MIB :]


def test_a_cut_whole_fill_leaves_none(cache: StartCache, origin: Origin) -> None:
    """Filled whole, a NAR that is cut ends there, and what is resumed fits."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, times=1, cut=3 * MIB))
    one = cache(origin)

    broken = one.get(NAR)
    rest = one.get(NAR, headers=[("Range", f"bytes={len(broken.body)}-")])

    assert not broken.whole
    assert rest.status == 206
    assert broken.body + rest.body == BODY
