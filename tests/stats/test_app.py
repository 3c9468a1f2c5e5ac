"""What the exporter answers, without a socket and without an instance."""

import asyncio
from dataclasses import dataclass, field

from starlette.types import Message, Scope

from passthru.stats.app import Page, make_app
from passthru.stats.assemble import take_snapshot
from passthru.stats.facts import Facts
from passthru.stats.snapshot import Snapshot
from tests.stats.views import FACTS, view

POLICY = "default-src 'none'"
FILES = {"a.css": (b"a {}", "text/css")}


@dataclass
class FakeReporter:
    """A reporter with one snapshot, until it is given another."""

    taken: Snapshot = field(default_factory=lambda: take_snapshot(view()))
    accepted: list[str] = field(default_factory=list)

    @property
    def facts(self) -> Facts:
        """Return the facts."""
        return FACTS

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return a text under a type of its own."""
        self.accepted.append(accept)
        return b"figures\n", "text/figures"

    async def snapshot(self) -> Snapshot:
        """Return the snapshot."""
        return self.taken


@dataclass
class Drawn:
    """A page, and how often it was drawn."""

    count: int = 0

    def render(self, snapshot: Snapshot, *, base: str) -> str:
        """Draw it."""
        self.count += 1
        return f"{base} {snapshot.taken_at}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Asker:
    """Asks one application."""

    def __init__(self) -> None:
        """Make it."""
        self.reporter, self.drawn = FakeReporter(), Drawn()
        self.app = make_app(self.reporter, Page(self.drawn.render, FILES.__getitem__, POLICY))

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Make one request; `_` in a header's name is a dash."""
        return asyncio.run(self._ask(path, method, headers))

    async def _ask(self, path: str, method: str, headers: dict[str, str]) -> Answer:
        sent: list[Message] = []
        raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": raw,
            "server": None,
            "client": None,
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        head, *rest = sent
        found = {name.decode(): value.decode() for name, value in head["headers"]}
        return Answer(head["status"], found, b"".join(part.get("body", b"") for part in rest))


def test_the_page_is_drawn_once_a_snapshot() -> None:
    """Many who look at once cost as much as one; a new snapshot is a new page."""
    asker = Asker()
    first = [asker.ask("/status") for _ in range(3)]
    asker.reporter.taken = take_snapshot(view()).model_copy(update={"taken_at": 7.0})
    second = asker.ask("/status")

    assert {answer.body for answer in first} == {f"/status {view().now}".encode()}
    assert (second.body, asker.drawn.count) == (b"/status 7.0", 2)
    assert second.headers["content-security-policy"] == POLICY
    assert second.headers["cache-control"] == "no-store"


def test_the_json_is_the_snapshot() -> None:
    """As its model writes it; whoever has that very text is told so."""
    asker = Asker()
    whole = asker.ask("/status.json")
    again = asker.ask("/status.json", if_none_match=f'"x", {whole.headers["etag"]}')

    assert Snapshot.model_validate_json(whole.body) == asker.reporter.taken
    assert b'"takenAt"' in whole.body
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == whole.headers["etag"]


def test_files_and_what_is_none() -> None:
    """A file has its type; another name, another path and another method have one line."""
    asker = Asker()

    assert asker.ask("/status/static/a.css").headers["content-type"] == "text/css"
    assert asker.ask("/status/static/b.css").body == b"no such file of the status page\n"
    assert [asker.ask(path).status for path in ("/", "/metrics/", "/nothing")] == [404] * 3
    assert asker.ask("/status", "POST").status == 405
    assert asker.ask("/-/healthy").body == b"ok\n"


def test_metrics_have_the_type_they_come_with() -> None:
    """The header is the encoder's own, and what a scraper accepts reaches it."""
    asker = Asker()
    answer = asker.ask("/metrics", accept="text/x")

    assert (answer.body, answer.headers["content-type"]) == (b"figures\n", "text/figures")
    assert asker.reporter.accepted == ["text/x"]
