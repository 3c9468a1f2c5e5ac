"""The faults of upstreams, one row each: what is promised, what the page says and what is tested.

Bodies are halved at HALF; all of them are longer than that.
"""

from typing import Final

from tests.faults.promise import Afterwards, Closed, Gets, Row, Stale, Stores, Time
from tests.nginx.fault import Fault, Framing

HALF: Final = 1000
PORTAL: Final = b"<html><body>please log in</body></html>"
GIBBERISH: Final = b"220 mail.test ESMTP ready\r\n"
_HTML: Final = (("Content-Type", "text/html; charset=utf-8"),)


def _code(status: int) -> Row:
    gets = Gets.TIMEOUT if status == 504 else Gets.OUTAGE
    return Row(name=f"{status}", fault=Fault(status=status), gets=gets)


def _no(status: int) -> Row:
    return Row(
        name=f"{status}",
        fault=Fault(status=status),
        gets=Gets.NO,
        stores=Stores.NO,
        afterwards=Afterwards.AFTER_TTL,
        stale=Stale.ONCE,
    )


UNREACHABLE: Final = (
    Row(name="connection refused", fault=Closed.REFUSES, gets=Gets.OUTAGE),
    Row(
        name="connections go nowhere",
        fault=Closed.SWALLOWS,
        gets=Gets.TIMEOUT,
        time=Time.CONNECT,
    ),
    Row(name="connects, then silence", fault=Fault(silent=True), gets=Gets.TIMEOUT, time=Time.READ),
    Row(name="reset before the header", fault=Fault(reset=-1), gets=Gets.OUTAGE),
)

CUT: Final = (
    Row(name="reset in the body", fault=Fault(reset=HALF), gets=Gets.CUT),
    Row(name="stall in the body", fault=Fault(stall=HALF), gets=Gets.CUT, time=Time.READ),
    Row(name="cut before the length is reached", fault=Fault(cut=HALF), gets=Gets.CUT),
    Row(
        name="cut between chunks",
        fault=Fault(cut=HALF, framing=Framing.CHUNKED),
        gets=Gets.CUT_CHUNKS,
    ),
    Row(
        name="cut, without length or chunks",
        fault=Fault(cut=HALF, framing=Framing.CLOSE),
        gets=Gets.SHORT,
    ),
)

CODES: Final = (
    *(_code(status) for status in (500, 502, 503, 504, 429, 401)),
    *(_no(status) for status in (404, 403)),
    Row(
        name="408",
        fault=Fault(status=408, body=b"408\n"),
        gets=Gets.CODE_AS_IT_CAME,
    ),
    Row(
        name="304 to what is not stored",
        fault=Fault(status=304),
        gets=Gets.OUTAGE,
        stale=Stale.UNCHANGED,
    ),
    Row(
        name="206, 204 or any other code of success",
        fault=Fault(status=206, body=b"a part\n"),
        gets=Gets.SUCCESS_AS_IT_CAME,
    ),
    Row(
        name="redirect to itself",
        fault=Fault(status=302, headers=(("Location", "/nar/round-and-round"),)),
        gets=Gets.OUTAGE,
    ),
    Row(
        name="redirect to a host not allowed",
        fault=Fault(status=302, headers=(("Location", "http://elsewhere.test/x"),)),
        gets=Gets.REFUSED,
    ),
)

WRONG: Final = (
    Row(
        name="HTML with 200",
        fault=Fault(status=200, body=PORTAL, headers=_HTML),
        gets=Gets.AS_IT_CAME,
    ),
    Row(name="empty 200", fault=Fault(status=200, body=b""), gets=Gets.AS_IT_CAME),
    Row(name="not HTTP at all", fault=Fault(raw=GIBBERISH), gets=Gets.NOT_HTTP),
    Row(
        name="right length, wrong bytes",
        fault=Fault(corrupt=True),
        gets=Gets.AS_IT_CAME,
        stores=Stores.WRONG,
        afterwards=Afterwards.WRONG,
        stale=Stale.REPLACED,
    ),
    Row(
        name="wrong `Content-Type`",
        fault=Fault(headers=(("Content-Type", "application/x-nonsense"),)),
        gets=Gets.RIGHT,
        stores=Stores.ANSWER,
        stale=Stale.REPLACED,
    ),
    Row(
        name="`Content-Encoding: gzip`, not asked for",
        fault=Fault(gzip=True),
        gets=Gets.RIGHT_ENCODED,
        stores=Stores.ANSWER,
        stale=Stale.REPLACED,
    ),
    Row(
        name="slow drip",
        fault=Fault(drip=4000),
        gets=Gets.RIGHT,
        stores=Stores.ANSWER,
        time=Time.UPSTREAM,
        stale=Stale.REPLACED,
    ),
)

TABLE: Final = (*UNREACHABLE, *CUT, *CODES, *WRONG)
