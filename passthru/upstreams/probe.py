"""Asking one upstream for its nix-cache-info, step by step, so that it can be told which one failed."""

import asyncio
import http.client
import socket
import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from passthru.errors import ProxyError
from passthru.nix.excerpt import excerpt
from passthru.upstreams.dial import Dialler
from passthru.upstreams.dialogue import Target
from passthru.upstreams.lookup import Resolver
from passthru.upstreams.proxy import ProxyAddress

LONGEST_BODY: Final = 65536

_SHOWN: Final = 3
"""Addresses that are named when none answers."""

_LONGEST_WORDS: Final = 200


class Step(StrEnum):
    """What an exchange with an upstream is made of, in order."""

    LOOKUP = "lookup"
    CONNECT = "connect"
    TLS = "tls"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Question:
    """Which upstream, and how it is reached. Seconds."""

    host: str
    """A name, or an address without brackets."""

    port: int
    authority: str
    """The Host header."""

    target: str
    """The path that is asked for."""

    ca_file: str | None
    """Who may vouch for it; None where it is spoken to without TLS."""

    agent: str
    proxy: str | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)
    patience: float = 4.0
    """For each step."""


@dataclass(slots=True)
class Findings:
    """How far it went; filled in on the way."""

    failed: Step | None = None
    fault: str | None = None
    """Why, for people; it tells no password."""

    addresses: tuple[str, ...] = ()
    """What the name leads to; empty where a proxy looks it up."""

    certificate_ends: float | None = None
    """Seconds since 1970."""

    status: int | None = None
    body: bytes = b""
    location: str | None = None
    """Where a redirect leads."""

    date: float | None = None
    """The upstream's clock, in seconds since 1970."""

    asked_at: float | None = None
    """Ours, halfway between the request and the answer."""

    connect_seconds: float | None = None
    """Until the connection was made, TLS included."""

    answer_seconds: float | None = None


class _FailedError(Exception):
    """A step that did not succeed."""

    def __init__(self, step: Step, fault: str) -> None:
        super().__init__(fault)
        self.step = step
        self.fault = fault


def probe(question: Question) -> Findings:
    """Ask; blocks for some seconds at most, and never raises for what a network does."""
    found = Findings()
    try:
        _probe(question, found)
    except _FailedError as error:
        found.failed, found.fault = error.step, error.fault
    return found


def _probe(question: Question, found: Findings) -> None:
    if question.proxy is None:
        found.addresses = _look_up(question)
    begun = time.monotonic()
    connection = _connect(question, found.addresses)
    try:
        connection.settimeout(question.patience)
        if question.ca_file is not None:
            connection = _shake_hands(connection, question, question.ca_file, found)
        found.connect_seconds = time.monotonic() - begun
        _ask(connection, question, found)
    finally:
        connection.close()


def _look_up(question: Question) -> tuple[str, ...]:
    async def look_up() -> tuple[str, ...]:
        async with asyncio.timeout(question.patience):
            return await Resolver().addresses(question.host)

    try:
        return asyncio.run(look_up())
    except TimeoutError:
        fault = f"no name server answered within {question.patience:g} s"
        raise _FailedError(Step.LOOKUP, fault) from None
    except OSError as fault:
        raise _FailedError(Step.LOOKUP, _said(fault)) from None


def _connect(question: Question, addresses: tuple[str, ...]) -> socket.socket:
    if question.proxy is not None:
        proxy = ProxyAddress.parse(question.proxy)
        target = Target(question.host, question.port)
        try:
            return asyncio.run(Dialler().dial(proxy, target, seconds=question.patience))
        except ProxyError as error:
            raise _FailedError(Step.CONNECT, error.message) from None
    faults = []
    for address in addresses:
        try:
            return socket.create_connection(
                (address, question.port), timeout=question.patience / len(addresses)
            )
        except OSError as fault:
            faults.append(f"{address}: {_said(fault)}")
    raise _FailedError(Step.CONNECT, "; ".join(faults[:_SHOWN]) or "there is no address")


def _shake_hands(
    connection: socket.socket, question: Question, ca_file: str, found: Findings
) -> ssl.SSLSocket:
    try:
        context = ssl.create_default_context(cafile=ca_file)
        # Python 3.13 and later refuse certificates that nginx takes.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        secured = context.wrap_socket(connection, server_hostname=question.host)
    except ssl.SSLCertVerificationError as fault:
        raise _FailedError(Step.TLS, f"its certificate: {fault.verify_message}") from None
    except (OSError, ValueError) as fault:
        raise _FailedError(Step.TLS, _said(fault)) from None
    certificate = secured.getpeercert() or {}
    ends = certificate.get("notAfter")
    found.certificate_ends = ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None
    return secured


def _ask(connection: socket.socket, question: Question, found: Findings) -> None:
    speaker = http.client.HTTPConnection(question.authority)
    speaker.sock = connection
    headers = {"Host": question.authority, "User-Agent": question.agent, "Connection": "close"}
    if question.authorization is not None:
        headers["Authorization"] = question.authorization
    begun, clock = time.monotonic(), time.time()
    try:
        speaker.request("GET", question.target, headers=headers)
        answer = speaker.getresponse()
        found.answer_seconds = time.monotonic() - begun
        found.status, found.body = answer.status, answer.read(LONGEST_BODY)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise _FailedError(Step.ANSWER, _said(fault)) from None
    found.asked_at = clock + found.answer_seconds / 2
    found.location = answer.headers.get("Location")
    found.date = _moment(answer.headers.get("Date"))


def _moment(text: str | None) -> float | None:
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _said(fault: Exception) -> str:
    """Say it in one line without what a stranger may have put into it."""
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    strerror = fault.strerror if isinstance(fault, OSError) else None
    text = strerror or str(fault) or type(fault).__name__
    return text.lower() if text.isprintable() and len(text) < _LONGEST_WORDS else excerpt(text)
