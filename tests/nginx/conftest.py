"""Fixtures of the behaviour tests: an nginx to run on, origins, and caches before them."""

import os
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from tests.nginx.cache import Cache, merge, upstream
from tests.nginx.nginxes import CHOICES, NginxBinary, require_nginx
from tests.nginx.origin import Origin

MakeOrigin = Callable[..., Origin]
"""Make an origin, as `Origin` does, that ends with the test."""


class StartCache(Protocol):
    """Start a cache of `upstreams`, named a, b, c … unless they are whole tables."""

    def __call__(
        self,
        *upstreams: Origin | str | dict[str, Any],
        machine: dict[str, Any] | None = None,
        prefix: tuple[str, ...] = (),
        workers: str = "1",
        swaps: dict[str, str] | None = None,
        start: bool = True,
        **settings: Any,  # noqa: ANN401 - a spec's top-level keys
    ) -> Cache:
        """Start it with `settings`, facts of the machine, and what `Cache` says of the rest."""
        ...


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run everything on the installed nginx, what is marked `core` on all of them."""
    if "nginx" not in metafunc.fixturenames:
        return
    wide = os.environ.get("PASSTHRU_TEST_NGINX") == "all"
    core = metafunc.definition.get_closest_marker("core") is not None
    choices = CHOICES if wide or core else CHOICES[:1]
    metafunc.parametrize("nginx", choices, indirect=True)


@pytest.fixture
def nginx(request: pytest.FixtureRequest) -> NginxBinary:
    """Return the nginx to run on."""
    return require_nginx(str(request.param))


@pytest.fixture
def origins() -> Iterator[MakeOrigin]:
    """Return a maker of origins; they end with the test."""
    made: list[Origin] = []

    def make(*args: Any, **kwargs: Any) -> Origin:  # noqa: ANN401 - passed on
        made.append(Origin(*args, **kwargs))
        return made[-1]

    yield make
    for origin in made:
        origin.close()


@pytest.fixture
def origin(origins: MakeOrigin) -> Origin:
    """Return one origin that holds nothing yet."""
    return origins()


@pytest.fixture
def cache(nginx: NginxBinary) -> Iterator[StartCache]:
    """Return a starter of caches; they end with the test, and show their logs if it failed."""
    made: list[Cache] = []

    def start_cache(
        *upstreams: Origin | str | dict[str, Any],
        machine: dict[str, Any] | None = None,
        prefix: tuple[str, ...] = (),
        workers: str = "1",
        swaps: dict[str, str] | None = None,
        start: bool = True,
        **settings: Any,  # noqa: ANN401 - a spec's top-level keys
    ) -> Cache:
        tables = [
            up if isinstance(up, dict) else upstream(up, name)
            for up, name in zip(upstreams, "abcdefgh", strict=False)
        ]
        made.append(
            Cache(
                nginx,
                merge({"upstreams": tables}, settings),
                machine or {},
                prefix,
                workers,
                swaps or {},
            )
        )
        if start:
            made[-1].start()
        return made[-1]

    yield start_cache
    for one in made:
        one.dump()  # pytest shows it only for a test that failed
        one.close()
