"""What the exporter answers on its socket; nginx maps the public paths to these."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from passthru.stats.facts import Facts
from passthru.stats.snapshot import Snapshot


class Reporter(Protocol):
    """Whoever knows the answers."""

    @property
    def facts(self) -> Facts:
        """What is known of the instance."""
        ...

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type."""
        ...

    async def snapshot(self) -> Snapshot:
        """Return what is known now."""
        ...


class RenderStatus(Protocol):
    """Makes the page."""

    def __call__(self, snapshot: Snapshot, *, base: str) -> str:
        """Return it as HTML; `base` is the path it is at."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """The page for people."""

    render: RenderStatus
    asset: Callable[[str], tuple[bytes, str]]
    """Returns a file of the page and its content type; raises KeyError."""

    policy: str
    """Its Content-Security-Policy."""


_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_NO_STORE: Final = {"Cache-Control": "no-store", **_SAFE}


def make_app(reporter: Reporter, page: Page) -> Starlette:
    """Return the application."""
    drawing = _Drawing(page)

    async def metrics(request: Request) -> Response:
        body, content_type = await reporter.metrics(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type, **_NO_STORE})

    async def status(_request: Request) -> Response:
        html = drawing.of(await reporter.snapshot(), base=reporter.facts.status.path)
        headers = {"Content-Security-Policy": page.policy, **_NO_STORE}
        return Response(html, media_type="text/html", headers=headers)

    async def status_json(request: Request) -> Response:
        body = (await reporter.snapshot()).model_dump_json(by_alias=True).encode() + b"\n"
        return _tagged(request, body, "application/json", _NO_STORE)

    async def static(request: Request) -> Response:
        try:
            body, content_type = page.asset(request.path_params["name"])
        except KeyError:
            raise HTTPException(404, "no such file of the status page") from None
        return _tagged(request, body, content_type, {"Cache-Control": "no-cache", **_SAFE})

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    app = Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/status", status),
            Route("/status.json", status_json),
            Route("/status/static/{name}", static),
            Route("/-/healthy", healthy),
        ],
        exception_handlers={HTTPException: _say},
    )
    app.router.redirect_slashes = False
    return app


class _Drawing:
    """The page as it was drawn last: of one snapshot, many looks cost as much as one."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._snapshot: Snapshot | None = None
        self._base = ""
        self._html = ""

    def of(self, snapshot: Snapshot, *, base: str) -> str:
        if snapshot is not self._snapshot or base != self._base:
            self._html = self._page.render(snapshot, base=base)
            self._snapshot, self._base = snapshot, base
        return self._html


def _tagged(request: Request, body: bytes, content_type: str, headers: dict[str, str]) -> Response:
    """Answer with an ETag, or with 304 to whoever has this very body."""
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, **headers}
    known = {known.strip() for known in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, f"W/{tag}", "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers={"Content-Type": content_type, **headers})


async def _say(_request: Request, error: Exception) -> Response:
    """Answer an error in one line."""
    status, text = 500, "something went wrong"
    if isinstance(error, HTTPException):
        status, text = error.status_code, str(error.detail).lower()
    return PlainTextResponse(f"{text}\n", status_code=status, headers=_NO_STORE)
