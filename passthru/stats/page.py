"""The status page: one snapshot as HTML that needs no script, and the files it is shown with."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Final

import jinja2

from passthru.stats import words
from passthru.stats.chart import Chart, draw
from passthru.stats.digest import Row, digest
from passthru.stats.history import Span
from passthru.stats.snapshot import Snapshot
from passthru.stats.stranger import plain, safe_link

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy to send with the page."""

ASSETS: Final = {
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
}
"""The files the page asks for, and their types."""

SNIPPETS: Final = {
    "nixos": "NixOS",
    "nix-conf": "Other Linux, macOS",
    "darwin": "nix-darwin",
    "flake": "One flake",
    "ci": "A CI job",
    "command": "Just once",
}
"""What the snippets are for, in the order they are shown; others follow under their own names."""

_NBSP: Final = "\u00a0"
_YOUNG: Final = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One of the charts, with what is written around it."""

    span: Span
    title: str
    chart: Chart
    rows: tuple[Row, ...]


def render_status(snapshot: Snapshot, *, base: str, zone: tzinfo | None = None) -> str:
    """Return the page as HTML.

    `base` is the path it is at, such as "/status": its JSON is at base + ".json", its files at
    base + "/static/". Times are of `zone`, or of this machine where none is given.
    """
    return _template().render(
        base=base,
        build=_build(),
        now=snapshot,
        is_fresh=snapshot.tallies.total.requests == 0,
        pictures=_pictures(snapshot, zone),
        first_span=_first_span(snapshot),
        snippets=_snippets(snapshot),
        zone=_zone_name(snapshot.taken_at, zone),
        clock=partial(words.format_clock, zone=zone),
        date=partial(words.format_date, zone=zone),
        iso=partial(words.format_moment, zone=zone),
    )


def asset(name: str) -> tuple[bytes, str]:
    """Return one of ASSETS and its content type; raise KeyError for any other name."""
    return _asset_bytes(name), ASSETS[name]


@cache
def _asset_bytes(name: str) -> bytes:
    if name not in ASSETS:
        raise KeyError(name)
    return (_directory() / name).read_bytes()


@cache
def _build() -> str:
    """Return a name for these very assets: browsers that have others load the page anew."""
    return hashlib.sha256(b"\0".join(map(_asset_bytes, ASSETS))).hexdigest()[:12]


def _directory() -> Path:
    """Return where the page's files are: packaged beside this package, or in the checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "templates"
    return (packaged if packaged.is_dir() else package.parent / "templates") / "pages"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_directory()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bytes": _unbroken(words.format_bytes),
        "rate": _unbroken(words.format_rate),
        "count": _unbroken(words.format_count),
        "frequency": _unbroken(words.format_frequency),
        "percent": _unbroken(words.format_percent),
        "latency": _unbroken(words.format_latency),
        "duration": _unbroken(words.format_duration),
        "number": lambda size: words.split_bytes(size)[0],
        "unit": lambda size: words.split_bytes(size)[1],
        "plain": plain,
        "link": safe_link,
        "sentence": lambda text: text[:1].upper() + text[1:],
    }
    return environment.get_template("status.html.j2")


def _unbroken(form: Callable[[float], str]) -> Callable[[float], str]:
    """Return `form` with spaces at which no line is broken."""
    return lambda value: form(value).replace(" ", _NBSP)


def _pictures(snapshot: Snapshot, zone: tzinfo | None) -> tuple[Picture, ...]:
    charts = snapshot.charts
    spans = (
        (Span.HOUR, "last hour", charts.hour),
        (Span.DAY, "last day", charts.day),
        (Span.MONTH, "last 30 days", charts.month),
    )
    return tuple(
        Picture(span, title, draw(points, zone=zone), digest(points, span, zone=zone))
        for span, title, points in spans
    )


def _first_span(snapshot: Snapshot) -> Span:
    """Return the span that is open at first: a day of which most is before the beginning is empty."""
    age = snapshot.taken_at - snapshot.instance.counting_since
    return Span.HOUR if age < _YOUNG else Span.DAY


def _snippets(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return title and text of each snippet, the ones most people want first."""
    given = snapshot.snippets
    names = [*(name for name in SNIPPETS if name in given), *sorted(given.keys() - SNIPPETS.keys())]
    return tuple((SNIPPETS.get(name, name), given[name]) for name in names)


def _zone_name(moment: float, zone: tzinfo | None) -> str:
    at = datetime.fromtimestamp(moment, zone)
    return (at if zone else at.astimezone()).strftime("%Z")
