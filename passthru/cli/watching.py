"""Showing a snapshot, once or again and again until somebody has seen enough."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.dashboard import dashboard
from passthru.cli.layout import NARROWEST, Style
from passthru.cli.sparkline import ASCII_BARS, BARS
from passthru.errors import NotRunningError
from passthru.stats.words import format_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from passthru.cli.figures import Figures
    from passthru.stats.snapshot import Snapshot

EVERY: Final = 2.0
"""Seconds between two looks."""

_PLAIN_WIDTH: Final = 80
_WIDEST: Final = 110
"""Lines that are longer are not read."""

# Another screen, without a cursor, on which long lines are cut and not broken; and back.
_OTHER_SCREEN: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_BACK: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_REST_OF_LINE: Final = "\x1b[K"
_REST: Final = "\x1b[J"


def show(snapshot: Snapshot, *, header: bool) -> None:
    """Print a snapshot once."""
    for line in _lines(snapshot, header=header):
        click.echo(line)


def watch_figures(
    look: Callable[[], Figures], figures: Figures, *, as_json: bool, header: bool
) -> None:
    """Show `figures`, and what `look` returns from then on, until Ctrl-C.

    `look` raises NotRunningError where there are none: what was seen last is shown on, and that.
    """
    on_screen = not as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    lost: str | None = None
    with suppress(KeyboardInterrupt, BrokenPipeError), ExitStack() as stack:
        wait = stack.enter_context(_waker())
        if on_screen:
            stack.enter_context(_other_screen())
        while True:
            _draw(figures, lost, as_json=as_json, header=header, on_screen=on_screen)
            wait()
            try:
                figures, lost = look(), None
            except NotRunningError as error:
                lost = lost or f"lost at {format_clock(time.time())}: {error.message}"


def _draw(
    figures: Figures, lost: str | None, *, as_json: bool, header: bool, on_screen: bool
) -> None:
    if as_json:
        record = {"error": lost} if lost else json.loads(figures.text)
        click.echo(json.dumps(record))
        return
    lines = _lines(figures.snapshot, header=header)
    if lost is not None:
        told = f"{lost} - these are the last figures, and it is asked again"
        lines.insert(0, click.style(told[: _width() - 1], fg="red", bold=True))
    if not on_screen:
        click.echo("\n".join([*lines, ""]))
        return
    room = max(1, _size().lines)
    if click.get_current_context().color is False:
        lines = [click.unstyle(line) for line in lines]
    text = "\n".join(f"{line}{_REST_OF_LINE}" for line in lines[:room])
    sys.stdout.write(f"{_HOME}{text}{_REST}")  # click would take the sequences for colours
    sys.stdout.flush()


def _lines(snapshot: Snapshot, *, header: bool) -> list[str]:
    encoding = sys.stdout.encoding or "ascii"
    bars = BARS if _can_write(BARS, encoding) else ASCII_BARS
    lines = dashboard(snapshot, Style(width=_width(), header=header, bars=bars))
    return [line.encode(encoding, "replace").decode(encoding) for line in lines]


def _width() -> int:
    if not sys.stdout.isatty():
        return _PLAIN_WIDTH
    return max(NARROWEST, min(_WIDEST, _size().columns))


def _size() -> os.terminal_size:
    """Return the terminal's own size: COLUMNS and LINES do not follow it when it changes."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return shutil.get_terminal_size()
    return size if size.columns and size.lines else shutil.get_terminal_size()


def _can_write(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@contextmanager
def _other_screen() -> Iterator[None]:
    """Draw where nothing is overwritten, and come back however it ends."""
    sys.stdout.write(_OTHER_SCREEN)
    try:
        yield
    finally:
        sys.stdout.write(_BACK)
        sys.stdout.flush()


@contextmanager
def _waker() -> Iterator[Callable[[], None]]:
    """Yield what waits for the next look, or until the terminal has another size."""
    near, far = socket.socketpair()
    near.setblocking(False)  # noqa: FBT003 - its only argument
    far.setblocking(False)  # noqa: FBT003 - its only argument
    old_descriptor = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    old_handler = signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
    old_end = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def wait() -> None:
        if select.select([near], [], [], EVERY)[0]:
            with suppress(BlockingIOError):
                near.recv(4096)

    try:
        yield wait
    finally:
        signal.signal(signal.SIGTERM, old_end)
        signal.signal(signal.SIGWINCH, old_handler)
        signal.set_wakeup_fd(old_descriptor)
        near.close()
        far.close()
