"""All checks of `passthru doctor`, in their order."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from passthru.cli.checkup import Check, fail, ok, skipped
from passthru.cli.checkup_local import check_nginx, check_running, checks_of_findings
from passthru.cli.checkup_serving import (
    check_announcement,
    check_exporter,
    check_fills,
    check_reachable,
    check_way,
)
from passthru.cli.checkup_upstream import Probes, check_clock, check_upstream
from passthru.cli.examine import examine
from passthru.cli.figures import find_health
from passthru.cli.instance import prepare, read_spec
from passthru.errors import NginxError, PassthruError, RenderError, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from passthru.cli.instance import Instance


def examine_all(given: Path | None) -> Iterator[Check]:
    """Yield each check as soon as it is made; upstreams are asked meanwhile."""
    try:
        source, spec = read_spec(given)
    except SpecError as error:
        faults = tuple(str(problem) for problem in error.problems)
        yield fail("spec", f"cannot be used: {faults[0]}", "mend it as it says", *faults[1:])
        return
    yield ok("spec", str(source) if source else "there is none, so all is default")
    try:
        instance = prepare(given)
    except NginxError as error:
        yield fail("nginx", error.message, error.hint, *error.lines)
        return
    except (RenderError, SpecError) as error:
        yield fail("configuration", error.message, error.hint)
        return
    with ThreadPoolExecutor() as pool:
        probes = Probes(instance.plan)
        running = _begin_checks_of_running(instance, pool)
        yield check_nginx(instance)
        yield from checks_of_findings(tuple(examine(spec)), instance)
        yield check_running(instance, find_health(instance.plan.site))
        yield from _checks_of_upstreams(instance, probes)
        yield from (check.result() for check in running)


def _begin_checks_of_running(instance: Instance, pool: Executor) -> list[Future[Check]]:
    """Begin what asks the running instance, beside all the rest."""
    is_there = find_health(instance.plan.site) is not None

    def make(name: str, look: Callable[[Instance], Check]) -> Check:
        try:
            return look(instance) if is_there else skipped(name, "no instance answers")
        except PassthruError as error:
            return fail(name, error.message, error.hint)

    checks = (
        ("way through", check_way),
        ("network", check_reachable),
        ("mdns", check_announcement),
        ("figures", check_exporter),
        ("fills", check_fills),
    )
    return [pool.submit(make, name, look) for name, look in checks]


def _checks_of_upstreams(instance: Instance, probes: Probes) -> Iterator[Check]:
    plan, found = instance.plan, probes.collect()
    for upstream in plan.upstreams:
        answer = found.get(upstream.name)
        yield check_upstream(upstream, answer, store_dir=plan.store_dir, now=time.time())
    yield check_clock(tuple(found.values()))
