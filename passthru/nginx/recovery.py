"""The runtime directory of a running instance, made again where somebody removed it."""

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from passthru.errors import PassthruError
from passthru.nginx.directories import prepare_directories
from passthru.nginx.generation import named_by
from passthru.nginx.health import is_live
from passthru.nginx.lock import transaction
from passthru.nginx.master import send
from passthru.nginx.patience import wait_until
from passthru.nginx.site import Site

_SECONDS: Final = 10.0
_HINT: Final = "stop passthru and start it again, which makes it"


def is_whole(site: Site) -> bool:
    """Say whether nginx's socket is where everybody looks for it."""
    return Path(site.socket).is_socket()


def recover(
    site: Site, master: int, *, user: str | None, waiting: Callable[[], None] = lambda: None
) -> None:
    """Make the runtime directory again, and what nginx has in it; `waiting` is called meanwhile.

    nginx serves on all the while. What sidecars have there is theirs to make. Raises PassthruError.
    """
    try:
        prepare_directories(site, user=user)
        Path(site.pid_file).write_text(f"{master}\n", encoding="utf-8")
    except (OSError, PassthruError) as fault:
        raise PassthruError(
            f"{site.runtime} was removed, and cannot be made again: {fault}", hint=_HINT
        ) from fault
    with transaction(site, waiting=waiting):
        _listen_again(site, master, waiting)


def _listen_again(site: Site, master: int, waiting: Callable[[], None]) -> None:
    """Have nginx listen on its socket anew: elsewhere for a moment, and then there again.

    It keeps an address that both configurations name, without a look at what the name leads to.
    """
    configuration, elsewhere = Path(site.live, "nginx.conf"), Path(site.runtime, "n.sock")
    generation, place = named_by(site.live), Path(site.socket)
    text = configuration.read_text(encoding="utf-8")
    try:
        place.touch()  # nginx removes what it leaves, and complains of what is not there
        _write(configuration, text.replace(f"unix:{site.socket}", f"unix:{elsewhere}"))
        send(master, signal.SIGHUP)
        moved = _wait(elsewhere.is_socket, waiting)
    finally:
        if not place.is_socket():
            place.unlink(missing_ok=True)
        _write(configuration, text)
    send(master, signal.SIGHUP)
    if not (moved and _wait(lambda: is_live(site, str(generation)), waiting)):
        raise PassthruError(f"nginx does not listen on {site.socket} again", hint=_HINT)
    with suppress(OSError):
        elsewhere.unlink()


def _wait(claim: Callable[[], bool], waiting: Callable[[], None]) -> bool:
    def is_true() -> bool:
        waiting()
        return claim()

    return wait_until(is_true, seconds=_SECONDS)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
