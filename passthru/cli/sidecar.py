"""What the commands beside nginx have in common: their spec, their log, what they are told."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.instance import describe_source, read_spec
from passthru.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from passthru.nginx.machine import Machine
    from passthru.nginx.site import Site
    from passthru.spec import Spec


def log_as(name: str) -> None:
    """Log to stderr, as the command `name`."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format=f"passthru {name}: %(message)s"
    )


def make_sign() -> Callable[[], None]:
    """Return what gives whoever started us a sign of life when one is due."""
    from passthru.nginx.watchdog import Watchdog

    watchdog = Watchdog.of()
    return lambda: watchdog.calm(lambda: True)


def tell_waiting(path: Path) -> None:
    """Say that a rendered file is waited for, if it is not there yet."""
    if not path.exists():
        logging.getLogger(__name__).info("waiting for %s", path)


def find_site(given: Path | None) -> Site:
    """Say which spec was taken, and return where its instance keeps its things; raises SpecError."""
    _source, site = _begin(given)
    return site


def find_rendered(spec: Path | None, given: Path | None, name: str, *, option: str) -> Path:
    """Return the file that a sidecar follows: the `given` one, or else that of what a spec made live.

    Raises UsageError if `option` was given beside a spec, and SpecError.
    """
    if given is None:
        return Path(find_site(spec).live, name)
    if spec is not None:
        raise click.UsageError(f"SPEC and {option} exclude each other", click.get_current_context())
    return given.absolute()


class SpecSource:
    """What a spec wants of a sidecar; it changes only when it is read again."""

    def __init__(self, given: Path | None, write: Callable[[Spec, Machine], str]) -> None:
        """Say which spec was taken; `write` makes the text. Raises SpecError, which ends the command."""
        source, self.site = _begin(given)
        self._source = source and source.absolute()
        self._write = write

    def stamp(self) -> object:
        """Return the same always: SIGHUP has it read again."""
        return None

    def read(self) -> str:
        """Read the spec and look at the machine anew; raises PassthruError."""
        from passthru.nginx.survey import look_at_machine

        _source, spec = read_spec(self._source)
        return self._write(spec, look_at_machine())


def _begin(given: Path | None) -> tuple[Path | None, Site]:
    from passthru.nginx.plan import site_of
    from passthru.nginx.survey import look_at_machine

    source, spec = read_spec(given)
    say(describe_source(source))
    return source, site_of(spec, look_at_machine())
