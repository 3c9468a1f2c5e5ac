"""Lines of the log, as nginx would write them."""

from typing import Final

HASH: Final = "0123456789abcdfghijklmnpqrsvwxyz"
NARINFO: Final = f"/{HASH}.narinfo"
TIME: Final = "2026-11-20T20:29:07+00:00"
AT: Final = 1795206547
"""The same, as seconds since 1970."""


def request(
    path: str = NARINFO,
    *,
    time: str = TIME,
    method: str = "GET",
    status: int = 200,
    cache: str = "HIT",
    turn: str = "narinfo/nixos",
    seconds: str = "0.000",
    sent: int = 500,
    contacts: str = "",
) -> bytes:
    """Return a line; `contacts` is what `asked` makes."""
    fields = ("2", time, method, f"{status:03}", cache, turn, seconds, str(sent))
    return ("\t".join(fields) + contacts + f"\t{path}\n").encode()


def asked(
    statuses: str,
    *,
    length: int = 95,
    connect: str = "0.000",
    header: str = "0.010",
    response: str = "0.020",
    received: str = "600",
    trail: str = "",
) -> str:
    """Return the fields of a line that asked; lists of one value are made as long as `statuses`."""
    lists = (_like(statuses, one) for one in (connect, header, response, received))
    return "\t" + "\t".join(("HTTP/1.1", str(length), statuses, *lists, trail))


def _like(statuses: str, values: str) -> str:
    if " " in values:
        return values
    turns = statuses.split(" : ")
    return " : ".join(", ".join(values for _ in turn.split(", ")) for turn in turns)
