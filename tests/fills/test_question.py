"""What nginx asks, and what it is answered."""

import pytest

from passthru.fills.head import Head
from passthru.fills.question import Question, Range
from passthru.fills.reply import Instead, plan_stream, redirect

HEAD = Head(400, 1000, (("ETag", '"e"'),))


def question(**more: str) -> Question:
    """Return what comes of a request of nginx's, with other fields."""
    fields = {
        "X-Passthru-Method": "GET",
        "X-Passthru-Path": "/nar/x.nar",
        "X-Passthru-Names": "a",
        "X-Passthru-Otherwise": "/nar/x.nar",
    }
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    lines = "".join(f"\r\n{name}: {value}" for name, value in fields.items())
    return Question.parse(f"GET /nar/x.nar HTTP/1.1{lines}".encode(errors="surrogateescape"))


def test_a_question() -> None:
    """The keys are the upstreams' names before the path, in their order."""
    asked = question(
        X_Passthru_Names="a b",
        X_Passthru_Later="@g",
        X_Passthru_Led="/nar/~b/x",
        X_Passthru_Again="@f",
    )

    assert asked.later == ("@g",)
    assert asked.keys == ("a/nar/x.nar", "b/nar/x.nar")
    assert (asked.led, asked.again, asked.head_only) == ("/nar/~b/x", "@f", False)
    assert question(X_Passthru_Again="@f", X_Passthru_Before="297").again is None
    assert question(X_Passthru_Method="HEAD").head_only


@pytest.mark.parametrize("path", ["/nar/ü.nar", "/nar/\udcff\udcfe", "/nar/a%20b?x=/&y:", "/" * 99])
def test_any_path_is_a_key(path: str) -> None:
    """Bytes that are no text go through as they are, and never become part of a path of ours."""
    asked = question(X_Passthru_Path=path, X_Passthru_Otherwise=path)

    assert asked.keys == (f"a{path}",)
    assert path.encode(errors="surrogateescape") in redirect(Instead.OTHERWISE, asked.otherwise)


@pytest.mark.parametrize(
    "fields",
    [
        {"X_Passthru_Names": " "},
        {"X_Passthru_Names": "a b"},
        {"X_Passthru_Names": "a b", "X_Passthru_Later": "g"},
        {"X_Passthru_Path": "nar"},
        {"X_Passthru_Otherwise": ""},
        {"X_Passthru_Otherwise": "elsewhere"},
        {"X_Passthru_Otherwise": "/a\x01b"},
        {"x_passthru_path": "/nar/another"},
    ],
)
def test_what_is_no_question(fields: dict[str, str]) -> None:
    """A request that is not one of our nginx's is refused."""
    with pytest.raises(ValueError, match="not a question"):
        question(**fields)


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=0-", Range(0, None)),
        ("bytes=5-9", Range(5, 9)),
        ("bytes=9-5", None),
        ("bytes=-5", None),
        ("bytes=1-2,4-5", None),
        ("bytes=x-", None),
        ("lines=1-", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges(value: str, part: Range | None) -> None:
    """One part is given here; everything else is nginx's to take out of the whole."""
    assert question(Range=value).part == part


@pytest.mark.parametrize(
    ("fields", "status", "first", "end"),
    [
        ({}, "200", 0, 1000),
        ({"Range": "bytes=10-"}, "206", 10, 1000),
        ({"Range": "bytes=10-19"}, "206", 10, 20),
        ({"Range": "bytes=10-5000"}, "206", 10, 1000),
        ({"Range": "bytes=1000-"}, "200", 0, 1000),
        ({"Range": "bytes=10-", "If_Range": '"e"'}, "206", 10, 1000),
        ({"Range": "bytes=10-", "If_Range": '"f"'}, "200", 0, 1000),
        ({"Range": "bytes=10-", "If_Range": "Tue, 14 Nov 2023 22:13:20 GMT"}, "200", 0, 1000),
    ],
)
def test_what_is_sent(fields: dict[str, str], status: str, first: int, end: int) -> None:
    """The head says which bytes come, and how many."""
    extent = plan_stream(question(**fields), HEAD)

    assert extent.head.startswith(f"HTTP/1.1 {status} ".encode())
    assert f"\r\nContent-Length: {end - first}\r\n".encode() in extent.head
    assert (extent.first, extent.end) == (first, end)
    assert (b"Content-Range" in extent.head) == (status == "206")


def test_chunks_have_no_ranges() -> None:
    """Where no length is known, all of it is sent, in chunks."""
    extent = plan_stream(question(Range="bytes=10-"), Head(400, None, ()))

    assert b"\r\nTransfer-Encoding: chunked\r\n" in extent.head
    assert (extent.first, extent.end) == (0, None)
