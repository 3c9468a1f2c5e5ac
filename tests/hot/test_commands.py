"""`passthru explain` and `passthru purge` of a narinfo that is served as a plain file."""

import json
import time
from pathlib import Path

from passthru.cache.copies import SEEN, copies_of
from tests.hot.shelved import promote
from tests.nginx.commands import spec_file, type_in
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import HASH, NARINFO, narinfo, narinfo_path
from tests.nginx.stored import entries


def test_a_hot_narinfo_is_explained_and_purged(cache: StartCache, origin: Origin) -> None:
    """It is told of; after a purge the next request is a MISS, whether or not the cache had it."""
    origin.files = {NARINFO: narinfo(note="old"), narinfo_path(1): narinfo()}
    one = cache(origin)
    promote(one, "a", NARINFO, narinfo_path(1))
    for entry in entries(one, narinfo_path(1)):
        entry.path.unlink()
    time.sleep(SEEN)
    assert [one.get(target).cache_status for target in origin.files] == ["HIT", "HIT"]
    origin.files = {NARINFO: narinfo(note="new")}
    [copy] = copies_of(one.site.hot, NARINFO)
    spec = str(spec_file(one))

    told = type_in("explain", HASH, spec)
    record = json.loads(type_in("explain", HASH, spec, "--json").out)
    shown = type_in("purge", HASH, "--spec", spec, "--dry-run")
    again = one.get(NARINFO)
    purged = type_in("purge", f"{HASH}.ls", narinfo_path(1), "--spec", spec, "--yes", "--json")
    replies = [one.get(target) for target in (NARINFO, narinfo_path(1))]
    nothing = type_in("purge", narinfo_path(1), "--spec", spec, "--yes")

    assert f"  hot:  {copy}\n" in told.out
    assert "HIT from that copy" in told.out
    assert record["paths"][0]["copies"] == [copy]
    assert copy in shown.out
    assert "would remove 2 files" in shown.err
    assert again.body == narinfo(note="old")
    removed = json.loads(purged.out)
    assert (len(removed["removed"]), len(removed["copies"])) == (1, 2)
    assert not Path(copy).exists()
    assert [(reply.status, reply.cache_status) for reply in replies] == [
        (200, "MISS"),
        (404, "MISS"),
    ]
    assert replies[0].body == narinfo(note="new")
    assert "nothing of it is stored" in nothing.err
