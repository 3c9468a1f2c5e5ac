"""The names of packages, learnt from what nginx stored, under the paths that clients ask for."""

from pathlib import Path

from passthru.nginx.facts import FACTS
from passthru.stats.facts import read_facts
from passthru.stats.naming import Names
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.samples import hash_of, narinfo, narinfo_path
from tests.nginx.stored import wait_stored
from tests.nginx.test_nar_urls import url_of

URLS = ("nar/x.nar?y", "nar/~b/x.nar", "https://else.where/x.nar?y")


def test_a_nar_is_known_by_the_path_that_was_handed_out(
    cache: StartCache, origins: MakeOrigin
) -> None:
    """Relative or absolute, of the first upstream or another."""
    paths = [narinfo_path(number) for number in range(6)]
    files = {
        path: narinfo(hash_of(n), url=URLS[n % len(URLS)].replace("x.", f"{n}."))
        for n, path in enumerate(paths)
    }
    first = origins({path: files[path] for path in paths[:3]})
    second = origins({path: files[path] for path in paths[3:]})
    one = cache(first, second)
    handed_out = [url_of(one.get(path).body) for path in paths]
    wait_stored(one, count=len(paths))
    names = Names()
    names.learn(read_facts(Path(one.site.live, FACTS)), paths)

    assert [names.name_of(url) for url in handed_out] == ["hello-2.12.1"] * len(paths)
