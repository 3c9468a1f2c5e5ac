"""From a plan to the text of its files; pure, and the same bytes for the same plan."""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from passthru import __version__
from passthru.errors import RenderError
from passthru.nginx import grammar
from passthru.nginx.credentials import CREDENTIALS
from passthru.nginx.facts import FACTS, write_facts
from passthru.nginx.fills import FILLS, write_fills
from passthru.nginx.hot import COLD, HOT, UNTIDY, write_hot
from passthru.nginx.lan import LAN, write_lan
from passthru.nginx.late import FIRST
from passthru.nginx.page import content_security_policy, landing_page
from passthru.nginx.plan import FOLLOWED, NAR_LOCK, NAR_LOCK_AGE, Plan
from passthru.nginx.rendering import Rendering
from passthru.nginx.templates import template_dir
from passthru.nginx.tunnels import TUNNELS, write_tunnels

REDIRECTS: Final = (301, 302, 303, 307, 308)
"""Codes that say where the file is instead."""

OUT_OF_REACH: Final = (408, 412, 416, 499)
"""Codes of upstreams that reach the client: 412 and 416 nginx makes itself of a client's conditions and
ranges, also on stored content; upon 408 and 499 it hangs up before it looks at error_page
(ngx_http_finalize_request)."""

UNANSWERED: Final = tuple(
    code for code in range(300, 600) if code not in REDIRECTS and code not in OUT_OF_REACH
)
"""Codes with which an upstream does not give the file. An error_page takes none below 300, and its 304
is one that nothing was revalidated for (ngx_http_upstream_test_next)."""

HIDDEN: Final = (
    "Content-Type",
    "Set-Cookie",
    "Cache-Control",
    "Expires",
    "Vary",
    "Age",
    "Via",
    "Alt-Svc",
    "Strict-Transport-Security",
    "Content-Security-Policy",
    "Clear-Site-Data",
    "Link",
    "NEL",
    "Pragma",
    "Public-Key-Pins",
    "Refresh",
    "Report-To",
    "Reporting-Endpoints",
    "X-Cache",
    "X-Cache-Status",
    "X-Cache-Upstream",
    "X-Content-Type-Options",
)
"""Headers of upstreams that clients do not see: they speak of another host, or of us."""

_TEXTS: Final = ("nginx.conf", "http.conf", "server.conf")
_UNKNOWN_YET: Final = "@generation@"
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f]|[;{}$'\"`\\#]")
"""What ends a word or begins something in nginx's language; other bytes are letters to it."""

_FORBIDDEN: Final = re.compile(r"[^\x20-\x7e]|[;{}$'\"`\\#]")


def render(plan: Plan) -> Rendering:
    """Render all files; raises RenderError if a template is wrong or a value could harm nginx."""
    page = landing_page(
        address=plan.address,
        mode=plan.mode.value,
        upstreams=tuple((upstream.name, upstream.url) for upstream in plan.upstreams),
        public_keys=plan.public_keys,
        version=__version__,
        status=plan.status.path if plan.status.enable else None,
    )
    values = {
        "plan": plan,
        "grammar": grammar,
        "version": __version__,
        "generation": _UNKNOWN_YET,
        "unanswered": UNANSWERED,
        "redirects": REDIRECTS,
        "hidden": HIDDEN,
        "followed": FOLLOWED,
        "untidy": UNTIDY,
        "cold": COLD,
        "nar_lock": NAR_LOCK,
        "nar_lock_age": NAR_LOCK_AGE,
        "page_policy": content_security_policy(page),
    }
    names: tuple[str, ...] = _TEXTS
    if plan.credentials_file and not plan.late:
        names += (CREDENTIALS,)
    files = {name: _text(name, values) for name in names}
    files |= {f"{FIRST}/{name}": text for name, text in render_late(plan).items()}
    files["pages/index.html"] = page
    if plan.tunnels and not plan.late:
        files[TUNNELS] = write_tunnels(plan.tunnels)
    if plan.status.enable:
        files[FACTS] = write_facts(plan, generation=_UNKNOWN_YET)
        names += (FACTS,)
    if plan.follows:
        files[FILLS] = write_fills(plan)
    if plan.hot:
        files[HOT] = write_hot(plan.hot)
    if plan.lan.is_needed:
        files[LAN] = write_lan(plan.lan)
    generation = _digest(files)
    named = {name: files[name].replace(_UNKNOWN_YET, generation) for name in names}
    return Rendering(generation=generation, files={**files, **named})


def render_late(plan: Plan) -> dict[str, str]:
    """Render what a configuration made elsewhere includes on its machine, if anything."""
    values = {"plan": plan, "version": __version__, "generation": _UNKNOWN_YET}
    files = {name: _text(name, values) for name in (plan.late.names if plan.late else ())}
    generation = _digest(files)
    return {name: text.replace(_UNKNOWN_YET, generation) for name, text in files.items()}


def _text(name: str, values: Mapping[str, object]) -> str:
    try:
        return _environment().get_template(f"{name}.j2").render(values)
    except TemplateError as error:
        raise RenderError(f"a template is wrong: {error}") from error


def _digest(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:8]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Not HTML: what these filters cannot vouch for they refuse, and escape nothing.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(template_dir() / "nginx"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"token": _token, "path": _path, "url": _url, "header": _header}
    return environment


def _token(value: str) -> str:
    """Return one word of nginx's language, or raise RenderError."""
    if not value or _FORBIDDEN.search(value) or " " in value:
        raise RenderError(f"{value!r} cannot stand in an nginx configuration")
    return value


def _header(value: str) -> str:
    """Return what may stand between double quotes, as the value of a header."""
    if _FORBIDDEN.search(value):
        raise RenderError("a header cannot stand in an nginx configuration")
    return value


def _url(value: str) -> str:
    """Return a URL as one word."""
    if not value.startswith(("http://", "https://")):
        raise RenderError(f"{value!r} is not an http URL")
    return _token(value)


def _path(value: str) -> str:
    """Return an absolute path, in quotes if it has spaces."""
    bare = value.removeprefix("unix:")
    if not bare.startswith("/") or _UNFIT.search(value):
        raise RenderError(
            f"{value!r} cannot be a path in an nginx configuration",
            hint="set state_directory, runtime_directory and cache.directory to other paths",
        )
    return f'"{value}"' if " " in value else value
